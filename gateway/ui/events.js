/* Server-Sent Events (WHATWG HTML, 9.2) by fetch: EventSource can send no token, and does not say
 * why it was refused. */

import { Problem } from "./gateway.js";

const FIRST_WAIT_MS = 1000, LONGEST_WAIT_MS = 15000;

/** Takes a stream apart that comes in any pieces. */
export class EventParser {
    #rest = "";
    #event = { type: "message", data: [], id: undefined };

    /** The events that are whole now: {type, data, id}. */
    feed(text) {
        const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
        const events = [];
        this.#rest = lines.pop();
        for (const line of lines)
            this.#take(line, events);
        return events;
    }

    #take(line, events) {
        if (line === "") {
            const { type, data, id } = this.#event;
            if (data.length > 0)
                events.push({ type, data: data.join("\n"), id });
            this.#event = { type: "message", data: [], id: undefined };
            return;
        }
        const colon = line.indexOf(":");
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (field === "event")
            this.#event.type = value;
        else if (field === "data")
            this.#event.data.push(value);
        else if (field === "id")
            this.#event.id = value;
    }
}

function pause(milliseconds, signal) {
    return new Promise((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        signal.addEventListener("abort", () => {
            clearTimeout(timer);
            resolve();
        }, { once: true });
    });
}

/**
 * Follows a pattern until `signal` ends it: a connection that breaks is made again, from the last
 * event that was heard. `on.ready(resumed)`, `on.event(event)`, `on.lost()`. Throws the Problem
 * that waiting does not mend.
 */
export async function follow(gateway, pattern, signal, on) {
    const state = { lastId: "", waitMs: FIRST_WAIT_MS };
    while (!signal.aborted) {
        try {
            await listen(gateway, pattern, signal, on, state);
        } catch (error) {
            if (signal.aborted)
                return;
            if (error instanceof Problem && !error.passes)
                throw error;
            state.waitMs = Math.max(state.waitMs, error.retryMs ?? 0);
        }
        if (signal.aborted)
            return;
        on.lost();
        await pause(state.waitMs, signal);
        state.waitMs = Math.min(state.waitMs * 2, LONGEST_WAIT_MS);
    }
}

async function listen(gateway, pattern, signal, on, state) {
    const path = `/v1/subscribe?topic=${encodeURIComponent(pattern)}`;
    const headers = { Accept: "text/event-stream" };
    if (state.lastId)
        headers["Last-Event-ID"] = state.lastId;
    const response = await gateway.open("GET", path, { headers, signal });
    const parser = new EventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
        const { value, done } = await reader.read();
        if (done)
            return;
        for (const event of parser.feed(value))
            hear(event, on, state);
    }
}

function hear(event, on, state) {
    const said = JSON.parse(event.data);
    if (event.id !== undefined)
        state.lastId = event.id;
    if (event.type === "problem")
        throw new Problem(said.status, said);
    if (event.type === "ready") {
        state.waitMs = FIRST_WAIT_MS;
        on.ready(said.resumed);
    } else if (event.type === "message") {
        on.event(said);
    }
}
