/* promise_orders.c - breakers obey: one that is forced open lets nothing through until it is told
 * otherwise, by the next broker neither, and a reset ends that. */
#include "core/state.h"
#include "errands.h"
#include "work.h"
#include "world.h"

#include <stdio.h>

/* Given before the kill, and not on disk by then: it may be forgotten. */
#define UNKEPT_NS (STORE_COMMITS_NS + NS_PER_MS)

typedef const struct order order_t;

static bool same_breaker(order_t *a, order_t *b)
{
    return a->service == b->service && a->owner == b->owner && a->tenant == b->tenant;
}

static bool is_done(order_t *order)
{
    return order->errand.state == ERRAND_DONE;
}

/* It was carried out before the other one, or never will be. What one broker was asked and did not
 * answer is lost with it. */
static bool is_settled(order_t *order, order_t *by)
{
    const struct errand *errand = &order->errand;
    bool lost = errand->state == ERRAND_UNKNOWN && errand->over_in < by->errand.made_in;
    return errand->state == ERRAND_REFUSED || lost ||
           (is_done(order) && errand_precedes(errand, &by->errand));
}

/* The last word on that breaker at that time, if it is certain. */
static bool is_last(const struct errands *errands, order_t *order)
{
    for (unsigned i = 0; i < errands->n_orders; i++) {
        order_t *other = &errands->orders[i];
        if (other != order && same_breaker(other, order) && !is_settled(other, order) &&
            other->kind != order->kind)
            return false;
    }
    return is_done(order) && !order->shaky;
}

/* ---- from outside ---- */

static void on_served(struct world *world, struct peer *peer, const struct serving *serving)
{
    const struct errands *errands = &world->errands;
    const struct called *called = serving->called;
    if (!called)
        return;
    for (unsigned i = 0; i < errands->n_orders; i++) {
        order_t *order = &errands->orders[i];
        bool concerns = order->kind == ORDER_OPEN && order->service == called->service &&
                        order->owner == peer->user->tenant &&
                        (order->tenant == TENANTS || order->tenant == called->user->tenant);
        if (concerns && is_done(order) && order->errand.over_at < called->made_at &&
            is_last(errands, order))
            promise_broken(world, PROMISE_ORDERED, "call %u came through to %s, forced open by %u",
                           serving->number, peer->user->name, order->errand.call);
    }
}

static bool keeps_away(order_t *order, const struct called *called)
{
    return order->kind == ORDER_OPEN && is_done(order) && order->service == called->service &&
           order->tenant == called->user->tenant && order->errand.over_at < called->made_at;
}

static void note_refusal(struct world *world, const struct called *called)
{
    const struct errands *errands = &world->errands;
    for (unsigned i = 0; i < errands->n_orders; i++)
        SAW_IF(keeps_away(&errands->orders[i], called) && is_last(errands, &errands->orders[i]),
               world, KEPT_AWAY);
}

/* ---- from inside ---- */

/* NULL: there is none. */
static const struct breaker *breaker_of(const struct world *world, order_t *order)
{
    struct slice owner = slice_of(order->owner == INFRA ? NULL : tenant_names[order->owner]);
    const struct service *service =
        registry_find(world->bus.core, owner, slice_of(service_names[order->service]));
    if (!service)
        return NULL;
    if (order->tenant == TENANTS)
        return &service->breakers.whole.breaker;
    const struct guard *guard =
        map_get(&service->breakers.tenants, slice_of(tenant_names[order->tenant]));
    return guard ? &guard->breaker : NULL;
}

static void is_obeyed(struct world *world, order_t *order)
{
    static const struct breaker none = {0};
    const struct breaker *breaker = breaker_of(world, order);
    breaker = breaker ? breaker : &none;
    bool fits = order->kind == ORDER_RESET ? !breaker->forced
                                           : breaker->forced && (breaker->state == BREAKER_OPEN) ==
                                                                    (order->kind == ORDER_OPEN);
    if (!fits)
        promise_broken(world, PROMISE_ORDERED, "the breaker of %s is %s%s, in spite of call %u",
                       service_names[order->service], breaker->forced ? "forced " : "",
                       breaker_state_text(breaker->state), order->errand.call);
    SAW_IF(order->kind != ORDER_RESET && order->errand.over_in < world->bus.boot, world,
           ORDER_OUTLIVED);
}

static void all_are_obeyed(struct world *world)
{
    const struct errands *errands = &world->errands;
    for (unsigned i = 0; world->bus.core && i < errands->n_orders; i++) {
        if (is_last(errands, &errands->orders[i]))
            is_obeyed(world, &errands->orders[i]);
    }
}

static void on_answered(struct world *world, struct peer *peer, unsigned number,
                        const struct wire_reply *reply)
{
    const struct called *called = &world->books.calls[number];
    (void)peer;
    if (reply->status == STATUS_BREAKER_OPEN && !called->builtin)
        note_refusal(world, called);
}

static void on_turn(struct world *world)
{
    if (world->errands.restored == world->bus.boot)
        return;
    world->errands.restored = world->bus.boot;
    all_are_obeyed(world);
}

/* What is not yet on disk may be forgotten (docs/policy.md). */
static void on_destroyed(struct world *world)
{
    struct errands *errands = &world->errands;
    uint64_t refused_at = world->bus.store.refused_at;
    for (unsigned i = 0; i < errands->n_orders; i++) {
        struct order *order = &errands->orders[i];
        uint64_t since = order->errand.over_at > refused_at ? order->errand.over_at : refused_at;
        if (is_done(order) && order->kind != ORDER_RESET && world->now < since + UNKEPT_NS)
            order->shaky = true;
    }
}

const struct observer observer_orders = {
    .served = on_served,
    .answered = on_answered,
    .turn = on_turn,
    .destroyed = on_destroyed,
    .over = all_are_obeyed,
};
