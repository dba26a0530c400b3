/* engine_session.c - greeting the broker, and starting anew when it has forgotten us. */
#include "client/engine_parts.h"

#include "base/mem.h"

#include <stdio.h>

#define PROTOCOL_VERSION 1u
#define HEARTBEAT_DEFAULT_MS 10000u
#define EXCHANGES_LEAST 2u /* one waits at the broker, another says that we live */

static const char REFUSED[] = "the broker refused the session";

void session_greet(struct engine *engine)
{
    Farebox__V1__Hello hello = FAREBOX__V1__HELLO__INIT;
    hello.token = engine->token;
    hello.name = engine->name;
    hello.client = engine->client;
    hello.protocol = PROTOCOL_VERSION;
    wire_out_reset(&engine->bare);
    wire_put_control(&engine->bare, 0, 0, WIRE_HELLO, &hello.base);
}

static void take_welcome(struct engine *engine, const Farebox__V1__Welcome *welcome)
{
    if (engine->state != ENGINE_GREETING || welcome->session.len != WIRE_SESSION_BYTES)
        return;
    uint32_t heartbeat_ms = welcome->heartbeat_ms ? welcome->heartbeat_ms : HEARTBEAT_DEFAULT_MS;
    engine->heartbeat = heartbeat_ms * NS_PER_MS;
    engine->limit = ENGINE_EXCHANGES;
    if (welcome->exchanges > 0 && welcome->exchanges < ENGINE_EXCHANGES)
        engine->limit = welcome->exchanges;
    if (engine->limit < EXCHANGES_LEAST)
        engine->limit = EXCHANGES_LEAST;
    engine->greeted = engine->eager = false;
    engine->welcomed_at = engine->now;
    link_name(engine->link, welcome->session.data);
    engine_set_state(engine, ENGINE_READY, "");
}

/* Some refusals pass by themselves: the broker is starting, stopping or full. */
static bool is_passing(enum status status)
{
    return status_retryable(status) || status == STATUS_INTERNAL;
}

static void take_refusal(struct engine *engine, enum status status, const char *message)
{
    char named[256];
    engine->greeted = false;
    if (is_passing(status)) {
        if (!engine->eager)
            return;
        (void)snprintf(named, sizeof(named), "%s: %s", status_text(status), message);
        message = named;
    }
    session_give_up(engine, status, message);
    controls_end_standing(engine, status, message);
    engine_set_state(engine, ENGINE_REFUSED, message);
}

static void take_error(struct engine *engine, const Farebox__V1__Error *error)
{
    unsigned number = (unsigned)error->status;
    enum status status = number < STATUS_COUNT ? (enum status)number : STATUS_INTERNAL;
    const char *message = error->message && *error->message ? error->message : REFUSED;
    if (engine->state == ENGINE_GREETING)
        take_refusal(engine, status, message);
    else if (engine->state == ENGINE_READY)
        session_lost(engine, message);
}

void session_take_bare(struct engine *engine, struct wire_frame *frame)
{
    struct wire_envelope envelope;
    uint32_t session = engine->session;
    while (session == engine->session && wire_next(frame, &envelope, &engine->arena) == 1) {
        if (envelope.kind == WIRE_WELCOME)
            take_welcome(engine, envelope.welcome);
        else if (envelope.kind == WIRE_ERROR)
            take_error(engine, envelope.error);
    }
}

/* ---- starting anew ---- */

static void rescue_request(struct engine *engine, const struct wire_envelope *envelope,
                           struct slice credential)
{
    struct call *call = calls_find(engine, envelope->id);
    if (!call)
        return;
    calls_put_again(engine, call, &envelope->request, credential);
}

static void rescue_publish(struct engine *engine, const struct wire_envelope *envelope,
                           struct slice credential)
{
    struct wire_out *out = link_out(engine->link);
    if (envelope->publish.confirm && !controls_rescued(engine, envelope->id))
        return; /* given up meanwhile */
    uint32_t index = wire_put_credential(out, credential);
    wire_put_publish(out, envelope->id, index, &envelope->publish);
}

static void rescue_frame(struct engine *engine, struct wire_frame *frame)
{
    struct wire_envelope envelope;
    while (wire_next(frame, &envelope, &engine->arena) == 1) {
        struct slice credential = {0};
        if (envelope.credential > 0)
            credential = frame->credentials[envelope.credential - 1];
        if (envelope.kind == WIRE_REQUEST)
            rescue_request(engine, &envelope, credential);
        else if (envelope.kind == WIRE_PUBLISH)
            rescue_publish(engine, &envelope, credential);
    }
}

/* Calls and events in frames that never left are as good as not made yet. Answers
 * to the old session's requests mean nothing to the new one and are dropped. */
static void rescue(struct engine *engine, struct link *old)
{
    uint64_t left = old->sent;
    while (link_pending(old)) {
        struct wire_frame frame;
        struct slice bytes = link_transmit(old, engine->pipe_no);
        if (wire_read_frame(&frame, bytes, &engine->arena) == 0 && frame.sequence > left)
            rescue_frame(engine, &frame);
    }
}

void session_lost(struct engine *engine, const char *why)
{
    if (engine->leaving)
        return; /* it is what we have asked for */
    struct link *old = engine->link;
    engine->link = mem_alloc(sizeof(*engine->link));
    link_init(engine->link);
    engine->session++;
    engine->greeted = false;
    /* A broker that forgets us at once must not be asked in a tight loop. */
    engine->greet_at = engine->welcomed_at + 100 * NS_PER_MS;
    serve_forget_all(engine);
    controls_renew(engine);
    rescue(engine, old);
    link_finish(old);
    mem_free(old);
    engine_set_state(engine, engine->pipe ? ENGINE_GREETING : ENGINE_DOWN, why);
    controls_settle(engine);
    calls_renew(engine);
}

void session_give_up(struct engine *engine, enum status status, const char *why)
{
    calls_give_up(engine, status, why);
    controls_give_up(engine, status, why);
}
