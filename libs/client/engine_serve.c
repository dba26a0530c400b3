/* engine_serve.c - requests the broker has given us to answer. */
#include "client/engine_parts.h"

/* Values of engine.served: a request needs no more than whether it is still wanted. */
static char wanted, unwanted;

void serve_request(struct engine *engine, const struct wire_envelope *envelope,
                   struct slice credential)
{
    map_put_u64(&engine->served, envelope->id, &wanted);
    engine->up.request(engine->up.arg, envelope->id, &envelope->request, credential);
}

void serve_cancel(struct engine *engine, uint64_t id)
{
    if (map_get_u64(&engine->served, id) != &wanted)
        return;
    map_put_u64(&engine->served, id, &unwanted);
    engine->up.cancel(engine->up.arg, id);
}

void serve_forget_all(struct engine *engine)
{
    map_finish(&engine->served);
    map_init(&engine->served);
}

/* A reply over the limit would cost the session; its caller is told instead. */
static const struct wire_reply too_large = {
    .status = STATUS_TOO_LARGE,
    .message = {(const uint8_t *)"the reply is over the limit", 27},
};

bool engine_reply(struct engine *engine, uint64_t id, const struct wire_reply *reply)
{
    if (!map_remove_u64(&engine->served, id))
        return false;
    if (reply->payload.len > WIRE_PAYLOAD_MAX)
        reply = &too_large;
    wire_put_reply(link_out(engine->link), id, reply);
    engine_flush(engine);
    return true;
}

bool engine_part(struct engine *engine, uint64_t id, const struct wire_part *part)
{
    if (map_get_u64(&engine->served, id) != &wanted || part->payload.len > WIRE_PAYLOAD_MAX)
        return false;
    wire_put_part(link_out(engine->link), id, part);
    engine_flush(engine);
    return true;
}
