#include "call.h"

#include "base/clock.h"
#include "exchange.h"
#include "problem.h"
#include "reply.h"
#include "trace.h"
#include "wire/json.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>

#define NAME_BYTES 192u

/* ---- the way back, on threads of the bus ---- */

/* By the gateway, which leaves the bus. */
static bool is_cut_off(const struct exchange *x, const fbx_reply *reply)
{
    return fbx_reply_status(reply) == FBX_CANCELLED && atomic_load(&x->gateway->leaving);
}

static void end_stream(struct exchange *x, const fbx_reply *reply)
{
    struct answer end = {0};
    answer_name(&end, x->answer.request_id);
    if (is_cut_off(x, reply))
        problem_of_stop(&end);
    else
        reply_write_json(&end, reply);
    if (exchange_put(x, end.http == MHD_HTTP_OK ? "reply" : "problem", NULL, buf_slice(&end.body)))
        stream_end(&x->stream);
    else
        stream_fail(&x->stream);
    answer_finish(&end);
}

static void answer(struct exchange *x, const fbx_reply *reply)
{
    if (x->as_gateway)
        reply_headers_own(&x->answer, reply);
    else
        reply_headers(&x->answer, reply, clock_now().unix_ms / 1000);
    if (is_cut_off(x, reply))
        problem_of_stop(&x->answer);
    else if (x->on_ok && fbx_reply_status(reply) == FBX_OK)
        x->on_ok(x, reply);
    else if (x->as_gateway)
        reply_write_own(&x->answer, reply);
    else
        reply_write(&x->answer, reply);
    if (x->answer.http == MHD_HTTP_OK && x->route->binding)
        x->answer.http = x->route->binding->status;
}

static void on_reply(void *arg, const fbx_reply *reply)
{
    struct exchange *x = arg;
    if (x->streams)
        end_stream(x, reply);
    else
        answer(x, reply);
    exchange_finish(x);
}

static void begin_stream(struct exchange *x)
{
    x->streams = true;
    x->answer.http = MHD_HTTP_OK;
    x->answer.content_type = framing_content_type(x->framing);
    answer_header(&x->answer, "Cache-Control", "no-store");
}

/* Comes before the first part, and so while headers can be told. */
static void on_terms(void *arg, const fbx_reply *terms)
{
    struct exchange *x = arg;
    reply_headers(&x->answer, terms, clock_now().unix_ms / 1000);
}

/* Parts are JSON that a client can read in time, or the stream is over. */
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

/* ---- the way there ---- */

static void on_gone(struct exchange *x)
{
    (void)fbx_cancel(x->gateway->bus, x->call);
}

/* The name goes with the call, so that the logs of the bus know it whoever ends the request. */
static fbx_call_options options_of(struct exchange *x, const struct call *call)
{
    return (fbx_call_options){
        .content_type = call->content_type,
        .idempotency_key = exchange_header(x, "Idempotency-Key"),
        .idempotent = call->idempotent,
        .timeout_ms = call->timeout_ms > 0 ? call->timeout_ms : exchange_timeout_ms(x),
        .traceparent = trace_parent(x),
        .tracestate = trace_state(x),
        .request_id = answer_have_name(&x->answer),
        .terms = true,
    };
}

static void ask_for_parts(struct exchange *x, fbx_call_options *options)
{
    enum framing framing = framing_accepted(exchange_header(x, "Accept"));
    if (framing == FRAMING_NONE)
        return;
    exchange_stream(x, framing);
    options->on_part = on_part;
    options->on_terms = on_terms;
}

void call_begin(struct exchange *x, const struct call *call)
{
    fbx_call_options options = options_of(x, call);
    if (!call->as_gateway)
        options.token = exchange_token(x);
    if (!exchange_may_ask(x, call->as_gateway || options.token))
        return;
    if (!call->on_ok && !call->as_gateway)
        ask_for_parts(x, &options);
    x->on_ok = call->on_ok;
    x->as_gateway = call->as_gateway;
    exchange_hold(x);
    int error = fbx_call_async(x->gateway->bus, call->service, call->method,
                               (fbx_bytes){call->payload.data, call->payload.len}, &options,
                               on_reply, x, &x->call);
    if (error == 0) {
        x->on_gone = on_gone;
        return;
    }
    exchange_unhold(x);
    problem_of_error(&x->answer, error);
}

/* ---- /v1/call ---- */

/* JSON unless something else is said; what HTML forms and curl -d say by themselves means nothing.
 */
static bool is_json(const char *type)
{
    static const char *const types[] = {ANSWER_JSON, "application/x-www-form-urlencoded"};
    size_t len = type ? strcspn(type, "; ") : 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (slice_is(slice_make(type, len), types[i]))
            return true;
    return len == 0;
}

static bool is_msgpack(const char *type)
{
    return slice_is(slice_make(type, strcspn(type, "; ")), "application/msgpack");
}

static void call_with_json(struct exchange *x, struct call *call)
{
    struct buf payload = {0};
    if (exchange_body(x, "null", &payload)) {
        call->payload = buf_slice(&payload);
        call_begin(x, call);
    }
    buf_finish(&payload);
}

void call_handle(struct exchange *x)
{
    char service[NAME_BYTES], method[NAME_BYTES];
    const char *type = exchange_header(x, "Content-Type");
    struct call call = {.service = service, .method = method};
    fbx_value value;
    if (!exchange_query(x, NULL))
        return;
    if (!exchange_param(x, 0, service, sizeof service) ||
        !exchange_param(x, 1, method, sizeof method)) {
        problem_of(&x->answer, STATUS_INVALID_ARGUMENT, "not a service, or not a method");
    } else if (is_json(type)) {
        call_with_json(x, &call);
    } else if (is_msgpack(type) && !fbx_read((fbx_bytes){x->body.data, x->body.len}, &value)) {
        problem_of(&x->answer, STATUS_INVALID_ARGUMENT, "the body is no MessagePack");
    } else {
        call.content_type = type;
        call.payload = buf_slice(&x->body);
        call_begin(x, &call);
    }
}
