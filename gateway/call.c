/* call.c - POST /v1/call/{service}/{method}: JSON in, JSON out, a call in between. */
#include "call.h"

#include "exchange.h"
#include "problem.h"
#include "wire/json.h"

#include <stdio.h>

#define NAME_BYTES 192u
#define HTTP_OK 200u

static void add_headers(struct answer *answer, const fbx_reply *reply)
{
    answer_header(answer, "X-Request-Id", fbx_reply_request_id(reply));
    if (fbx_reply_rate_limit(reply) == 0)
        return;
    answer_header_number(answer, "X-RateLimit-Limit", fbx_reply_rate_limit(reply));
    answer_header_number(answer, "X-RateLimit-Remaining", fbx_reply_rate_remaining(reply));
}

/* The body of an answer that is not streamed, or of the end of one that is. */
static void write_answer(struct answer *answer, const fbx_reply *reply)
{
    struct json_error why;
    fbx_bytes payload = fbx_reply_payload(reply);
    if (fbx_reply_status(reply) != FBX_OK) {
        problem_of_reply(answer, reply);
    } else if (json_from_msgpack(&answer->body, slice_make(payload.data, payload.len), &why) < 0) {
        problem_of(answer, STATUS_INTERNAL, why.text, fbx_reply_request_id(reply));
    } else {
        answer->http = HTTP_OK;
        answer->content_type = "application/json";
    }
}

static void end_stream(struct exchange *x, const fbx_reply *reply)
{
    struct answer end = {0};
    write_answer(&end, reply);
    (void)exchange_put(x, end.http == HTTP_OK ? "reply" : "problem", NULL, buf_slice(&end.body));
    stream_end(&x->stream);
    answer_finish(&end);
}

/* On a thread of the bus. */
static void on_reply(void *arg, const fbx_reply *reply)
{
    struct exchange *x = arg;
    if (x->streams) {
        end_stream(x, reply);
    } else {
        add_headers(&x->answer, reply);
        write_answer(&x->answer, reply);
        if (x->answer.http == HTTP_OK && x->route->binding)
            x->answer.http = x->route->binding->status;
    }
    exchange_finish(x);
}

static void begin_stream(struct exchange *x)
{
    x->streams = true;
    x->answer.http = HTTP_OK;
    x->answer.content_type = framing_content_type(x->framing);
    answer_header(&x->answer, "Cache-Control", "no-store");
}

/* On a thread of the bus. Parts are JSON that a client can read, or the stream is over. */
static void on_part(void *arg, fbx_bytes part, uint32_t index)
{
    struct exchange *x = arg;
    struct buf json = {0};
    (void)index;
    if (!x->streams)
        begin_stream(x);
    bool put = json_from_msgpack(&json, slice_make(part.data, part.len), NULL) == 0 &&
               exchange_put(x, "part", NULL, buf_slice(&json));
    buf_finish(&json);
    if (!put)
        (void)fbx_cancel(x->gateway->bus, x->call);
    exchange_post(x);
}

static void on_gone(struct exchange *x)
{
    (void)fbx_cancel(x->gateway->bus, x->call);
}

void call_begin(struct exchange *x, const char *service, const char *method, struct slice payload)
{
    fbx_call_options options = {.token = exchange_token(x),
                                .idempotency_key = exchange_header(x, "Idempotency-Key"),
                                .timeout_ms = x->gateway->settings.default_timeout_ms};
    const struct binding *binding = x->route->binding;
    if (binding && binding->timeout_ms > 0)
        options.timeout_ms = binding->timeout_ms;
    if (binding)
        options.idempotent = binding->idempotent;
    if (!exchange_may_ask(x, options.token))
        return;
    enum framing framing = framing_accepted(exchange_header(x, "Accept"));
    if (framing != FRAMING_NONE) {
        exchange_stream(x, framing);
        options.on_part = on_part;
    }
    exchange_hold(x);
    int error =
        fbx_call_async(x->gateway->bus, service, method, (fbx_bytes){payload.data, payload.len},
                       &options, on_reply, x, &x->call);
    if (error == 0) {
        x->on_gone = on_gone;
        return;
    }
    exchange_unhold(x);
    problem_of_error(&x->answer, error);
}

void call_handle(struct exchange *x)
{
    char service[NAME_BYTES], method[NAME_BYTES];
    struct json_error why;
    struct buf payload = {0};
    if (!exchange_param(x, 0, service, sizeof service) ||
        !exchange_param(x, 1, method, sizeof method)) {
        problem_of(&x->answer, STATUS_INVALID_ARGUMENT, "not a service, or not a method", "");
    } else if (msgpack_from_json(&payload, x->body.len > 0 ? buf_slice(&x->body) : slice_of("null"),
                                 &why) < 0) {
        problem_of(&x->answer, STATUS_INVALID_ARGUMENT, why.text, "");
    } else {
        call_begin(x, service, method, buf_slice(&payload));
    }
    buf_finish(&payload);
}
