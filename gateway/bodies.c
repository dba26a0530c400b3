#include "bodies.h"

#include "exchange.h"
#include "problem.h"
#include "refuse.h"

void bodies_take(struct exchange *x, const char *data, size_t len)
{
    const struct gateway_settings *settings = &x->gateway->settings;
    x->body_bytes += len;
    if (x->answer.http != 0)
        return;
    if (x->body_bytes > settings->max_body_bytes) {
        refuse_too_large(x);
        bodies_drop(x);
    } else if (x->gateway->bodies + len > settings->max_bodies_bytes) {
        problem_of(&x->answer, STATUS_OVERLOADED, "too many bodies are on their way in");
        bodies_drop(x);
    } else {
        x->gateway->bodies += len;
        buf_append(&x->body, data, len);
    }
}

void bodies_drop(struct exchange *x)
{
    x->gateway->bodies -= x->body.len;
    buf_finish(&x->body);
}
