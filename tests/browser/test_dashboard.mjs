/* The dashboard in a real browser: who sees what, on which screen, with which keys. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Stage } from "../outside/stage.mjs";
import { Chromium } from "./chromium.mjs";

const WIDE = [1280, 900], NARROW = [360, 740];
const MARKUP = "<img src=x onerror='window.hacked = true'>";
const HERS = ["call:*", "publish:>", "subscribe:orders.>"];
let stage, chromium, operator, ann, password;

before(async () => {
    stage = await Stage.open();
    chromium = await Chromium.start(process.env.CHROMIUM);
    operator = stage.operator;
    ann = stage.token("acme", "ann", "pro", HERS);
    password = await stage.admit("acme", "ann", HERS);
    await use();
});

after(async () => {
    await chromium?.stop();
    await stage?.close();
});

/* Calls that go well and some that do not, and a breaker that is open. */
async function use() {
    for (let n = 0; n < 10; n++)
        assert.equal(await stage.ask(ann, "/v1/call/echo/echo", { n }), 200);
    for (let n = 0; n < 5; n++)
        assert.equal(await stage.ask(operator, "/v1/call/echo/fail", { status: "internal" }), 500);
    assert.equal(await stage.ask(operator, "/v1/call/bus.breakers/force-open",
        { service: "echo", tenant: "globex" }), 200);
}

async function openPage(t, [width, height] = WIDE) {
    const page = await chromium.page(width, height);
    t.after(() => page.close());
    await page.open(`${stage.url}/ui`);
    await page.until("!document.getElementById('sign-in').hidden");
    page.complaints.length = 0; /* that nobody has signed in yet, the console is told */
    return page;
}

async function pasteToken(page, token) {
    await page.run(`document.querySelector("details").open = true;
        document.getElementById("token").value = ${JSON.stringify(token)};
        document.querySelector("#use-token button").click()`);
    await page.until("!document.getElementById('panels').hidden");
}

async function logIn(page, user, words) {
    await page.run(`document.getElementById("tenant").value = "acme";
        document.getElementById("user").value = "${user}";
        document.getElementById("password").value = ${JSON.stringify(words)};
        document.querySelector("#login button").click()`);
    await page.until("!document.getElementById('panels').hidden");
}

/* The id of the token in a cookie that scripts cannot read. The panels may have used up the user's
 * rate for the moment. */
function tokenId(page) {
    return page.until("fetch('/v1/me').then((response) => response.json()).then((me) => me.token_id)");
}

async function isRevoked(id) {
    const { revoked } = await stage.order("bus.tokens", "list", {});
    return revoked.some((revocation) => revocation.id === id);
}

async function keep(page, name) {
    if (process.env.SCREENSHOTS)
        await page.screenshot(join(process.env.SCREENSHOTS, `${name}.png`));
}

function isShown(page, id) {
    return page.run(`!document.getElementById("${id}").hidden`);
}

/* Charts follow their screen a moment later. */
async function fitsItsScreen(page) {
    await page.until("document.documentElement.scrollWidth <= innerWidth").catch(async () => {
        assert.fail(await page.run(`[...document.querySelectorAll("body *")].filter((e) =>
            e.getBoundingClientRect().right > innerWidth).map((e) => e.outerHTML.slice(0, 80)).join()`));
    });
}

const has = (id, text) =>
    `document.getElementById("${id}").innerText.includes(${JSON.stringify(text)})`;

test("an operator sees everything, on a wide screen and on a narrow one", async (t) => {
    const page = await openPage(t);
    await keep(page, "sign-in-1280");
    await pasteToken(page, operator);
    for (const id of ["traffic", "services", "limits", "breakers", "usage", "tail"])
        assert.ok(await isShown(page, id), id);
    await page.until(has("services", "echo"));
    await page.until(has("breakers", "open"));
    await page.until(has("usage", "acme"));
    await page.until(has("usage", "platform"));
    await page.until(`/[0-9]+ calls/.test(document.querySelector("#traffic .rate").ariaLabel)`);
    assert.ok(await page.run("document.querySelector('#traffic .rate').width > 100"));
    assert.ok(await isShown(page, "notes") === false);
    await fitsItsScreen(page);
    await keep(page, "operator-1280");
    await page.resize(800, 900);
    await fitsItsScreen(page);
    await keep(page, "operator-800");
    await page.resize(...NARROW);
    await page.until("document.querySelector('#traffic .rate').clientWidth < 360");
    await fitsItsScreen(page);
    await keep(page, "operator-360");
    assert.deepEqual(page.complaints, []);
});

