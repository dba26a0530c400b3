/* Signing in and out. */

import { Problem } from "./gateway.js";

export class Session {
    #gateway;
    #on;
    #section = document.getElementById("sign-in");
    #login = document.getElementById("login");
    #useToken = document.getElementById("use-token");

    /** `on.entered(me)`, `on.left()`, `on.failed(words)`, `on.trying()`. */
    constructor(gateway, on) {
        this.#gateway = gateway;
        this.#on = on;
        this.#attach(this.#login, () => this.#logIn());
        this.#attach(this.#useToken, () => this.#takeToken());
        document.getElementById("sign-out").addEventListener("click", () => this.#signOut());
    }

    /** A browser that has been here may still have its cookies. */
    async begin() {
        try {
            this.#enter(await this.#gateway.get("/v1/me"));
        } catch (problem) {
            this.#show();
            if (problem.status !== 401)
                this.#on.failed(problem.message);
        }
    }

    /** The token is over, or was revoked. */
    end(words) {
        this.#gateway.forget();
        this.#on.left();
        this.#show();
        this.#on.failed(words);
    }

    #attach(form, work) {
        form.addEventListener("submit", async (event) => {
            const button = form.querySelector("button");
            event.preventDefault();
            this.#on.trying();
            button.disabled = true;
            try {
                await work();
            } catch (problem) {
                this.#gateway.forget();
                this.#on.failed(problem.message);
            }
            button.disabled = false;
        });
    }

    async #logIn() {
        const { tenant, user, password } = this.#login.elements;
        this.#gateway.forget();
        try {
            await this.#gateway.ask("POST", "/v1/auth/login", {
                tenant: tenant.value, user: user.value, password: password.value, cookie: true,
            });
        } catch (problem) {
            throw problem.code === "service_not_found"
                ? new Problem(404, { detail: "No login service is there; use a token instead." })
                : problem;
        } finally {
            password.value = "";
        }
        this.#enter(await this.#gateway.get("/v1/me"));
    }

    async #takeToken() {
        const field = this.#useToken.querySelector("textarea");
        this.#gateway.useToken(field.value.trim());
        this.#enter(await this.#gateway.get("/v1/me"));
    }

    /* A pasted token is somebody else's to revoke; it is only forgotten. */
    async #signOut() {
        this.#on.trying();
        try {
            if (!this.#gateway.usesToken)
                await this.#gateway.ask("POST", "/v1/auth/logout", {});
        } catch (problem) {
            if (problem.status !== 401) {
                this.#on.failed(`Not signed out: ${problem.message}`);
                return;
            }
        }
        this.#gateway.forget();
        this.#on.left();
        this.#show();
    }

    #show() {
        this.#section.hidden = false;
        this.#login.elements.tenant.focus();
    }

    #enter(me) {
        this.#section.hidden = true;
        this.#login.reset();
        this.#useToken.reset();
        this.#on.entered(me);
    }
}
