/* engine_input.c - frames of the session: admitted by number, taken apart, passed on. */
#include "client/engine_parts.h"

#include "base/mem.h"

static struct slice credential_of(const struct wire_frame *frame,
                                  const struct wire_envelope *envelope)
{
    if (envelope->credential == 0)
        return (struct slice){0};
    return frame->credentials[envelope->credential - 1];
}

static void take_reply(struct engine *engine, const struct wire_envelope *envelope)
{
    struct call *call = calls_find(engine, envelope->id);
    if (call)
        calls_end(engine, call, &envelope->reply);
}

static void take_part(struct engine *engine, const struct wire_envelope *envelope)
{
    struct call *call = calls_find(engine, envelope->id);
    if (!call)
        return;
    call->streamed = true;
    engine->up.part(engine->up.arg, call->arg, &envelope->part);
}

static void take_acknowledge(struct engine *engine, const struct wire_envelope *envelope)
{
    const Farebox__V1__Acknowledge *body = envelope->acknowledge;
    unsigned number = (unsigned)body->status;
    controls_acknowledged(engine, envelope->id,
                          number < STATUS_COUNT ? (enum status)number : STATUS_INTERNAL,
                          body->message ? body->message : "");
}

static void answer_ping(struct engine *engine, uint64_t id)
{
    Farebox__V1__Acknowledge body = FAREBOX__V1__ACKNOWLEDGE__INIT;
    wire_put_control(link_out(engine->link), id, 0, WIRE_ACKNOWLEDGE, &body.base);
}

static void take_control(struct engine *engine, const struct wire_envelope *envelope)
{
    switch (envelope->kind) {
    case WIRE_CANCEL:
        serve_cancel(engine, envelope->id);
        break;
    case WIRE_ACKNOWLEDGE:
        take_acknowledge(engine, envelope);
        break;
    case WIRE_PING:
        answer_ping(engine, envelope->id);
        break;
    case WIRE_DRAIN:
        engine->up.drain(engine->up.arg);
        break;
    case WIRE_GOODBYE:
        session_lost(engine, "the broker ended the session");
        break;
    case WIRE_ERROR:
        session_lost(engine, envelope->error->message);
        break;
    default: /* of a later version, or not for clients */
        break;
    }
}

static void take_envelope(struct engine *engine, const struct wire_frame *frame,
                          const struct wire_envelope *envelope)
{
    switch (envelope->kind) {
    case WIRE_REPLY:
        take_reply(engine, envelope);
        break;
    case WIRE_PART:
        take_part(engine, envelope);
        break;
    case WIRE_REQUEST:
        serve_request(engine, envelope, credential_of(frame, envelope));
        break;
    case WIRE_DELIVERY:
        engine->up.delivery(engine->up.arg, envelope->id, &envelope->delivery,
                            credential_of(frame, envelope));
        break;
    default:
        take_control(engine, envelope);
        break;
    }
}

/* A broker we cannot understand: nothing it says next can be trusted to follow. */
static void give_up_session(struct engine *engine, const char *why)
{
    session_lost(engine, why);
    engine->io.reset(engine->io.arg);
}

static void take_envelopes(struct engine *engine, struct wire_frame *frame)
{
    struct wire_envelope envelope;
    uint32_t session = engine->session;
    int more = 0;
    while (session == engine->session && (more = wire_next(frame, &envelope, &engine->arena)) == 1)
        take_envelope(engine, frame, &envelope);
    if (more < 0 && session == engine->session)
        give_up_session(engine, "the broker sent a malformed envelope");
}

static void take_held(struct engine *engine)
{
    uint32_t session = engine->session;
    struct buf held = {0};
    while (session == engine->session && link_take_held(engine->link, &held)) {
        struct wire_frame frame;
        uint8_t *bytes = arena_alloc(&engine->arena, held.len);
        memcpy(bytes, held.data, held.len);
        struct slice copy = slice_make(bytes, held.len);
        buf_finish(&held);
        if (wire_read_frame(&frame, copy, &engine->arena) == 0)
            take_envelopes(engine, &frame);
    }
}

static void take_frame(struct engine *engine, struct wire_frame *frame)
{
    switch (link_admit(engine->link, frame)) {
    case LINK_DELIVER:
        take_envelopes(engine, frame);
        take_held(engine);
        break;
    case LINK_BROKEN:
        give_up_session(engine, "the broker lost count of our frames");
        break;
    case LINK_NOTHING:
    case LINK_REPEAT:
    case LINK_HELD:
        break;
    }
}

static bool is_of_session(const struct engine *engine, const struct wire_frame *frame)
{
    return engine->state == ENGINE_READY && frame->has_session &&
           memcmp(frame->session, engine->link->session, WIRE_SESSION_BYTES) == 0;
}

void input_take(struct engine *engine, struct slice bytes)
{
    struct wire_frame frame;
    arena_reset(&engine->arena);
    if (wire_read_frame(&frame, bytes, &engine->arena) < 0) {
        if (engine->state == ENGINE_READY)
            give_up_session(engine, "the broker sent a malformed frame");
        else
            engine->io.reset(engine->io.arg);
    } else if (frame.sequence == 0 && frame.n_envelopes > 0) {
        session_take_bare(engine, &frame);
    } else if (is_of_session(engine, &frame)) {
        take_frame(engine, &frame);
    }
}
