/* Calls a second and latency, from the broker's counters: for operators. */

import { Timeline } from "./charts.js";
import { fillTiles } from "./dom.js";
import { age, bytes, count, ms, rate } from "./format.js";
import { Panel } from "./panel.js";

const EVERY_MS = 2000, POINTS = 150;

function errorsOf(stats) {
    return Object.values(stats.errors ?? {}).reduce((sum, n) => sum + n, 0);
}

/* Of two readings of the same broker; a restarted one begins anew. */
function ratesBetween(before, now) {
    const passed = before && before.boot === now.boot ? now.uptime_ms - before.uptime_ms : 0;
    if (passed <= 0)
        return null;
    const perSecond = (of) => Math.max(0, of(now) - of(before)) * 1000 / passed;
    return { calls: perSecond((stats) => stats.calls), errors: perSecond(errorsOf) };
}

export class Traffic extends Panel {
    #before = null;
    #rate;
    #latency;

    constructor(desk) {
        super("traffic", EVERY_MS, desk);
        this.#rate = new Timeline(this.find(".rate"), ["calls", "errors"], POINTS);
        this.#latency = new Timeline(this.find(".latency"), ["median", "99 %"], POINTS);
    }

    reset() {
        this.#before = null;
        this.#rate.clear();
        this.#latency.clear();
        fillTiles(this.find(".tiles"), []);
    }

    ask() {
        return this.gateway.call("bus.stats", "show");
    }

    show(now) {
        const time = new Date().toTimeString().slice(0, 8);
        const rates = ratesBetween(this.#before, now);
        this.#before = now;
        fillTiles(this.find(".tiles"), [
            ["Calls/s", rate(rates?.calls)], ["Errors/s", rate(rates?.errors)],
            ["Median", ms(now.p50_us)], ["99 %", ms(now.p99_us)],
            ["Under way", count(now.calls_pending)], ["Calls", count(now.calls)],
            ["Sessions", count(now.sessions)], ["Memory", bytes(now.memory_bytes)],
            ["Up for", age(now.uptime_ms)],
        ]);
        if (!rates)
            return;
        this.#rate.add(time, [rates.calls, rates.errors],
            `${rate(rates.calls)} calls and ${rate(rates.errors)} errors a second`);
        this.#latency.add(time, [now.p50_us / 1000, now.p99_us / 1000],
            `median ${ms(now.p50_us)}, 99 % within ${ms(now.p99_us)}`);
    }
}
