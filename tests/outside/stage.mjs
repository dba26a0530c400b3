/* A broker, its echo and login services and a gateway, on a folder of their own. */

import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PATIENCE_MS = 60000;
const PORTS_TRIED = 5;
const build = process.env.FAREBOX_BUILD ?? "build";

function freePort() {
    return new Promise((resolve) => {
        const server = createServer().listen(0, "127.0.0.1", () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}

export class Stage {
    port; /* the gateway's */
    operator; /* a token that may do everything */
    #folder = mkdtempSync(join(tmpdir(), "farebox-outside."));
    #processes = [];

    static async open(gatewayFlags = []) {
        const self = new Stage();
        try {
            await self.#start(gatewayFlags);
        } catch (error) {
            await self.close();
            throw error;
        }
        return self;
    }

    async close() {
        for (const child of this.#processes.reverse()) {
            const ended = new Promise((resolve) => child.once("exit", resolve));
            if (child.exitCode === null && child.kill("SIGTERM"))
                await ended;
        }
        rmSync(this.#folder, { recursive: true });
    }

    get url() {
        return `http://127.0.0.1:${this.port}`;
    }

    /** The broker's, as a JWK Set. */
    get keys() {
        return JSON.parse(readFileSync(this.#path("keys"), "utf8"));
    }

    token(tenant, user, tier, permissions) {
        const perms = permissions.flatMap((permission) => ["--perm", permission]);
        return execFileSync(`${build}/bin/farebox`, ["token", "mint",
            "--keys-file", this.#path("keys"), "--tenant", tenant, "--user", user, "--tier", tier,
            ...perms], { encoding: "utf8" }).trim();
    }

    /** A request of a client that has this token; "": of one that has none. */
    send(token, path, body, headers = {}) {
        const authorization = token ? { Authorization: `Bearer ${token}` } : {};
        return fetch(this.url + path, {
            method: "POST", body: JSON.stringify(body),
            headers: { "Content-Type": "application/json", ...authorization, ...headers },
        });
    }

    /** The same; its status. */
    async ask(token, path, body) {
        const response = await this.send(token, path, body);
        await response.text();
        return response.status;
    }

    /** What an operator has done: the reply to that call. */
    async order(service, method, body) {
        const response = await this.send(this.operator, `/v1/call/${service}/${method}`, body);
        const reply = await response.json();
        if (!response.ok)
            throw new Error(`${service} ${method}: ${reply.detail}`);
        return reply;
    }

    /** Somebody who can log in from now on; the password. */
    async admit(tenant, user, permissions) {
        const password = randomBytes(12).toString("hex");
        await this.order("auth", "create", { tenant, user, password, permissions });
        return password;
    }

    #path(name) {
        return join(this.#folder, name);
    }

    #tokenFile(name, permissions) {
        const path = this.#path(`${name}.token`);
        writeFileSync(path, this.token("platform", name, "enterprise", permissions), { mode: 0o600 });
        return path;
    }

    async #start(gatewayFlags) {
        const url = `ipc://${this.#path("bus")}`;
        execFileSync(`${build}/bin/farebox`, ["token", "keygen", this.#path("keys")]);
        this.operator = this.token("platform", "ops", "enterprise",
            ["admin:*", "call:*", "publish:>", "subscribe:>"]);
        await this.#run("fareboxd", ["--listen", url, "--data", this.#path("data"),
            "--jwt-keys-file", this.#path("keys")]);
        await this.#run("farebox-host", ["--url", url, "--token-file",
            this.#tokenFile("host", ["serve:*", "admin:tokens"]),
            "--set", `auth.store=${this.#path("users")}`,
            "--set", `auth.keys-file=${this.#path("keys")}`,
            `${build}/lib/farebox/auth.so`, `${build}/lib/farebox/echo.so`]);
        await this.#startGateway(["--url", url, "--token-file",
            this.#tokenFile("gateway", ["call:auth.*"]), ...gatewayFlags]);
    }

    /* A port that was free may be somebody else's by the time the gateway asks for it. */
    async #startGateway(flags) {
        for (let left = PORTS_TRIED; ; left--) {
            this.port = await freePort();
            try {
                await this.#run("farebox-gateway", ["--listen", `127.0.0.1:${this.port}`, ...flags]);
                return;
            } catch (error) {
                if (left === 1)
                    throw error;
            }
        }
    }

    /* Until it says that it is ready. What it complains about is the test's output. */
    #run(program, args) {
        const child = spawn(`${build}/bin/${program}`, args, { stdio: ["ignore", "pipe", "inherit"] });
        this.#processes.push(child);
        return new Promise((resolve, reject) => {
            const settle = (error) => {
                clearTimeout(timer);
                if (error)
                    reject(error);
                else
                    resolve();
            };
            const timer = setTimeout(() => settle(new Error(`${program} does not start`)), PATIENCE_MS);
            child.once("error", settle);
            child.once("exit", (code) => settle(new Error(`${program} has ended: ${code}`)));
            createInterface(child.stdout).on("line", (line) => {
                if (line.startsWith(`${program} ready`))
                    settle();
            });
        });
    }
}
