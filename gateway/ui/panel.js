/* A part of the page that asks for something again and again, and shows what it hears. */

import { Poller } from "./poller.js";

export class Panel {
    #poller;
    #desk;
    #visit = 0; /* counts those who signed in: an answer to one is not for the next */

    /** `desk` is told what becomes of it: see main.js. */
    constructor(id, everyMs, desk) {
        this.section = document.getElementById(id);
        this.gateway = desk.gateway;
        this.#desk = desk;
        this.#poller = new Poller(() => this.#turn(), everyMs);
    }

    get title() {
        return this.section.querySelector("h2").textContent;
    }

    find(selector) {
        return this.section.querySelector(selector);
    }

    /** `me`: what bus.me says of whoever has signed in. */
    start(me) {
        this.#visit++;
        this.reset(me);
        this.section.hidden = false;
        return this.#poller.start();
    }

    stop() {
        this.#visit++;
        this.#poller.stop();
    }

    refresh() {
        return this.#poller.now();
    }

    /* Theirs: shows the state before anything is known; asks; shows what ask() has returned. */
    reset() {}
    async ask() {}
    show() {}

    async #turn() {
        const visit = this.#visit;
        try {
            const heard = await this.ask();
            if (visit !== this.#visit)
                return 0;
            this.show(heard);
            this.#desk.reached(this.title);
        } catch (problem) {
            if (visit === this.#visit)
                this.failed(problem);
            return problem.retryMs ?? 0;
        }
        return 0;
    }

    /** What others may ask, this user may not: the panel goes. */
    failed(problem) {
        if (problem.status === 403) {
            this.stop();
            this.section.hidden = true;
            this.#desk.refused(this.title, problem);
        } else {
            this.#desk.failed(this.title, problem);
        }
    }
}
