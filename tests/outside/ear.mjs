/* The events of an EventSource, one after the other. */

export class Ear {
    #heard = [];
    #waiting = [];

    constructor(source) {
        for (const type of ["ready", "message", "problem", "error"])
            source.addEventListener(type, (event) => this.#take(event));
    }

    /** The next, when it has come: {type, data, id}, of an error {type, status}. */
    next() {
        if (this.#heard.length > 0)
            return Promise.resolve(this.#heard.shift());
        return new Promise((resolve) => this.#waiting.push(resolve));
    }

    #take({ type, data, lastEventId, status }) {
        const event = type === "error" ? { type, status }
            : { type, data: JSON.parse(data), id: lastEventId };
        const resolve = this.#waiting.shift();
        if (resolve)
            resolve(event);
        else
            this.#heard.push(event);
    }
}
