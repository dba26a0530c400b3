/* A client that knows nothing of ours: the fetch of Node.js, and an EventSource and a JOSE library that
 * others have written. */

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { Ear } from "./ear.mjs";
import { Stage } from "./stage.mjs";
import { Wire } from "./wire.mjs";

const require = createRequire(import.meta.url); /* only that looks where NODE_PATH says */
const EventSource = require("eventsource");
const jose = require("jose");

const DAY_S = 24 * 3600;
const WITHIN = { timeout: 60000 };
const PERMISSIONS = ["call:echo.*", "call:auth.*", "publish:orders.>", "subscribe:orders.>"];
const CONTEXT = {
    user_id: "ann", tenant_id: "acme", subscription_tier: "pro", subscription_status: "active",
    permissions: PERMISSIONS, usage_limits: { per_minute: 1000, burst: 100, monthly: 0 },
    business_context: { billing_customer_id: "cus_7", enterprise_features: ["sso"] },
};
let stage, password, key, kid;

before(async () => {
    stage = await Stage.open();
    await stage.order("bus.tenants", "create",
        { tenant: "acme", tier: "pro", features: ["sso"], billing_customer: "cus_7" });
    password = await stage.admit("acme", "ann", PERMISSIONS);
    const [jwk] = stage.keys.keys;
    kid = jwk.kid;
    key = await jose.importJWK(jwk);
});

after(() => stage?.close());

/* ---- helpers ---- */

function logIn(more = {}) {
    return stage.send("", "/v1/auth/login", { tenant: "acme", user: "ann", password, ...more });
}

async function grant() {
    const response = await logIn();
    assert.equal(response.status, 200);
    return response.json();
}

