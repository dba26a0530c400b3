/* Services and how they are. */

import { badge, fillTable } from "./dom.js";
import { count, ms, text } from "./format.js";
import { Panel } from "./panel.js";

const EVERY_MS = 5000, PAGES_MAX = 20;
const KINDS = { ready: "good", starting: "warn", degraded: "warn", draining: "warn", down: "bad" };

function stateOf(service) {
    const missing = service.missing ?? [];
    const words = missing.length > 0 ? `${service.state}: no ${missing.join(", ")}` : service.state;
    return badge(words, KINDS[service.state] ?? "warn");
}

const COLUMNS = [
    { label: "Service", of: (s) => s.name },
    { label: "State", of: stateOf },
    { label: "Ready", of: (s) => `${count(s.ready)} of ${count(s.instances)}`, number: true },
    { label: "Version", of: (s) => text(s.version) },
    { label: "Kind", of: (s) => text(s.kind) },
    { label: "Tenant", of: (s) => s.tenant || "shared" },
    { label: "Tier", of: (s) => text(s.minimum_tier) },
    { label: "Under way", of: (s) => count(s.in_flight), number: true },
    { label: "Queued", of: (s) => count(s.queued), number: true },
    { label: "Calls", of: (s) => count(s.calls), number: true },
    { label: "Errors", of: (s) => count(s.errors), number: true },
    { label: "Median", of: (s) => ms(s.p50_us), number: true },
    { label: "99 %", of: (s) => ms(s.p99_us), number: true },
];

export class Services extends Panel {
    constructor(desk) {
        super("services", EVERY_MS, desk);
    }

    reset() {
        this.find(".rows").replaceChildren();
    }

    async ask() {
        let page = await this.gateway.get("/v1/services");
        const services = [...page.services];
        for (let n = 1; page.next && n < PAGES_MAX; n++) {
            page = await this.gateway.call("bus.registry", "list", { after: page.next });
            services.push(...page.services);
        }
        return services;
    }

    show(services) {
        /* What a shared service does only operators are told. */
        const shown = COLUMNS.filter((column) => services.some((s) => column.of(s) !== "–"));
        fillTable(this.find(".rows"), this.title, shown, services, "There is none that you may use.");
    }
}
