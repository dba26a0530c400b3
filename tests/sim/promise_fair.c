/* promise_fair.c - whoever waits for a service gets a turn: while a tenant waits, each other one
 * has no more turns than its weight, until it is the first one's. Looks inside the core, since who
 * waits is not seen from outside. */
#include "core/state.h"

#include "world.h"

struct turn {
    uint64_t line[SERVICES][TENANTS];   /* as in struct fairness */
    uint64_t before[SERVICES][TENANTS]; /* of these, who has not just come */
    unsigned placed[SERVICES][TENANTS];
    unsigned again[SERVICES][TENANTS]; /* of these, those that had had their turn */
    uint32_t weight[TENANTS];          /* of those that were */
};

/* calls_each() hands nothing on. */
static _Thread_local struct turn *looking;

/* SERVICES: not a shared one of ours. */
static unsigned service_of(const struct call *call)
{
    unsigned service = 0;
    while (service < SERVICES && !slice_is(call->service->name, service_names[service]))
        service++;
    return call->service->tenant.len > 0 ? SERVICES : service;
}

static unsigned tenant_of(const struct call *call)
{
    unsigned tenant = 0;
    while (tenant < TENANTS && !slice_is(call->identity->tenant, tenant_names[tenant]))
        tenant++;
    return tenant;
}

static void wait_in_line(const struct core *core, const struct call *call, unsigned service,
                         unsigned tenant)
{
    looking->line[service][tenant] ^= call->id;
    if (call->started < core->now.mono_ns)
        looking->before[service][tenant] ^= call->id;
}

static void look_at(struct core *core, struct call *call)
{
    if (!call->service || call->service->builtin || !call->identity)
        return;
    unsigned service = service_of(call), tenant = tenant_of(call);
    if (service == SERVICES || tenant == TENANTS)
        return;
    if (call->state == CALL_WAITING)
        wait_in_line(core, call, service, tenant);
    if (call->state != CALL_SERVING || call->sent != core->now.mono_ns)
        return;
    looking->placed[service][tenant]++;
    looking->again[service][tenant] += call->attempts > 1;
    uint32_t weight = standing_of(core, call->identity)->tier->weight;
    looking->weight[tenant] = weight ? weight : 1;
}

static void count_turns(struct world *world, const struct turn *turn, unsigned service,
                        unsigned waits)
{
    struct fairness *fairness = &world->fairness;
    unsigned *passed = fairness->passed[service][waits];
    uint64_t line = fairness->line[service][waits];
    bool still_waits = line && line == turn->before[service][waits]; /* nobody had a turn */
    for (unsigned other = 0; other < TENANTS; other++) {
        if (other == waits)
            continue;
        SAW_IF(passed[other] > 0 && turn->placed[service][waits] > 0, world, TOOK_TURNS);
        if (!still_waits || turn->placed[service][waits] > 0)
            passed[other] = 0;
        else
            passed[other] += turn->placed[service][other] - turn->again[service][other];
        if (passed[other] > turn->weight[other] && turn->placed[service][other] > 0)
            promise_broken(world, PROMISE_FAIR, "%s had %u turns at %s while %s waited",
                           tenant_names[other], passed[other], service_names[service],
                           tenant_names[waits]);
    }
}

static bool somebody_waits(struct core *core)
{
    size_t cursor = 0;
    for (struct service *service; (service = map_next(&core->registry.by_key, &cursor));) {
        if (service->waiting.n > 0)
            return true;
    }
    return false;
}

static void on_turn(struct world *world)
{
    struct turn turn = {0};
    looking = &turn;
    if (somebody_waits(world->bus.core))
        calls_each(world->bus.core, look_at);
    for (unsigned service = 0; service < SERVICES; service++) {
        for (unsigned tenant = 0; tenant < TENANTS; tenant++)
            count_turns(world, &turn, service, tenant);
    }
    memcpy(world->fairness.line, turn.line, sizeof turn.line);
}

static void on_destroyed(struct world *world)
{
    world->fairness = (struct fairness){0};
}

const struct observer observer_fair = {
    .turn = on_turn,
    .destroyed = on_destroyed,
};