/* What is wrong, as a client is told; without what differs from request to request. */
async function problemOf(response) {
    assert.equal(response.headers.get("Content-Type"), "application/problem+json");
    const { request_id: id, ...problem } = await response.json();
    assert.equal(problem.status, response.status);
    assert.match(id, /^[!#-~]{1,64}$/);
    assert.equal(response.headers.get("X-Request-Id"), id);
    return problem;
}

const seconds = () => Math.floor(Date.now() / 1000);

/* Claims of a good token, or nearly. */
function claims(more = {}) {
    return { ...CONTEXT, iss: "farebox", aud: "farebox", iat: seconds(), exp: seconds() + 60, ...more };
}

function sign(payload, header = {}, secret = key) {
    return new jose.SignJWT(payload).setProtectedHeader({ alg: "HS256", kid, ...header }).sign(secret);
}

function listen(t, url, topic, headers) {
    const source = new EventSource(`${url}/v1/subscribe?topic=${encodeURIComponent(topic)}`, { headers });
    t.after(() => source.close());
    return [source, new Ear(source)];
}

async function publish(token, payload) {
    assert.equal(await stage.ask(token, "/v1/publish/orders.new", payload), 202);
}

/* ---- tokens ---- */

test("a login's token holds, and says who, until when and on what terms", WITHIN, async () => {
    const from = seconds();
    const { token, token_type: type, expires_in: age, context } = await grant();
    const to = seconds();
    assert.equal(type, "Bearer");
    assert.deepEqual(context, CONTEXT);
    const { payload, protectedHeader } = await jose.jwtVerify(token, key,
        { algorithms: ["HS256"], issuer: "farebox", audience: "farebox", typ: "JWT" });
    assert.deepEqual(protectedHeader, { alg: "HS256", kid, typ: "JWT" });
    const { iat, exp, jti, iss, aud, ...rest } = payload;
    assert.deepEqual(rest, CONTEXT);
    assert.deepEqual([iss, aud], ["farebox", "farebox"]);
    assert.match(jti, /^[0-9a-f]{32}$/);
    assert.equal(age, DAY_S);
    assert.ok(from + DAY_S <= exp && exp <= to + DAY_S);
    /* What was given in the second in which the account changed is of the next one. */
    assert.ok(exp - iat === DAY_S || exp - iat === DAY_S - 1);
    await assert.rejects(jose.jwtVerify(token, await jose.generateSecret("HS256")),
        jose.errors.JWSSignatureVerificationFailed);
});

test("who does not know the password is told no more than that", WITHIN, async () => {
    const refused = await problemOf(await logIn({ password: "not this one" }));
    assert.equal(refused.status, 401);
    assert.equal(refused.code, "unauthenticated");
    assert.deepEqual(await problemOf(await logIn({ user: "nobody" })), refused);
});

test("a token that was signed elsewhere counts", WITHIN, async () => {
    const response = await stage.send(await sign(claims({ user_id: "bob" })), "/v1/call/echo/echo", 1);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("X-Tenant-Id"), "acme");
    assert.equal(response.headers.get("X-Subscription-Tier"), "pro");
});

test("an unsound token does not count, and nothing says why", WITHIN, async () => {
    const { privateKey } = await jose.generateKeyPair("ES256");
    const sound = await sign(claims());
    const [, payload] = (await sign(claims({ tenant_id: "beta" }))).split(".");
    const tokens = {
        unsigned: new jose.UnsecuredJWT(claims()).encode(),
        "of a longer hash": await sign(claims(), { alg: "HS512" }),
        "of another kind of key": await sign(claims(), { alg: "ES256" }, privateKey),
        "of another key": await sign(claims(), {}, await jose.generateSecret("HS256")),
        "of a key nobody has": await sign(claims(), { kid: "other" }),
        "that brings its key": await sign(claims(), { jwk: await jose.exportJWK(key) }),
        "with other claims": sound.replace(/\..*\./, `.${payload}.`),
        "that is over": await sign(claims({ exp: seconds() - 1 })),
        "that never ends": await sign(claims({ exp: undefined })),
        "not yet good": await sign(claims({ nbf: seconds() + 3600 })),
        "for others": await sign(claims({ aud: "elsewhere" })),
        "of others": await sign(claims({ iss: "elsewhere" })),
    };
    assert.equal(await stage.ask(sound, "/v1/call/echo/echo", 1), 200);
    let first;
    for (const [what, token] of Object.entries(tokens)) {
        const problem = await problemOf(await stage.send(token, "/v1/call/echo/echo", 1));
        assert.equal(problem.status, 401, what);
        assert.deepEqual(problem, first ??= problem, what);
    }
});

test("a login is renewed once, and given up", WITHIN, async () => {
    const first = await grant();
    const renew = ({ refresh_token }) => stage.send("", "/v1/auth/refresh", { refresh_token });
    const second = await (await renew(first)).json();
    assert.equal(await stage.ask(second.token, "/v1/call/echo/echo", 1), 200);
    assert.equal((await problemOf(await renew(first))).status, 401);
    assert.equal((await problemOf(await renew(second))).status, 401);
    assert.equal(await stage.ask(second.token, "/v1/call/echo/echo", 1), 401);
    const third = await grant();
    assert.equal(await stage.ask(third.token, "/v1/auth/logout", {}), 200);
    assert.equal(await stage.ask(third.token, "/v1/call/echo/echo", 1), 401);
    assert.equal((await problemOf(await renew(third))).status, 401);
});

/* ---- calls ---- */

test("a call is JSON both ways, or bytes", WITHIN, async () => {
    const { token } = await grant();
    const value = { text: "Grüße, 世界 🚌", list: [1, -2.5, true, null, { deep: "er" }], "": {} };
    const response = await stage.send(token, "/v1/call/echo/echo", value);
    assert.deepEqual(await response.json(), value);
    assert.match(response.headers.get("X-Request-Id"), /^[0-9a-f]+$/);
    assert.equal(response.headers.get("RateLimit-Policy"), '"minute";q=1000;w=60');
    assert.match(response.headers.get("RateLimit"), /^"minute";r=[0-9]+$/);
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const raw = await fetch(`${stage.url}/v1/call/echo/echo`, { method: "POST", body: bytes,
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/octet-stream" } });
    assert.equal(raw.headers.get("Content-Type"), "application/octet-stream");
    assert.deepEqual(new Uint8Array(await raw.arrayBuffer()), bytes);
});

test("the same answer comes again for the same idempotency key", WITHIN, async () => {
    const { token } = await grant();
    for (const replayed of [null, "true"]) {
        const response = await stage.send(token, "/v1/call/echo/echo", { n: 1 },
            { "Idempotency-Key": "order-1" });
        assert.deepEqual(await response.json(), { n: 1 });
        assert.equal(response.headers.get("Idempotency-Replayed"), replayed);
    }
});

test("a reply comes in parts, and a call that nobody waits for is given up", WITHIN, async () => {
    const { token } = await grant();
    const response = await stage.send(token, "/v1/call/echo/stream", { count: 3 },
        { Accept: "application/x-ndjson" });
    const lines = (await response.text()).trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines, [{ part: { index: 0 } }, { part: { index: 1 } }, { part: { index: 2 } },
        { reply: { count: 3 } }]);
    await assert.rejects(fetch(`${stage.url}/v1/call/echo/sleep`, {
        method: "POST", body: '{"ms":60000}', signal: AbortSignal.timeout(50),
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    }), { name: "TimeoutError" });
    const late = await stage.send(token, "/v1/call/echo/sleep", { ms: 60000 }, { "X-Timeout-Ms": "50" });
    assert.equal((await problemOf(late)).code, "deadline_exceeded");
});

test("what is refused is a problem", WITHIN, async () => {
    const { token } = await grant();
    for (const [path, status, code] of [["/v1/call/echo/nothing", 404, "method_not_found"],
        ["/v1/call/bus.stats/show", 403, "permission_denied"],
        ["/v1/call/echo/fail", 500, "internal"],
        ["/v1/publish/market.bar", 403, "permission_denied"]]) {
        const problem = await problemOf(await stage.send(token, path, {}));
        assert.deepEqual([problem.status, problem.code], [status, code], path);
    }
});

test("a refusal names the request, as its client has or else by a name of its own", WITHIN, async () => {
    const { token } = await grant();
    const long = "x".repeat(40000), large = "x".repeat(2000000);
    for (const [path, status, body, headers] of [["/v1/publish/market.bar", 403, 1, {}],
        ["/nowhere", 404, 1, {}], ["/v1/subscribe", 405, 1, {}], ["/%2f", 400, 1, {}],
        ["/v1/call/echo/echo", 413, large, {}], [`/${long}`, 414, 1, {}],
        ["/nowhere", 431, 1, { "X-Long": long }]]) {
        const seen = new Set();
        for (let n = 0; n < 2; n++) {
            const response = await stage.send(token, path, body, headers);
            seen.add(response.headers.get("X-Request-Id"));
            assert.equal((await problemOf(response)).status, status);
        }
        assert.equal(seen.size, 2, "one name, two requests");
        if (status === 414 || status === 431)
            continue; /* the head is not read */
        for (const [name, taken] of [["order-1", true], ["a b", false], ["x".repeat(65), false]]) {
            const response = await stage.send(token, path, body, { "X-Request-Id": name });
            assert.equal(response.headers.get("X-Request-Id") === name, taken, `${path} ${name}`);
            await problemOf(response);
        }
    }
});

/* ---- events ---- */

test("an EventSource hears what was published while it was away, and nothing twice", WITHIN, async (t) => {
    const { token } = await grant();
    const wire = await Wire.to(stage.port);
    t.after(() => wire.close());
    const [, ear] = listen(t, wire.url, "orders.>", { Authorization: `Bearer ${token}` });
    const ready = await ear.next();
    assert.deepEqual([ready.type, ready.data], ["ready", { resumed: false }]);
    await publish(token, { n: 1 });
    const first = await ear.next();
    assert.deepEqual([first.type, first.data],
        ["message", { topic: "orders.new", payload: { n: 1 } }]);
    assert.match(first.id, /^[0-9a-f]{32}\.[0-9]+$/);

    wire.cut();
    assert.equal((await ear.next()).type, "error");
    await publish(token, { n: 2 });
    await publish(token, { n: 3 });
    wire.mend();

    const back = await ear.next();
    assert.deepEqual([back.type, back.data], ["ready", { resumed: true }]);
    await publish(token, { n: 4 });
    for (const n of [2, 3, 4])
        assert.deepEqual((await ear.next()).data.payload, { n });
});

test("an EventSource may show a cookie, as those of browsers do", WITHIN, async (t) => {
    const response = await logIn({ cookie: true });
    assert.equal("token" in await response.json(), false);
    const cookies = response.headers.get("Set-Cookie").split(/, *(?=farebox_)/);
    assert.equal(cookies.length, 2);
    assert.ok(cookies.every((cookie) => /; *HttpOnly/.test(cookie) && /; *SameSite=Strict/.test(cookie)));
    const [cookie] = cookies.find((text) => text.startsWith("farebox_token=")).split(";");
    const [, ear] = listen(t, stage.url, "orders.>", { Cookie: cookie });
    assert.equal((await ear.next()).type, "ready");
    await publish((await grant()).token, "for whoever listens");
    assert.equal((await ear.next()).data.payload, "for whoever listens");
});

test("an EventSource that may not listen does not try again", WITHIN, async (t) => {
    const { token } = await grant();
    for (const [topic, bearer, status] of [["market.>", token, 403], ["orders.>", "e30.e30.e30", 401]]) {
        const [source, ear] = listen(t, stage.url, topic, { Authorization: `Bearer ${bearer}` });
        assert.deepEqual(await ear.next(), { type: "error", status });
        assert.equal(source.readyState, EventSource.CLOSED);
    }
});
