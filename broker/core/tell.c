#include "core/tell.h"

#include "core/outside.h"
#include "core/state.h"

static void add_terms(struct core *core, const struct call *call, struct wire_said *out)
{
    const struct standing *terms = standing_of(core, call->identity);
    const struct month *month = months_find(core, call->identity->tenant);
    uint64_t used = month ? month->calls + month->pending : 0;
    out->tenant = call->identity->tenant;
    out->tier = slice_of(terms->tier->name);
    out->quota_limit = terms->of_tenant->monthly;
    out->quota_remaining = used < out->quota_limit ? out->quota_limit - used : 0;
}

/* Neither a gateway's other users nor whom a service answers wait for those that ask too often. */
static bool may_gather(const struct call *call, const struct wire_reply *reply)
{
    bool too_often = reply->status == STATUS_RATE_LIMITED || reply->status == STATUS_QUOTA_EXCEEDED;
    return too_often && call->identity == call->caller->identity &&
           list_empty(&call->caller->instances);
}

/* What only the broker may say. */
static struct wire_said say(struct core *core, const struct call *call)
{
    struct wire_said out = {
        .request_id = slice_make(call->request_id, call->request_id_len),
        .rate_limit = call->rate_limit,
        .rate_remaining = call->rate_remaining,
    };
    if (call->terms && call->identity)
        add_terms(core, call, &out);
    return out;
}

void tell_part(struct core *core, struct call *call, struct slice payload)
{
    struct wire_part part = {.payload = payload, .index = call->parts++};
    if (call->terms && part.index == 0)
        part.said = say(core, call);
    wire_put_part(session_out(core, call->caller), call->caller_id, &part);
}

void tell_reply(struct core *core, struct call *call, const struct wire_reply *reply)
{
    struct wire_reply out = *reply;
    out.said = say(core, call); /* whatever the service has written there */
    out.replayed = call->replayed;
    if (call->caller) {
        struct wire_out *to = may_gather(call, &out) ? session_out_refusal(core, call->caller)
                                                     : session_out(core, call->caller);
        wire_put_reply(to, call->caller_id, &out);
        if (call->counted)
            call->caller->owed = call->counted;
    } else if (call->exchange) {
        answer_call(core, call, &out);
    }
}
