#include "cookie.h"

#include "exchange.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#define COOKIE_BYTES 9000u

/* "https://app.example.com:8000" and "app.example.com:8000" */
static bool origin_is_host(const char *origin, const char *host)
{
    const char *at = strstr(origin, "://");
    return at && host && strcmp(at + 3, host) == 0;
}

/* Browsers say it. */
bool cookie_is_ours(const struct exchange *x)
{
    const char *site = exchange_header(x, "Sec-Fetch-Site");
    const char *origin = exchange_header(x, MHD_HTTP_HEADER_ORIGIN);
    if (site)
        return strcmp(site, "same-origin") == 0;
    return !origin || origin_is_host(origin, exchange_header(x, MHD_HTTP_HEADER_HOST));
}

/* What only reads is not worth forging, since the forger's page would not be shown the answer. */
static bool counts(const struct exchange *x)
{
    return strcmp(x->method, MHD_HTTP_METHOD_GET) == 0 || cookie_is_ours(x);
}

const char *cookie_get(const struct exchange *x, const char *name)
{
    const char *value = MHD_lookup_connection_value(x->connection, MHD_COOKIE_KIND, name);
    return value && *value && counts(x) ? value : NULL;
}

void cookie_set(struct answer *answer, const char *name, const char *value, uint64_t max_age_s,
                bool secure)
{
    char text[COOKIE_BYTES];
    /* Where the refresh token is of use. */
    const char *path = strcmp(name, COOKIE_REFRESH) == 0 ? "/v1/auth" : "/";
    (void)snprintf(text, sizeof text,
                   "%s=%s; Path=%s; Max-Age=%" PRIu64 "; HttpOnly; SameSite=Strict%s", name, value,
                   path, max_age_s, secure ? "; Secure" : "");
    answer_header(answer, "Set-Cookie", text);
}
