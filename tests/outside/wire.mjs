/* A wire to the gateway that can be cut: whoever dials meanwhile waits until it is mended. */

import { connect, createServer } from "node:net";

export class Wire {
    #server;
    #ends = new Set();
    #waiting = null; /* connections, while it is cut */

    static async to(port) {
        const self = new Wire();
        self.#server = createServer((near) => self.#take(near, port));
        await new Promise((resolve) => self.#server.listen(0, "127.0.0.1", resolve));
        return self;
    }

    get url() {
        return `http://127.0.0.1:${this.#server.address().port}`;
    }

    cut() {
        this.#waiting = [];
        this.#ends.forEach((end) => end.destroy());
    }

    mend() {
        const waiting = this.#waiting;
        this.#waiting = null;
        waiting.forEach((join) => join());
    }

    close() {
        this.cut();
        return new Promise((resolve) => this.#server.close(resolve));
    }

    #take(near, port) {
        this.#hold(near);
        const join = () => this.#join(near, port);
        if (this.#waiting)
            this.#waiting.push(join);
        else
            join();
    }

    #join(near, port) {
        const far = connect(port, "127.0.0.1");
        this.#hold(far);
        near.pipe(far).pipe(near);
        near.once("close", () => far.destroy());
        far.once("close", () => near.destroy());
    }

    #hold(end) {
        this.#ends.add(end);
        end.on("error", () => end.destroy());
        end.once("close", () => this.#ends.delete(end));
    }
}
