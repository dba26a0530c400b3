/* Something that is done again and again while somebody looks at the page. */

export class Poller {
    #work;
    #everyMs;
    #timer = 0;
    #running = false;
    #again = false;
    #busy = false;

    /** `work` may be asynchronous, and returns the least time in ms until the next turn, or nothing. */
    constructor(work, everyMs) {
        this.#work = work;
        this.#everyMs = everyMs;
        document.addEventListener("visibilitychange", () => {
            if (!document.hidden)
                this.now();
        });
    }

    start() {
        this.#running = true;
        return this.now();
    }

    stop() {
        this.#running = false;
        clearTimeout(this.#timer);
    }

    /** A turn at once, or right after the one that is under way. */
    async now() {
        if (!this.#running)
            return;
        if (this.#busy) {
            this.#again = true;
            return;
        }
        clearTimeout(this.#timer);
        this.#busy = true;
        const leastMs = await this.#work();
        this.#busy = false;
        const waitMs = this.#again ? 0 : Math.max(this.#everyMs, leastMs ?? 0);
        this.#again = false;
        if (this.#running && !document.hidden)
            this.#timer = setTimeout(() => this.now(), waitMs);
    }
}