test("a tenant's user sees what is the user's, and is told what is not shown", async (t) => {
    const page = await openPage(t, NARROW);
    await keep(page, "sign-in-360");
    await fitsItsScreen(page);
    await pasteToken(page, ann);
    await page.until("document.querySelectorAll('#notes li').length === 2");
    assert.equal(await isShown(page, "traffic"), false);
    assert.equal(await isShown(page, "breakers"), false);
    assert.ok(await page.run(has("notes", "Traffic: ")));
    assert.ok(await page.run(has("notes", "Breakers: ")));
    await page.until(has("usage", "acme"));
    await page.until(has("services", "echo"));
    await page.until(has("limits", "pro"));
    assert.equal(await page.run(has("usage", "platform")), false);
    await fitsItsScreen(page);
    await keep(page, "tenant-360");
});

test("without the library there are numbers and no charts", async (t) => {
    const page = await openPage(t);
    await page.block("*/ui/chart.js");
    await page.reload();
    await pasteToken(page, operator);
    await page.until(has("traffic", "Calls/s"));
    await page.until(has("usage", "acme"));
    for (const canvas of ["#traffic .rate", "#traffic .latency", "#usage canvas"])
        assert.equal(await page.run(`document.querySelector("${canvas}").offsetParent`), null, canvas);
});

test("a gateway that is away is said to be, and asked again", async (t) => {
    const page = await openPage(t);
    await pasteToken(page, operator);
    await page.until(has("status", "Connected"));
    await page.block("*/v1/*");
    await page.until(has("alert", "The gateway cannot be reached."));
    assert.ok(await page.run(has("status", "Trying again")));
    assert.ok(await isShown(page, "panels"));
    await page.block();
    await page.until("document.getElementById('alert').innerText === ''");
    await page.until(has("status", "Connected"));
});

test("usage is grouped as one likes", async (t) => {
    const page = await openPage(t);
    await pasteToken(page, operator);
    for (const [by, name] of [["tenant,user", "acme/ann"], ["service,method", "echo.fail"],
        ["service", "echo"], ["day", new Date().toISOString().slice(0, 10)]]) {
        await page.run(`(() => {
            const select = document.querySelector("#usage [name=by]");
            select.value = "${by}";
            select.dispatchEvent(new Event("change", { bubbles: true }));
        })()`);
        await page.until(`[...document.querySelectorAll("#usage tbody th")].some((e) =>
            e.textContent.startsWith("${name}"))`);
        await page.until(`document.querySelector("#usage canvas").ariaLabel.includes("${name}: ")`);
    }
    await keep(page, "usage-1280");
});

test("events are shown as text, whatever is in them", async (t) => {
    const page = await openPage(t);
    await pasteToken(page, ann);
    assert.equal(await page.run("document.querySelector('#tail [name=topic]').value"), "orders.>");
    await page.run("document.querySelector('#tail [type=submit]').click()");
    await page.until(has("tail", "Listening to orders.>"));
    assert.equal(await stage.ask(ann, "/v1/publish/orders.new", { note: MARKUP }), 202);
    await page.until(has("tail", "onerror"));
    assert.equal(await page.run("document.querySelector('#tail img')"), null);
    assert.equal(await page.run("window.hacked"), undefined);
    await keep(page, "events-1280");
    await page.run("document.querySelector('#tail [name=clear]').click()");
    assert.equal(await page.run("document.querySelectorAll('#tail li').length"), 0);
    await page.run("document.querySelector('#tail [type=submit]').click()");
    await page.until(has("tail", "Stopped."));
    await page.run(`document.querySelector("#tail [name=topic]").value = "market.>";
        document.querySelector("#tail [type=submit]").click()`);
    await page.until(has("tail", "Refused: "));
});

test("a token that is pasted is gone with the page, and a bad one is said to be", async (t) => {
    const page = await openPage(t);
    await page.run(`document.getElementById("token").value = "nonsense";
        document.querySelector("#use-token button").click()`);
    await page.until("document.getElementById('alert').innerText !== ''");
    assert.equal(await page.run("document.getElementById('alert').getAttribute('role')"), "alert");
    await pasteToken(page, ann);
    assert.equal(await page.run("document.getElementById('alert').innerText"), "");
    assert.equal(await page.run("localStorage.length + sessionStorage.length"), 0);
    assert.equal(await page.run("document.getElementById('token').value"), "");
    await page.reload();
    await page.until("!document.getElementById('sign-in').hidden");
});

