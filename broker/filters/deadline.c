/* deadline.c - every call has a deadline: what it asks for, bounded by the broker's
 * maximum and by what its parent has left. */
#include "core/state.h"
#include "filters/filters.h"

static uint64_t asked_for(const struct core *core, const struct wire_request *request)
{
    uint64_t ms = request->timeout_ms ? request->timeout_ms : core->limits.default_timeout_ms;
    if (ms > core->limits.max_timeout_ms)
        ms = core->limits.max_timeout_ms;
    return core->now.mono_ns + ms * NS_PER_MS;
}

/* A nested call names the call it is made for. Only the session that serves
 * that call, while it does, may say so. */
static struct call *parent_of(struct core *core, const struct call *call)
{
    struct call *parent = call_find(core, call->request->parent);
    if (parent && parent->state == CALL_SERVING && parent->instance && call->caller &&
        parent->instance->session == call->caller)
        return parent;
    return NULL;
}

static enum verdict on_request(struct core *core, struct call *call, struct refusal *refusal)
{
    call->deadline = asked_for(core, call->request);
    if (call->request->parent) {
        const struct call *parent = parent_of(core, call);
        if (!parent)
            return refuse(refusal, STATUS_CANCELLED, "the call it was made for is over");
        call->depth = parent->depth + 1;
        if (parent->deadline < call->deadline)
            call->deadline = parent->deadline;
    }
    if (call->deadline <= core->now.mono_ns)
        return refuse(refusal, STATUS_DEADLINE_EXCEEDED, "time ran out");
    wheel_arm(&core->wheel, &call->timer, call->deadline);
    return VERDICT_PASS;
}

const struct filter filter_deadline = {
    .name = "deadline",
    .gives = FACT_DEADLINE,
    .request = on_request,
};
