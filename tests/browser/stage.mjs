/* A broker, its echo service and a gateway, on a folder of their own, with a login service's
 * stand-in before the gateway: it gives cookies to whoever knows the password. */

import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PATIENCE_MS = 30000;
const build = process.env.BUILD;

function freePort() {
    return new Promise((resolve) => {
        const server = createServer().listen(0, "127.0.0.1", () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}

export class Stage {
    password = randomBytes(12).toString("hex");
    #folder = mkdtempSync(join(tmpdir(), "farebox-browser."));
    #processes = [];
    #server;
    #gatewayPort;
    #holding = new Set(); /* refresh tokens */
    member = "";  /* the token of whoever logs in */
    renewed = ""; /* and of whoever renews it */
    renewals = 0;

    static async open(flags = []) {
        const self = new Stage();
        await self.#startBus(flags);
        await self.#startDoor();
        return self;
    }

    async close() {
        this.#server.closeAllConnections();
        this.#server.close();
        for (const child of this.#processes.reverse()) {
            const ended = new Promise((resolve) => child.once("exit", resolve));
            child.kill("SIGTERM");
            await ended;
        }
        rmSync(this.#folder, { recursive: true });
    }

    get url() {
        return `http://127.0.0.1:${this.#server.address().port}`;
    }

    token(tenant, user, tier, permissions) {
        const perms = permissions.flatMap((permission) => ["--perm", permission]);
        return execFileSync(`${build}/bin/farebox`, ["token", "mint", "--secret-file",
            join(this.#folder, "secret"), "--tenant", tenant, "--user", user, "--tier", tier,
            ...perms], { encoding: "utf8" }).trim();
    }

    /** As a client without a browser; the status. */
    async ask(token, path, body) {
        const response = await fetch(this.url + path, {
            method: "POST", body: JSON.stringify(body),
            headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
        });
        await response.text();
        return response.status;
    }

    #tokenFile(name, permissions) {
        const path = join(this.#folder, `${name}.token`);
        writeFileSync(path, this.token("platform", name, "enterprise", permissions), { mode: 0o600 });
        return path;
    }

    #start(program, args) {
        const child = spawn(`${build}/bin/${program}`, args, { stdio: ["ignore", "pipe", "ignore"] });
        this.#processes.push(child);
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new Error(`${program} does not start`)), PATIENCE_MS);
            child.once("exit", (code) => reject(new Error(`${program} has ended: ${code}`)));
            createInterface(child.stdout).on("line", (line) => {
                if (!line.startsWith(`${program} ready`))
                    return;
                clearTimeout(timer);
                resolve();
            });
        });
    }

    async #startBus(flags) {
        const url = `ipc://${join(this.#folder, "bus")}`;
        const secret = join(this.#folder, "secret");
        this.#gatewayPort = await freePort();
        writeFileSync(secret, randomBytes(32).toString("base64"), { mode: 0o600 });
        await this.#start("fareboxd", ["--listen", url, "--data", join(this.#folder, "data"),
            "--jwt-secret-file", secret]);
        await this.#start("farebox-host", ["--url", url, "--token-file",
            this.#tokenFile("host", ["serve:*"]), `${build}/lib/farebox/echo.so`]);
        await this.#start("farebox-gateway", ["--url", url, "--listen",
            `127.0.0.1:${this.#gatewayPort}`, "--token-file", this.#tokenFile("gateway", []), ...flags]);
    }

    async #startDoor() {
        this.#server = http.createServer((request, response) => {
            if (request.url.startsWith("/v1/auth/"))
                this.#answerLogin(request, response);
            else
                this.#pass(request, response);
        });
        await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    }

    #pass(request, response) {
        const onward = http.request({
            host: "127.0.0.1", port: this.#gatewayPort, path: request.url, method: request.method,
            headers: request.headers,
        }, (answer) => {
            response.writeHead(answer.statusCode, answer.headers);
            answer.pipe(response);
            answer.on("error", () => response.destroy());
        });
        onward.on("error", () => response.destroy());
        response.on("close", () => onward.destroy());
        request.pipe(onward);
    }

    async #answerLogin(request, response) {
        const chunks = await request.toArray();
        const body = JSON.parse(Buffer.concat(chunks).toString() || "{}");
        const known = /farebox_refresh=([^;]*)/.exec(request.headers.cookie ?? "")?.[1];
        if (request.url.endsWith("/logout")) {
            this.#holding.delete(known);
            this.#give(response, "", "", 0);
        } else if (request.url.endsWith("/login") && body.password === this.password) {
            this.#admit(response, this.member);
        } else if (request.url.endsWith("/refresh") && this.#holding.has(known)) {
            this.renewals++;
            this.#holding.delete(known);
            this.#admit(response, this.renewed);
        } else {
            response.writeHead(401, { "Content-Type": "application/problem+json" });
            response.end(JSON.stringify({ status: 401, detail: "invalid credentials" }));
        }
    }

    #admit(response, token) {
        const refresh = randomBytes(16).toString("hex");
        this.#holding.add(refresh);
        this.#give(response, token, refresh, 3600);
    }

    #give(response, token, refresh, age) {
        const more = `Max-Age=${age}; HttpOnly; SameSite=Strict`;
        response.writeHead(200, {
            "Content-Type": "application/json",
            "Set-Cookie": [`farebox_token=${token}; Path=/; ${more}`,
                `farebox_refresh=${refresh}; Path=/v1/auth; ${more}`],
        });
        response.end("{}");
    }
}
