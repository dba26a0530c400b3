/* routes.c - what is where. */
#include "call.h"
#include "route.h"

const struct route routes_own[] = {
    {"POST", "/v1/call/{service}/{method}", call_handle},
};
const size_t routes_own_count = sizeof routes_own / sizeof *routes_own;
