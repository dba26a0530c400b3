#include "cors.h"

#include "exchange.h"

#include <microhttpd.h>
#include <string.h>

#define MAX_AGE_S "600"

/* The origin of the request, if it may; compared as a whole, so "null" and the like never fit. */
static const char *granted(const struct exchange *x)
{
    const char *origin = exchange_header(x, MHD_HTTP_HEADER_ORIGIN);
    const struct text_list *allowed = &x->gateway->settings.cors_origins;
    for (size_t i = 0; origin && i < allowed->n; i++)
        if (strcmp(origin, allowed->items[i]) == 0)
            return origin;
    return NULL;
}

bool cors_is_preflight(const struct exchange *x)
{
    return strcmp(x->method, MHD_HTTP_METHOD_OPTIONS) == 0 &&
           exchange_header(x, MHD_HTTP_HEADER_ORIGIN) &&
           exchange_header(x, "Access-Control-Request-Method");
}

void cors_answer_preflight(struct exchange *x)
{
    x->answer.http = MHD_HTTP_NO_CONTENT;
    if (!granted(x))
        return;
    answer_header(&x->answer, "Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE");
    answer_header(&x->answer, "Access-Control-Allow-Headers",
                  "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-Id, "
                  "X-Event-Id, X-Timeout-Ms, traceparent, tracestate");
    answer_header(&x->answer, "Access-Control-Max-Age", MAX_AGE_S);
}

void cors_grant(struct exchange *x)
{
    const char *origin = granted(x);
    if (x->gateway->settings.cors_origins.n > 0)
        answer_header(&x->answer, "Vary", "Origin");
    if (!origin)
        return;
    answer_header(&x->answer, "Access-Control-Allow-Origin", origin);
    answer_header(&x->answer, "Access-Control-Expose-Headers",
                  "X-Request-Id, X-Tenant-Id, X-Subscription-Tier, Retry-After, RateLimit, "
                  "RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, "
                  "X-Quota-Limit, X-Quota-Remaining, Idempotency-Replayed, traceparent");
}
