/* work_orders.c - breakers are ordered about: forced open, forced closed, reset. */
#include "work_errands.h"
#include "world.h"

#include "builtin/packing.h"

#include <stdio.h>

#define AGAIN_NS (100 * NS_PER_MS)

static const char *const methods[ORDER_KINDS] = {"reset", "force-open", "force-close"};

static void give(struct peer *peer, struct order order)
{
    struct world *world = peer->world;
    struct errands *errands = &world->errands;
    const struct user *user = peer->user;
    struct buf payload = {0};
    msgpack_packer packer;
    char key[32];
    if (errands->n_orders == ERRANDS_MAX)
        return;
    order.errand = errand_next(world);
    errands->orders[errands->n_orders++] = order;
    bool shared = order.owner == INFRA;
    unsigned whose = order.tenant < TENANTS || shared ? order.tenant : order.owner;
    snprintf(key, sizeof key, "%s%s%s", shared ? "" : tenant_names[order.owner], shared ? "" : "/",
             service_names[order.service]);
    packing_init(&packer, &payload);
    msgpack_pack_map(&packer, order.tenant < TENANTS ? 2 : 1);
    pack_pair_text(&packer, "service", slice_of(key));
    if (order.tenant < TENANTS)
        pack_pair_text(&packer, "tenant", slice_of(tenant_names[order.tenant]));
    TRACE(world, "breaker of %s, tenant %u", key, order.tenant);
    errand_ask(peer, &(struct asking){.service = "bus.breakers",
                                      .method = methods[order.kind],
                                      .payload = buf_slice(&payload),
                                      .forbidden = !user->operator_ &&
                                                   (!user->admin || whose != user->tenant)});
    buf_finish(&payload);
}

/* Mostly one tenant's breaker at a service of everybody's. */
static void draw_breaker(struct peer *peer, struct order *order)
{
    struct world *world = peer->world;
    struct dice *dice = &world->dice;
    unsigned tenant = peer->user->operator_ || dice_chance(dice, 50)
                          ? dice_below(dice, world->cast.n_tenants)
                          : peer->user->tenant;
    unsigned where = dice_below(dice, 100);
    order->service = dice_below(dice, VAULT + 1);
    order->owner = where < 75 ? INFRA : tenant;
    order->tenant = where < 60 ? tenant : TENANTS;
}

static enum order_kind draw_kind(struct dice *dice)
{
    unsigned kind = dice_below(dice, 100);
    return kind < 45 ? ORDER_OPEN : kind < 90 ? ORDER_RESET : ORDER_CLOSE;
}

void work_order(struct peer *peer)
{
    struct world *world = peer->world;
    const struct errands *errands = &world->errands;
    struct order order = {.kind = draw_kind(&world->dice)};
    if (errands->n_orders >= ERRANDS_MAX / 2) /* the end needs some */
        return;
    draw_breaker(peer, &order);
    bool again = order.kind == ORDER_RESET && errands->n_orders > 0 && peer->user->operator_;
    if (again && dice_chance(&world->dice, 900)) {
        order = errands->orders[dice_below(&world->dice, errands->n_orders)];
        order.kind = ORDER_RESET;
        order.shaky = false;
    }
    give(peer, order);
}

/* ---- at the end ---- */

static bool same_breaker(const struct order *a, const struct order *b)
{
    return a->service == b->service && a->owner == b->owner && a->tenant == b->tenant;
}

/* Has it been reset since, or is it about to be? */
static bool is_reset(const struct errands *errands, unsigned number)
{
    const struct order *order = &errands->orders[number];
    unsigned from = number < errands->resets_from ? errands->resets_from : number + 1;
    for (unsigned i = from; i < errands->n_orders; i++) {
        const struct order *later = &errands->orders[i];
        bool done = later->errand.state == ERRAND_DONE || later->errand.state == ERRAND_OPEN ||
                    later->errand.status == STATUS_SERVICE_NOT_FOUND;
        if (later->kind == ORDER_RESET && same_breaker(order, later) && done)
            return true;
    }
    return false;
}

static struct peer *operator_of(struct world *world)
{
    unsigned i = 0;
    while (!world->peers[i].user->operator_)
        i++;
    return &world->peers[i];
}

static void reset_all(struct world *world, void *arg, uint64_t number)
{
    struct peer *peer = operator_of(world);
    const struct errands *errands = &world->errands;
    if (world->phase != PHASE_HEALING)
        return;
    for (unsigned i = 0; peer_ready(peer) && i < errands->n_orders; i++) {
        if (errands->orders[i].kind == ORDER_RESET || is_reset(errands, i))
            continue;
        struct order order = errands->orders[i];
        order.kind = ORDER_RESET;
        order.shaky = false;
        give(peer, order);
    }
    agenda_add(&world->agenda, world->now + AGAIN_NS, reset_all, arg, number);
}

void work_reset_all(struct world *world)
{
    world->errands.resets_from = world->errands.n_orders;
    reset_all(world, NULL, 0);
}
