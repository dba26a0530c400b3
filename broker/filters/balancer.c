/* balancer.c - which instance: the least loaded with room; while none has any, the call
 * waits in a bounded line until its deadline. */
#include "core/placement.h"
#include "core/state.h"
#include "filters/filters.h"

static enum verdict wait_in_line(struct core *core, struct call *call, struct refusal *refusal)
{
    struct service *service = call->service;
    if (!placement_possible(service))
        return refuse(
            refusal, STATUS_UNAVAILABLE,
            arena_printf(&core->arena, "no instance of %.*s is there", SLICE_FMT(service->name)));
    if (service->n_waiting >= core->limits.queue_length)
        return refuse(refusal, STATUS_OVERLOADED,
                      arena_printf(&core->arena,
                                   "all instances of %.*s are busy and its line is full",
                                   SLICE_FMT(service->name)));
    call_keep_request(call);
    call_move(call, CALL_WAITING);
    list_push(&service->waiting, &call->by_place);
    service->n_waiting++;
    return VERDICT_WAIT;
}

static enum verdict on_request(void *state, struct core *core, struct call *call,
                               struct refusal *refusal)
{
    (void)state;
    if (call->service->builtin)
        return VERDICT_PASS;
    call->instance = placement_choose(core, call->service);
    return call->instance ? VERDICT_PASS : wait_in_line(core, call, refusal);
}

const struct filter filter_balancer = {
    .name = "balancer",
    .needs = FACT_DEADLINE | FACT_SERVICE | FACT_ENTITLED,
    .gives = FACT_PLACED,
    .request = on_request,
};
