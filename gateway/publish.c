/* publish.c - POST /v1/publish/{topic}: the body becomes an event, and 202 says that the broker has
 * it. */
#include "publish.h"

#include "exchange.h"
#include "problem.h"
#include "trace.h"

#include <microhttpd.h>

#define TOPIC_BYTES 1024u

/* On a thread of the bus. */
static void on_answer(void *arg, int status, const char *message)
{
    struct exchange *x = arg;
    if (status == FBX_OK) {
        x->answer.http = MHD_HTTP_ACCEPTED;
        x->answer.content_type = ANSWER_JSON;
        buf_append(&x->answer.body, "{}", 2);
        (void)answer_tell_name(&x->answer);
    } else if (status == FBX_CANCELLED && atomic_load(&x->gateway->leaving)) {
        problem_of_stop(&x->answer);
    } else {
        problem_of(&x->answer, (enum status)status, message);
    }
    exchange_finish(x);
}

static void publish(struct exchange *x, const char *topic, struct slice payload)
{
    fbx_publish_options options = {.token = exchange_token(x),
                                   .event_id = exchange_header(x, "X-Event-Id"),
                                   .traceparent = trace_parent(x),
                                   .confirm = true,
                                   .timeout_ms = exchange_timeout_ms(x)};
    if (!exchange_may_ask(x, options.token))
        return;
    exchange_hold(x);
    int error = fbx_publish_async(x->gateway->bus, topic, (fbx_bytes){payload.data, payload.len},
                                  &options, on_answer, x);
    if (error < 0) {
        exchange_unhold(x);
        problem_of_error(&x->answer, error);
    }
}

void publish_handle(struct exchange *x)
{
    char topic[TOPIC_BYTES];
    struct buf payload = {0};
    if (!exchange_query(x, NULL))
        return;
    if (!exchange_param(x, 0, topic, sizeof topic))
        problem_of(&x->answer, STATUS_INVALID_ARGUMENT, "not a topic");
    else if (exchange_body(x, "null", &payload))
        publish(x, topic, buf_slice(&payload));
    buf_finish(&payload);
}
