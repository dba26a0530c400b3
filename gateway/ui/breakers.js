/* Breakers: what the bus spares, and for how long. */

import { badge, el, fillTable } from "./dom.js";
import { count, seconds } from "./format.js";
import { Panel } from "./panel.js";

const EVERY_MS = 3000;
const KINDS = { closed: "good", half_open: "warn", open: "bad" };

function stateOf(breaker) {
    const words = breaker.state.replace("_", " ") + (breaker.forced ? ", forced" : "");
    return badge(words, KINDS[breaker.state] ?? "warn");
}

function whom(breaker) {
    if (breaker.instance)
        return `instance ${breaker.instance}`;
    return breaker.tenant ? `tenant ${breaker.tenant}` : "everybody";
}

const COLUMNS = [
    { label: "Service", of: (b) => b.service },
    { label: "Of", of: whom },
    { label: "State", of: stateOf },
    { label: "Tries again in", of: (b) => seconds(b.retry_after_ms), number: true },
    { label: "Calls", of: (b) => count(b.calls), number: true },
    { label: "Failed", of: (b) => count(b.failed), number: true },
    { label: "Slow", of: (b) => count(b.slow), number: true },
];

/* The worst first. */
function order(a, b) {
    const rank = (breaker) => ["open", "half_open", "closed"].indexOf(breaker.state);
    return rank(a) - rank(b) || a.service.localeCompare(b.service);
}

export class Breakers extends Panel {
    constructor(desk) {
        super("breakers", EVERY_MS, desk);
    }

    reset() {
        this.find(".rows").replaceChildren();
    }

    ask() {
        return this.gateway.call("bus.breakers", "list");
    }

    show({ breakers, left_out: leftOut }) {
        const rows = this.find(".rows");
        fillTable(rows, this.title, COLUMNS, breakers.sort(order),
            "All are closed, and none has had calls lately.");
        if (leftOut > 0)
            rows.append(el("p", { class: "hint" }, `${count(leftOut)} more are not listed.`));
    }
}
