#include "own.h"

#include "answer.h"
#include "call.h"
#include "login.h"
#include "metrics.h"
#include "openapi.h"
#include "probes.h"
#include "publish.h"
#include "subscribers.h"
#include "ui.h"

#define TEXT "text/plain"
#define EVENTS "text/event-stream"
#define HTML "text/html"

const struct route own_routes[] = {
    {"POST", "/v1/call/{service}/{method}", call_handle, NULL, "Call a method of a service",
     ANSWER_JSON, 200, false, NULL},
    {"POST", "/v1/publish/{topic}", publish_handle, NULL, "Publish an event", ANSWER_JSON, 202,
     false, NULL},
    {"GET", "/v1/subscribe", subscribers_handle, NULL, "Events as they happen", EVENTS, 200, false,
     "topic"},
    {"POST", "/v1/auth/login", login_handle, NULL, "Log in", ANSWER_JSON, 200, true, NULL},
    {"POST", "/v1/auth/refresh", login_refresh, NULL, "A new token for a refresh token",
     ANSWER_JSON, 200, true, NULL},
    {"POST", "/v1/auth/logout", login_logout, NULL, "Log out", ANSWER_JSON, 200, true, NULL},
    {"GET", "/openapi.json", openapi_handle, NULL, "This document", ANSWER_JSON, 200, true, NULL},
    {"GET", "/metrics", metrics_handle, NULL, "Counters for Prometheus", TEXT, 200, false, NULL},
    {"GET", "/livez", probes_live, NULL, "Does the gateway live?", TEXT, 200, true, NULL},
    {"GET", "/readyz", probes_ready, NULL, "Can it serve?", TEXT, 200, true, NULL},
    {"GET", "/ui", ui_handle, NULL, "The dashboard", HTML, 200, true, NULL},
    {"GET", "/ui/", ui_handle, NULL, "The dashboard", HTML, 200, true, NULL},
    {"GET", "/ui/{file}", ui_handle, NULL, "What it consists of", HTML, 200, true, NULL},
};
const size_t own_routes_count = sizeof own_routes / sizeof *own_routes;

static const char usage[] = "GET /v1/usage bus.usage.show query=from,to,tenant,user,service,method,"
                            "by:list,limit:int,cursor";

const char *const own_bindings[] = {
    "GET /v1/services bus.registry.list idempotent",
    "GET /v1/me bus.me.show idempotent",
    usage,
    "GET /v1/notifications notification.list query=after,limit:int idempotent",
    "POST /v1/auth/password auth.password",
};
const size_t own_bindings_count = sizeof own_bindings / sizeof *own_bindings;
