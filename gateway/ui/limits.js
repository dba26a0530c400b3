/* Who has signed in, on what terms, and what is left of them. */

import { el, fillTable, fillTiles } from "./dom.js";
import { count, seconds, text } from "./format.js";
import { Panel } from "./panel.js";

const EVERY_MS = 5000;

const COLUMNS = [
    { label: "Calls of", of: (l) => [l.service, l.method].filter(Boolean).join(".") || "*" },
    { label: "Counted for", of: (l) => text(l.of) },
    { label: "A minute", of: (l) => count(l.per_minute), number: true },
    { label: "Left", of: (l) => count(l.remaining), number: true },
    { label: "More in", of: (l) => seconds(l.retry_after_ms), number: true },
];

function meter(words, value, most) {
    return el("label", {}, words, el("progress", { value: Math.min(value, most), max: most }));
}

/* A limit of 0 is none. */
function metersOf(limits) {
    const meters = [];
    if (limits.burst > 0)
        meters.push(meter(`${count(limits.remaining)} of ${count(limits.burst)} calls could be made now`,
            limits.remaining, limits.burst));
    if (limits.monthly > 0)
        meters.push(meter(`${count(limits.used)} of ${count(limits.monthly)} calls of the month are used`,
            limits.used, limits.monthly));
    return meters;
}

export class Limits extends Panel {
    constructor(desk) {
        super("limits", EVERY_MS, desk);
    }

    reset(me) {
        this.show(me);
    }

    ask() {
        return this.gateway.get("/v1/me");
    }

    show(me) {
        const { limits } = me;
        const unlessNone = (value) => (value > 0 ? count(value) : "no limit");
        fillTiles(this.find(".tiles"), [
            ["Tier", text(me.tier)], ["Subscription", text(me.subscription_status)],
            ["Calls a minute", unlessNone(limits.per_minute)],
            ["Calls a month", unlessNone(limits.monthly)],
        ]);
        this.find(".meters").replaceChildren(...metersOf(limits));
        if (limits.limits?.length > 0)
            fillTable(this.find(".rows"), "Limits of services and methods", COLUMNS, limits.limits, "");
        else
            this.find(".rows").replaceChildren();
    }
}
