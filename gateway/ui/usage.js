/* What was metered, grouped as one likes. */

import { Bars } from "./charts.js";
import { el, fillTable } from "./dom.js";
import { bytes, count, day, ms } from "./format.js";
import { Panel } from "./panel.js";

const EVERY_MS = 30000, PAGES_MAX = 40, BARS_MAX = 12, ROWS_MAX = 100;
const SUMS = ["calls", "errors", "voided", "bytes_in", "bytes_out", "duration_us"];
const FIELDS = { day: ["time"], hour: ["time"], tenant: ["tenant"], service: ["service"],
    "tenant,user": ["tenant", "user"], "service,method": ["service", "method"] };
const SEPARATORS = { "tenant,user": "/", "service,method": "." };

function queryOf(by, period) {
    const query = new URLSearchParams({ by });
    if (period === "month")
        query.set("from", day().slice(0, 7));
    else
        query.set("from", day(Number(period) - 1));
    return query;
}

/* A group may come again on the next page. */
function addUp(groups, rows, by) {
    for (const row of rows) {
        const name = FIELDS[by].map((field) => row[field]).join(SEPARATORS[by] ?? "");
        const group = groups.get(name) ?? { name, ...Object.fromEntries(SUMS.map((s) => [s, 0])) };
        for (const sum of SUMS)
            group[sum] += row[sum] ?? 0;
        groups.set(name, group);
    }
}

const COLUMNS = [
    { label: "Name", of: (g) => g.name },
    { label: "Calls", of: (g) => count(g.calls), number: true },
    { label: "Errors", of: (g) => count(g.errors), number: true },
    { label: "Credited", of: (g) => count(g.voided), number: true },
    { label: "In", of: (g) => bytes(g.bytes_in), number: true },
    { label: "Out", of: (g) => bytes(g.bytes_out), number: true },
    { label: "Mean", of: (g) => ms(g.duration_us / g.calls), number: true },
];

export class Usage extends Panel {
    #bars;
    #form;

    constructor(desk) {
        super("usage", EVERY_MS, desk);
        this.#bars = new Bars(this.find("canvas"), ["calls", "errors"]);
        this.#form = this.find("form");
        this.#form.addEventListener("change", () => this.refresh());
        this.#form.addEventListener("submit", (event) => event.preventDefault());
    }

    reset() {
        this.#form.reset();
        this.find(".rows").replaceChildren();
    }

    async ask() {
        const by = this.#form.elements.by.value;
        const query = queryOf(by, this.#form.elements.period.value);
        const groups = new Map();
        let page = { next: "" };
        for (let n = 0; n === 0 || (page.next && n < PAGES_MAX); n++) {
            if (page.next)
                query.set("cursor", page.next);
            page = await this.gateway.get(`/v1/usage?${query}`);
            addUp(groups, page.rows, by);
        }
        return { by, groups: [...groups.values()], more: Boolean(page.next) };
    }

    show({ by, groups, more }) {
        const overTime = FIELDS[by][0] === "time";
        groups.sort((a, b) => (overTime ? a.name.localeCompare(b.name) : b.calls - a.calls));
        const listed = overTime ? groups.toReversed() : groups; /* the latest, the largest first */
        const bars = overTime ? groups : groups.slice(0, BARS_MAX);
        const words = bars.map((g) => `${g.name}: ${count(g.calls)}`).join(", ");
        this.#bars.draw(bars.map((g) => g.name), [bars.map((g) => g.calls), bars.map((g) => g.errors)],
            `Calls: ${words}`, !overTime);
        const rows = this.find(".rows");
        fillTable(rows, this.title, COLUMNS, listed.slice(0, ROWS_MAX), "Nothing was used in that time.");
        if (more || groups.length > ROWS_MAX)
            rows.append(el("p", { class: "hint" }, "There is more: farebox usage shows all of it."));
    }
}
