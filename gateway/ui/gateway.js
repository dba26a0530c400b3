/* What the page asks the gateway. */

const PATIENCE_MS = 20000;

/** What was refused or could not be done. `status` 0: the gateway was not reached. */
export class Problem extends Error {
    constructor(status, body, retryAfter) {
        super(body.detail || body.title || `status ${status}`);
        this.status = status;
        this.code = body.code || "";
        this.retryMs = Number(retryAfter) > 0 ? Number(retryAfter) * 1000 : 0;
    }

    /** It may go better later, with nothing changed. */
    get passes() {
        return this.status === 0 || this.status === 429 || this.status >= 500;
    }
}

async function problemOf(response) {
    let body = {};
    try {
        body = await response.json();
    } catch {
        /* whoever is between us and the gateway answers as it likes */
    }
    return new Problem(response.status, body ?? {}, response.headers.get("Retry-After"));
}

/* Pages in other tabs have the same cookies. A refresh token is of use once: showing it twice is
 * what a thief would do. */
function inTurn(work) {
    return navigator.locks ? navigator.locks.request("farebox-refresh", work) : work();
}

/** A session: by cookies, which scripts cannot read, or by a token that only this object knows. */
export class Gateway {
    #token = "";
    #renewing = null;

    get usesToken() {
        return this.#token !== "";
    }

    /** Throws when no header could carry it. */
    useToken(token) {
        if (!/^[\x21-\x7e]+$/.test(token))
            throw new Problem(400, { detail: "That is not a token." });
        this.#token = token;
    }

    forget() {
        this.#token = "";
    }

    /** The JSON that answers; throws a Problem. */
    async ask(method, path, body) {
        const response = await this.open(method, path, { body, patienceMs: PATIENCE_MS });
        try {
            return await response.json();
        } catch {
            throw new Problem(0, { detail: "The answer broke off." });
        }
    }

    get(path) {
        return this.ask("GET", path);
    }

    call(service, method, body = {}) {
        return this.ask("POST", `/v1/call/${service}/${method}`, body);
    }

    /**
     * A response that is a success, its body unread. A session by cookies whose token has ended is
     * renewed, once.
     */
    async open(method, path, options = {}) {
        let response = await this.#send(method, path, options);
        if (response.status === 401 && !this.usesToken && !path.startsWith("/v1/auth/")) {
            const renewed = await this.#renew();
            if (renewed)
                response = await this.#send(method, path, options);
        }
        if (!response.ok)
            throw await problemOf(response);
        return response;
    }

    async #send(method, path, { body, headers = {}, signal, patienceMs }) {
        const request = { method, headers: { ...headers }, cache: "no-store" };
        if (this.usesToken)
            request.headers.Authorization = `Bearer ${this.#token}`;
        if (body !== undefined) {
            request.headers["Content-Type"] = "application/json";
            request.body = JSON.stringify(body);
        }
        request.signal = signal ?? (patienceMs ? AbortSignal.timeout(patienceMs) : undefined);
        try {
            return await fetch(path, request);
        } catch (error) {
            if (signal?.aborted)
                throw error;
            throw new Problem(0, { detail: "The gateway cannot be reached." });
        }
    }

    /* Panels ask at the same time; one of them renews for all. */
    #renew() {
        this.#renewing ??= inTurn(() => this.#send("POST", "/v1/auth/refresh", {
            body: {}, patienceMs: PATIENCE_MS,
        })).then((response) => response.ok).finally(() => {
            this.#renewing = null;
        });
        return this.#renewing;
    }
}
