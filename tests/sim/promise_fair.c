/* promise_fair.c - whoever waits for a service gets turns by weight, one by one: while a tenant
 * waits, the turns of another one, each divided by their weight, are ahead of its own by one of
 * each at most. Looks inside the core, since who waits is not seen from outside. */
#include "core/state.h"

#include "world.h"

struct turn {
    struct waiting line[SERVICES][TENANTS];
    unsigned placed[SERVICES][TENANTS]; /* but for those that had had their turn */
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

static void look_at(struct core *core, struct call *call)
{
    if (!call->service || call->service->builtin || !call->identity)
        return;
    unsigned service = service_of(call), tenant = tenant_of(call);
    if (service == SERVICES || tenant == TENANTS)
        return;
    struct waiting *line = &looking->line[service][tenant];
    if (call->state == CALL_WAITING && line->n < QUEUE_MAX)
        line->ids[line->n++] = call->id;
    if (call->state == CALL_SERVING && call->sent == core->now.mono_ns && call->attempts == 1)
        looking->placed[service][tenant]++;
}

static bool is_among(const struct waiting *line, uint64_t id)
{
    for (unsigned i = 0; i < line->n; i++) {
        if (line->ids[i] == id)
            return true;
    }
    return false;
}

static unsigned stayed(const struct waiting *before, const struct waiting *after)
{
    unsigned n = 0;
    for (unsigned i = 0; i < before->n; i++)
        n += is_among(after, before->ids[i]);
    return n;
}

/* Whoever has left may have had a turn. */
static void count_turns(struct world *world, const struct turn *turn, unsigned service,
                        unsigned waits)
{
    const struct waiting *before = &world->fairness.line[service][waits];
    uint64_t *turns = world->fairness.turns[service][waits];
    uint64_t own_weight = cast_terms(&world->cast, waits)->weight;
    unsigned still_wait = stayed(before, &turn->line[service][waits]);
    if (still_wait == 0) {
        memset(turns, 0, sizeof world->fairness.turns[service][waits]);
        return;
    }
    turns[waits] += before->n - still_wait;
    for (unsigned other = 0; other < TENANTS; other++) {
        uint64_t weight = cast_terms(&world->cast, other)->weight;
        if (other == waits || turn->placed[service][other] == 0)
            continue;
        turns[other] += turn->placed[service][other];
        SAW_IF(turns[waits] > 0, world, TOOK_TURNS);
        SAW_IF(turns[waits] > 0 && turns[other] > turns[waits] + 1, world, WEIGHED);
        if (turns[other] * own_weight > weight * turns[waits] + weight + own_weight)
            promise_broken(world, PROMISE_FAIR,
                           "%s, of weight %llu, had %llu turns at %s while %s, of %llu, had %llu",
                           tenant_names[other], (unsigned long long)weight,
                           (unsigned long long)turns[other], service_names[service],
                           tenant_names[waits], (unsigned long long)own_weight,
                           (unsigned long long)turns[waits]);
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

static void remember(struct waiting *line, const struct waiting *now)
{
    line->n = now->n;
    memcpy(line->ids, now->ids, now->n * sizeof *now->ids);
}

static void on_turn(struct world *world)
{
    static struct turn turn;
    memset(turn.placed, 0, sizeof turn.placed);
    for (unsigned at = 0; at < SERVICES * TENANTS; at++)
        turn.line[at / TENANTS][at % TENANTS].n = 0;
    looking = &turn;
    if (somebody_waits(world->bus.core))
        calls_each(world->bus.core, look_at);
    for (unsigned service = 0; service < SERVICES; service++) {
        for (unsigned tenant = 0; tenant < TENANTS; tenant++) {
            count_turns(world, &turn, service, tenant);
            remember(&world->fairness.line[service][tenant], &turn.line[service][tenant]);
        }
    }
}

static void on_destroyed(struct world *world)
{
    memset(&world->fairness, 0, sizeof world->fairness);
}

const struct observer observer_fair = {
    .turn = on_turn,
    .destroyed = on_destroyed,
};
