#include "core/outside.h"

#include "core/state.h"

static void answer_out(struct core *core, struct exchange *exchange, struct wire_out *out,
                       const struct call *call)
{
    struct slice frame = wire_seal_frame(out, &(struct wire_head){0});
    core->stats.frames_out++;
    core->stats.bytes_out += frame.len;
    hold_answer(core, exchange, call && call->pipe ? call->pipe->id : 0, frame,
                call ? call->counted : 0);
    wire_out_finish(out);
}

void answer_call(struct core *core, const struct call *call, const struct wire_reply *reply)
{
    struct wire_out out;
    wire_out_init(&out);
    wire_put_reply(&out, call->caller_id, reply);
    answer_out(core, call->exchange, &out, call);
}

void answer_reply(struct core *core, struct exchange *exchange, uint64_t id,
                  const struct wire_reply *reply)
{
    struct wire_out out;
    wire_out_init(&out);
    wire_put_reply(&out, id, reply);
    answer_out(core, exchange, &out, NULL);
}

void answer_control(struct core *core, struct exchange *exchange, uint64_t id, enum wire_kind kind,
                    const ProtobufCMessage *body)
{
    struct wire_out out;
    wire_out_init(&out);
    wire_put_control(&out, id, 0, kind, body);
    answer_out(core, exchange, &out, NULL);
}

void answer_error(struct core *core, struct exchange *exchange, enum status status,
                  const char *message)
{
    Farebox__V1__Error error = FAREBOX__V1__ERROR__INIT;
    error.status = (Farebox__V1__Status)status;
    error.message = (char *)(uintptr_t)message;
    answer_control(core, exchange, 0, WIRE_ERROR, &error.base);
}
