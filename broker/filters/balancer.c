/* balancer.c - which instance: the one that promises the shortest wait; while none has room, the
 * call waits. The line is bounded, and shared fairly: each tenant has a lane of its own, served
 * by the weight of its tier (policy/fair.h). A call that cannot be in time is refused at once. */
#include "core/placement.h"
#include "core/state.h"
#include "filters/filters.h"

#define SAMPLES_MIN 32u /* fewer answers say little about the next */
#define NS_PER_US UINT64_C(1000)

static uint32_t weight_of(struct core *core, const struct call *call)
{
    return standing_of(core, call->identity)->tier->weight;
}

/* At least so long, as far as can be told: 0 when it cannot. */
static uint64_t expected_wait(const struct service *service, struct slice tenant, uint32_t weight)
{
    const struct pace *pace = &service->pace;
    if (pace->samples < SAMPLES_MIN || service->in_flight == 0)
        return 0;
    uint64_t before = fair_before(&service->waiting, tenant, weight);
    return before * pace_least_us(pace) / service->in_flight * NS_PER_US;
}

static enum verdict refuse_as_late(struct core *core, struct refusal *refusal,
                                   const struct service *service, uint64_t wait, uint64_t left)
{
    unsigned wait_ms = (unsigned)(wait / NS_PER_MS);
    refusal->retry_after_ms = (uint32_t)((wait - left + NS_PER_MS - 1) / NS_PER_MS);
    refusal_detail(refusal, "expected_wait_ms", arena_printf(&core->arena, "%u", wait_ms));
    return refuse(refusal, STATUS_OVERLOADED,
                  arena_printf(&core->arena, "it would wait %u ms for %.*s, longer than it has",
                               wait_ms, SLICE_FMT(service->name)));
}

static const char *line_is_full(struct core *core, const struct service *service)
{
    return arena_printf(&core->arena, "all instances of %.*s are busy and its line is full",
                        SLICE_FMT(service->name));
}

/* False: nobody has a better reason to go than the newcomer. */
static bool make_room(struct core *core, struct service *service, struct slice tenant,
                      uint32_t weight)
{
    if (service->waiting.n < core->limits.queue_length)
        return true;
    struct fair_node *node = fair_displaced(&service->waiting, tenant, weight);
    if (!node)
        return false;
    call_fail(core, LIST_ENTRY(node, struct call, turn), STATUS_OVERLOADED,
              line_is_full(core, service));
    return true;
}

static bool has_room(const struct core *core, struct service *service, struct slice tenant,
                     uint32_t weight)
{
    return service->waiting.n < core->limits.queue_length ||
           fair_displaced(&service->waiting, tenant, weight) != NULL;
}

static enum verdict wait_in_line(struct core *core, struct call *call, struct refusal *refusal)
{
    struct service *service = call->service;
    struct slice tenant = call->identity->tenant;
    uint32_t weight = weight_of(core, call);
    uint64_t left = call->deadline - core->now.mono_ns;
    uint64_t wait = expected_wait(service, tenant, weight);
    if (!placement_possible(service))
        return refuse(
            refusal, STATUS_UNAVAILABLE,
            arena_printf(&core->arena, "no instance of %.*s is there", SLICE_FMT(service->name)));
    if (wait > left)
        return refuse_as_late(core, refusal, service, wait, left);
    if (call->dry ? !has_room(core, service, tenant, weight)
                  : !make_room(core, service, tenant, weight))
        return refuse(refusal, STATUS_OVERLOADED, line_is_full(core, service));
    if (call->dry)
        return VERDICT_WAIT;
    call_keep_request(call);
    call_move(call, CALL_WAITING);
    fair_push(&service->waiting, tenant, weight, &call->turn);
    return VERDICT_WAIT;
}

static enum verdict on_request(struct core *core, struct call *call, struct refusal *refusal)
{
    if (call->service->builtin)
        return VERDICT_PASS;
    call->instance = placement_choose(core, call->service);
    return call->instance ? VERDICT_PASS : wait_in_line(core, call, refusal);
}

const struct filter filter_balancer = {
    .name = "balancer",
    .needs = FACT_DEADLINE | FACT_IDENTITY | FACT_SERVICE | FACT_ENTITLED,
    .request = on_request,
};
