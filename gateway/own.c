#include "own.h"

#include "call.h"
#include "login.h"
#include "metrics.h"
#include "probes.h"
#include "publish.h"
#include "subscribers.h"

const struct route own_routes[] = {
    {"POST", "/v1/call/{service}/{method}", call_handle, NULL},
    {"POST", "/v1/publish/{topic}", publish_handle, NULL},
    {"POST", "/v1/auth/login", login_handle, NULL},
    {"POST", "/v1/auth/refresh", login_refresh, NULL},
    {"POST", "/v1/auth/logout", login_logout, NULL},
    {"GET", "/livez", probes_live, NULL},
    {"GET", "/readyz", probes_ready, NULL},
    {"GET", "/metrics", metrics_handle, NULL},
    {"GET", "/v1/subscribe", subscribers_handle, NULL},
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
