/* Events as they happen. */

import { el } from "./dom.js";
import { follow } from "./events.js";
import { count } from "./format.js";
import { Problem } from "./gateway.js";
import { Panel } from "./panel.js";

const KEPT = 200, TEXT_MAX = 600, VERB = "subscribe:";

/* What the user may listen to, as the token says it; undefined: nothing. */
function allowed(me) {
    return me.permissions.find((permission) => permission.startsWith(VERB))?.slice(VERB.length);
}

function payloadOf(event) {
    const text = JSON.stringify(event.payload) ?? "";
    return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
}

function itemOf(event) {
    const time = new Date();
    const missed = event.missed > 0 ? ` (${count(event.missed)} before it were missed)` : "";
    return el("li", {},
        el("time", { datetime: time.toISOString() }, time.toTimeString().slice(0, 8)),
        el("span", {}, el("strong", {}, event.topic), event.user ? ` by ${event.user}` : "", missed),
        el("code", {}, payloadOf(event)));
}

/* Nothing is asked again and again here: the one turn of its poller says whether there may be
 * anything to hear. */
export class Tail extends Panel {
    #stop = null;
    #may;
    #form;

    constructor(desk) {
        super("tail", 2 ** 31 - 1, desk);
        this.#form = this.find("form");
        this.#form.addEventListener("submit", (event) => {
            event.preventDefault();
            if (this.#stop)
                this.#halt("Stopped.");
            else
                this.#listen(this.#form.elements.topic.value.trim());
        });
        this.#form.elements.clear.addEventListener("click", () => this.#clear());
    }

    reset(me) {
        this.#may = allowed(me);
        this.#form.elements.topic.value = this.#may ?? "";
        this.#say("");
        this.#clear();
    }

    async ask() {
        if (this.#may === undefined)
            throw new Problem(403, { detail: "needs the permission subscribe:PATTERN" });
    }

    stop() {
        super.stop();
        this.#halt("");
    }

    #say(words) {
        this.find(".state").textContent = words;
    }

    #clear() {
        this.find(".events").replaceChildren();
    }

    #halt(words) {
        this.#stop?.abort();
        this.#stop = null;
        this.find("[type=submit]").textContent = "Listen";
        this.#say(words);
    }

    async #listen(pattern) {
        const stop = new AbortController();
        this.#stop = stop;
        this.find("[type=submit]").textContent = "Stop";
        this.#say("Connecting …");
        try {
            await follow(this.gateway, pattern, stop.signal, {
                ready: () => this.#say(`Listening to ${pattern}`),
                lost: () => this.#say("The connection is lost; trying again …"),
                event: (event) => this.#add(event),
            });
        } catch (problem) {
            if (problem.status === 401)
                this.failed(problem);
            if (this.#stop === stop)
                this.#halt(`Refused: ${problem.message}`);
        }
    }

    #add(event) {
        const list = this.find(".events");
        list.prepend(itemOf(event));
        while (list.children.length > KEPT)
            list.lastElementChild.remove();
    }
}
