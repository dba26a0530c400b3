/* A headless Chromium, by the DevTools protocol over a pipe: no port, no library. */

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PATIENCE_MS = 30000;

/* It speaks to the loopback only, and keeps nothing. */
function flags(profile) {
    const root = process.getuid() === 0 ? ["--no-sandbox"] : [];
    return [
        "--headless=new", "--remote-debugging-pipe", `--user-data-dir=${profile}`, ...root,
        "--no-first-run", "--no-default-browser-check", "--disable-gpu", "--disable-dev-shm-usage",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-extensions", "--disable-default-apps", "--metrics-recording-only",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "about:blank",
    ];
}

export class Chromium {
    #process;
    #profile;
    #next = 1;
    #waiting = new Map();
    #listeners = new Set();
    #rest = "";

    static async start(program) {
        const self = new Chromium();
        self.#profile = await mkdtemp(join(tmpdir(), "farebox-chromium."));
        self.#process = spawn(program, flags(self.#profile), {
            stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"], detached: true,
        });
        self.#process.stdio[4].setEncoding("utf8").on("data", (text) => self.#read(text));
        self.#process.on("exit", () => self.#giveUp(new Error("Chromium has ended")));
        return self;
    }

    async stop() {
        const ended = new Promise((resolve) => this.#process.once("exit", resolve));
        this.send("Browser.close").catch(() => {});
        await Promise.race([ended, after(PATIENCE_MS).catch(() => this.#process.kill("SIGKILL"))]);
        await ended;
        this.#endRest();
        await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
    }

    /* Its helpers, which are of its process group, may be about to write to the profile. */
    #endRest() {
        try {
            process.kill(-this.#process.pid, "SIGKILL");
        } catch {
            /* none is left */
        }
    }

    send(method, params = {}, sessionId = undefined) {
        const id = this.#next++;
        this.#process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
        return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject, method }));
    }

    onEvent(listener) {
        this.#listeners.add(listener);
    }

    /** A page with cookies of its own. */
    async page(width, height) {
        const { browserContextId } = await this.send("Target.createBrowserContext");
        const { targetId } = await this.send("Target.createTarget", {
            url: "about:blank", browserContextId,
        });
        const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
        const page = new Page(this, sessionId, browserContextId);
        await page.begin(width, height);
        return page;
    }

    #read(text) {
        const messages = (this.#rest + text).split("\0");
        this.#rest = messages.pop();
        for (const message of messages.map((m) => JSON.parse(m)))
            this.#take(message);
    }

    #take(message) {
        const waiting = this.#waiting.get(message.id);
        this.#waiting.delete(message.id);
        if (!waiting)
            this.#listeners.forEach((listener) => listener(message));
        else if (message.error)
            waiting.reject(new Error(`${waiting.method}: ${message.error.message}`));
        else
            waiting.resolve(message.result);
    }

    #giveUp(error) {
        for (const { reject } of this.#waiting.values())
            reject(error);
        this.#waiting.clear();
    }
}

function after(milliseconds) {
    return new Promise((_resolve, reject) => {
        setTimeout(() => reject(new Error("patience is over")), milliseconds).unref();
    });
}

class Page {
    #browser;
    #session;
    #context;
    complaints = []; /* of the console: errors, what the policy forbids, exceptions */

    constructor(browser, session, context) {
        this.#browser = browser;
        this.#session = session;
        this.#context = context;
        browser.onEvent((event) => event.sessionId === session && this.#hear(event));
    }

    #send(method, params) {
        return this.#browser.send(method, params, this.#session);
    }

    #hear({ method, params }) {
        if (method === "Runtime.exceptionThrown")
            this.complaints.push(params.exceptionDetails.exception?.description ?? "exception");
        if (method === "Log.entryAdded" && params.entry.level === "error")
            this.complaints.push(`${params.entry.text} ${params.entry.url ?? ""}`);
        if (method === "Runtime.consoleAPICalled" && params.type === "error")
            this.complaints.push(params.args.map((arg) => arg.value).join(" "));
    }

    async begin(width, height) {
        for (const domain of ["Page", "Runtime", "Log"])
            await this.#send(`${domain}.enable`);
        await this.#send("Emulation.setScrollbarsHidden", { hidden: true });
        await this.resize(width, height);
    }

    close() {
        return this.#browser.send("Target.disposeBrowserContext", { browserContextId: this.#context });
    }

    resize(width, height) {
        return this.#send("Emulation.setDeviceMetricsOverride", {
            width, height, deviceScaleFactor: 1, mobile: width < 600,
        });
    }

    /** From now on those are not to be had. */
    async block(...patterns) {
        await this.#send("Network.enable");
        await this.#send("Network.setBlockedURLs", { urls: patterns });
    }

    /** What the browser does by itself when their time has come. */
    async dropCookie(name) {
        const { cookies } = await this.#send("Network.getCookies", {});
        const { domain, path } = cookies.find((cookie) => cookie.name === name);
        await this.#send("Network.deleteCookies", { name, domain, path });
    }

    async open(url) {
        await this.#send("Page.navigate", { url });
        await this.until("document.readyState === 'complete' && location.href !== 'about:blank'");
    }

    async reload() {
        await this.run("window.isOld = true");
        await this.#send("Page.reload");
        await this.until("!window.isOld && document.readyState === 'complete'");
    }

    /** What an expression of the page's is. */
    async run(expression) {
        const { result, exceptionDetails } = await this.#send("Runtime.evaluate", {
            expression, awaitPromise: true, returnByValue: true,
        });
        if (exceptionDetails)
            throw new Error(`${expression}: ${exceptionDetails.exception?.description}`);
        return result.value;
    }

    /** Waits until it is true; a page that is being loaded has nothing to say yet. */
    async until(expression) {
        const end = Date.now() + PATIENCE_MS;
        for (;;) {
            const what = await this.run(expression).catch(() => false);
            if (what)
                return what;
            if (Date.now() > end)
                throw new Error(`never true: ${expression}; ${await this.run("document.body.innerText")}`);
            await new Promise((resolve) => setTimeout(resolve, 30));
        }
    }

    type(text) {
        return this.#send("Input.insertText", { text });
    }

    async press(key, modifiers = 0) {
        const codes = { Tab: 9, Enter: 13, " ": 32 };
        const event = { key, code: key === " " ? "Space" : key, modifiers,
            windowsVirtualKeyCode: codes[key], text: { Enter: "\r", " ": " " }[key] };
        await this.#send("Input.dispatchKeyEvent", { type: "keyDown", ...event });
        await this.#send("Input.dispatchKeyEvent", { type: "keyUp", ...event });
    }

    /** The whole page as a PNG. */
    async screenshot(path) {
        const { data } = await this.#send("Page.captureScreenshot", { captureBeyondViewport: true });
        await writeFile(path, data, "base64");
    }
}
