/* promise_breakers.c - what is spared is spared. Looks inside the core: which calls were let
 * through shows there. */
#include "core/state.h"
#include "world.h"

static bool is_of(const struct guard *guard, const struct call *call)
{
    return call->state == CALL_SERVING && call->started > guard->breaker.since &&
           (guard->tenant.len == 0 || slice_equal(guard->tenant, call->identity->tenant));
}

static unsigned let_through(const struct guard *guard)
{
    const struct service *service = guard->service;
    unsigned n = 0;
    for (uint32_t i = 0; i < service->n_instances; i++) {
        const struct list *head = &service->at[i]->calls;
        for (const struct list *node = head->next; node != head; node = node->next)
            n += is_of(guard, LIST_ENTRY(node, struct call, by_place));
    }
    return n;
}

static void spares(struct world *world, const struct guard *guard)
{
    const struct breaker *breaker = &guard->breaker;
    unsigned most = breaker->state == BREAKER_OPEN ? 0 : breaker->trying;
    bool whole = guard->tenant.len == 0;
    SAW_IF(whole && breaker->state == BREAKER_OPEN, world, SERVICE_SPARED);
    SAW_IF(!whole && breaker->state == BREAKER_OPEN, world, TENANT_SPARED);
    SAW_IF(breaker->state == BREAKER_HALF_OPEN && breaker->succeeded > 0, world, PROBED);
    if (breaker->state == BREAKER_CLOSED)
        return;
    if (breaker->trying > world->bus.limits.breakers.usual.rules.probes)
        promise_broken(world, PROMISE_SPARED, "%u probes of %s", breaker->trying,
                       guard->service->key);
    if (let_through(guard) > most)
        promise_broken(world, PROMISE_SPARED, "%u calls came through to %s, which is %s",
                       let_through(guard), guard->service->key, breaker_state_text(breaker->state));
}

static bool could_take_more(const struct core *core, const struct instance *instance)
{
    return instance_ready(instance) && instance->in_flight < instance->capacity &&
           !session_full(core, instance->session);
}

/* When all that are left are ejected, they are used. */
static void never_all_are_ejected(struct world *world, const struct service *service)
{
    uint32_t ejected = 0, able = 0;
    for (uint32_t i = 0; i < service->n_instances; i++) {
        ejected += service->at[i]->breaker.ejected;
        able += could_take_more(world->bus.core, service->at[i]);
    }
    SAW_IF(ejected > 0, world, EJECTED);
    if (ejected == service->n_instances && able > 0 && service->waiting.n > 0)
        promise_broken(world, PROMISE_SPARED, "all %u instances of %s are ejected", ejected,
                       service->key);
}

static size_t look_at(struct world *world, const struct service *service,
                      void (*look)(struct world *world, const struct guard *guard))
{
    size_t cursor = 0;
    look(world, &service->breakers.whole);
    for (const struct guard *guard; (guard = map_next(&service->breakers.tenants, &cursor));)
        look(world, guard);
    return service->breakers.tenants.count;
}

static void on_turn(struct world *world)
{
    const struct core *core = world->bus.core;
    size_t cursor = 0, guards = 0;
    for (const struct service *service; (service = map_next(&core->registry.by_key, &cursor));) {
        guards += look_at(world, service, spares);
        never_all_are_ejected(world, service);
    }
    if (guards != core->breakers.n || guards > core->limits.max_breakers)
        promise_broken(world, PROMISE_BOUNDED, "%zu breakers of tenants, %zu are counted", guards,
                       core->breakers.n);
}

static void holds_no_place(struct world *world, const struct guard *guard)
{
    if (guard->breaker.trying > 0)
        promise_broken(world, PROMISE_REST, "%u probes of %s are never over", guard->breaker.trying,
                       guard->service->key);
}

static void on_over(struct world *world)
{
    const struct core *core = world->bus.core;
    size_t cursor = 0;
    for (const struct service *service; (service = map_next(&core->registry.by_key, &cursor));) {
        look_at(world, service, holds_no_place);
        for (uint32_t i = 0; i < service->n_instances; i++) {
            if (service->at[i]->breaker.ejected || service->at[i]->breaker.breaker.trying > 0)
                promise_broken(world, PROMISE_REST, "an instance of %s is never let in again",
                               service->key);
        }
    }
}

const struct observer observer_breakers = {
    .turn = on_turn,
    .over = on_over,
};