/* What has the focus, and whether one can see that. */
async function focused(page) {
    const [id, width] = await page.run(`(() => {
        const e = document.activeElement;
        return [e.id || e.textContent.trim(), parseFloat(getComputedStyle(e).outlineWidth)];
    })()`);
    assert.ok(width >= 2, `${id} does not show that it has the focus`);
    return id;
}

test("everything goes by keyboard, and the password's session outlives the page", async (t) => {
    const page = await openPage(t);
    await page.until("document.activeElement.id === 'tenant'");
    await page.type("acme");
    for (const [id, text] of [["user", "ann"], ["password", "wrong"]]) {
        await page.press("Tab");
        assert.equal(await focused(page), id);
        await page.type(text);
    }
    await page.press("Enter");
    await page.until("document.getElementById('alert').innerText === 'invalid credentials'");
    await page.type(password);
    await page.press("Tab");
    assert.equal(await focused(page), "Sign in");
    await page.press("Enter");
    await page.until("!document.getElementById('panels').hidden");
    assert.ok(await page.run(has("who", "ann of acme")));
    assert.equal(await page.run("document.cookie"), "");
    const order = [];
    for (let n = 0; n < 6; n++) {
        await page.press("Tab");
        order.push(await page.run("document.activeElement.name || document.activeElement.type"));
        await focused(page);
    }
    assert.deepEqual(order.slice(0, 5), ["by", "period", "topic", "submit", "clear"]);
    await page.reload();
    await page.until("!document.getElementById('panels').hidden");
    const id = await tokenId(page);
    await page.run("document.getElementById('sign-out').click()");
    await page.until("!document.getElementById('sign-in').hidden");
    assert.ok(await isRevoked(id));
    await page.reload();
    await page.until("!document.getElementById('sign-in').hidden");
});

async function sessionEnds(page) {
    await page.until(has("alert", "Your session has ended. Sign in again."));
    assert.ok(await isShown(page, "sign-in"));
    assert.equal(await isShown(page, "panels"), false);
}

/* The token of a login has the id of the one before it. */
test("a session whose token has ended is renewed, until the user may not", async (t) => {
    const page = await openPage(t);
    await logIn(page, "bea", await stage.admit("acme", "bea", HERS));
    const id = await tokenId(page);
    await page.open(`${stage.url}/livez`); /* nobody looks when it ends */
    await page.dropCookie("farebox_token");
    assert.equal(await page.run("fetch('/v1/me').then((response) => response.status)"), 401);
    await page.open(`${stage.url}/ui`);
    await page.until("document.getElementById('panels')?.hidden === false");
    assert.equal(await tokenId(page), id);
    await stage.order("auth", "update", { tenant: "acme", user: "bea", permissions: ["call:*"] });
    await page.until(`fetch("/v1/me").then((response) => response.json())
        .then((me) => me.permissions?.join() === "call:*")`);
    assert.ok(await isShown(page, "panels"));
    await stage.order("auth", "update", { tenant: "acme", user: "bea", disabled: true });
    await sessionEnds(page);
});

test("a session whose token was taken back is over, with its refresh token", async (t) => {
    const page = await openPage(t);
    const words = await stage.admit("acme", "cleo", HERS);
    await logIn(page, "cleo", words);
    const id = await tokenId(page);
    await stage.order("bus.tokens", "revoke", { id });
    await sessionEnds(page);
    await page.reload();
    await page.until("!document.getElementById('sign-in').hidden");
    assert.equal(await isShown(page, "panels"), false);
    await logIn(page, "cleo", words);
    assert.notEqual(await tokenId(page), id);
});

test("a stream of events is taken apart wherever it is cut", async (t) => {
    const page = await openPage(t);
    const text = "id: a.1\r\nevent: ready\r\ndata: {}\r\n\r\n: beat\n\ndata: x\ndata:y\n\ndata: z";
    const whole = [{ type: "ready", data: "{}", id: "a.1" },
        { type: "message", data: "x\ny", id: undefined }];
    const wrong = await page.run(`import("/ui/events.js").then(({ EventParser }) => {
        const text = ${JSON.stringify(text)}, whole = ${JSON.stringify(JSON.stringify(whole))};
        for (let size = 1; size <= text.length; size++) {
            const parser = new EventParser(), events = [];
            for (let at = 0; at < text.length; at += size)
                events.push(...parser.feed(text.slice(at, at + size)));
            if (JSON.stringify(events) !== whole)
                return size + ": " + JSON.stringify(events);
        }
        return "";
    })`);
    assert.equal(wrong, "");
});
