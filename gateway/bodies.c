#include "bodies.h"

#include "exchange.h"
#include "problem.h"
#include "refuse.h"

static void keep(struct exchange *x, const char *data, size_t len)
{
    x->gateway->bodies += len;
    buf_append(&x->body, data, len);
}

void bodies_take(struct exchange *x, const char *data, size_t len)
{
    const struct gateway_settings *settings = &x->gateway->settings;
    x->body_bytes += len;
    if (x->answer.http == 0 && x->body_bytes > settings->max_body_bytes)
        refuse_too_large(x);
    else if (x->answer.http == 0 && x->gateway->bodies + len > settings->max_bodies_bytes)
        problem_of(&x->answer, STATUS_OVERLOADED, "too many bodies are on their way in");
    if (x->answer.http == 0)
        keep(x, data, len);
    else
        bodies_drop(x);
}

void bodies_drop(struct exchange *x)
{
    x->gateway->bodies -= x->body.len;
    buf_finish(&x->body);
}
