/* Puts the page together. */

import { Breakers } from "./breakers.js";
import { el } from "./dom.js";
import { Gateway } from "./gateway.js";
import { Limits } from "./limits.js";
import { Services } from "./services.js";
import { Session } from "./session.js";
import { Tail } from "./tail.js";
import { Traffic } from "./traffic.js";
import { Usage } from "./usage.js";

const $ = (id) => document.getElementById(id);
const gateway = new Gateway();
const failures = new Map(); /* of panels, by their titles */
let complaint = "";         /* of the session */

/* Told again, it would be read out again. */
function say(place, words) {
    if (place.textContent !== words)
        place.textContent = words;
}

/* "Traffic, Services: the broker is not there" */
function troubles() {
    const titles = new Map();
    for (const [title, words] of failures)
        titles.set(words, [...(titles.get(words) ?? []), title]);
    return [...titles].map(([words, of]) => `${of.join(", ")}: ${words}`).join("; ");
}

function complain(words = complaint) {
    complaint = words;
    say($("alert"), complaint || troubles());
}

function forget() {
    failures.clear();
    complain("");
}

/* What becomes of the panels' questions. */
const desk = {
    gateway,
    reached(title) {
        failures.delete(title);
        say($("status"), failures.size > 0 ? "Trying again …" : "Connected");
        complain();
    },
    refused(title, problem) {
        $("notes").hidden = false;
        $("notes").querySelector("ul").append(el("li", {}, `${title}: ${problem.message}`));
    },
    failed(title, problem) {
        if (problem.status === 401) {
            session.end("Your session has ended. Sign in again.");
            return;
        }
        say($("status"), "Trying again …");
        failures.set(title, problem.message);
        complain();
    },
};

const panels = [Traffic, Services, Limits, Breakers, Usage, Tail].map((Part) => new Part(desk));

const session = new Session(gateway, {
    trying: forget,
    failed: complain,
    entered(me) {
        forget();
        say($("who"), `${me.user} of ${me.tenant}`);
        $("account").hidden = false;
        $("notes").hidden = true;
        $("notes").querySelector("ul").replaceChildren();
        $("panels").hidden = false;
        $("content").focus();
        panels.forEach((panel) => panel.start(me));
    },
    left() {
        forget();
        panels.forEach((panel) => panel.stop());
        $("panels").hidden = true;
        $("account").hidden = true;
        say($("status"), "");
    },
});

session.begin();
