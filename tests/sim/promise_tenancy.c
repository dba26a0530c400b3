/* promise_tenancy.c - nothing crosses tenants: a canary stands in everything that
 * belongs to one, and every byte that reaches a peer is searched. */
#include "bus.h"
#include "message.h"
#include "world.h"

static const struct slice canary = {(const uint8_t *)CANARY, sizeof CANARY - 1};

/* The tenant whose canary stands at `at`, or TENANTS. */
static unsigned tenant_at(const uint8_t *at)
{
    unsigned tenant = 0;
    while (tenant < TENANTS && memcmp(at, tenant_names[tenant], TENANT_NAME_BYTES) != 0)
        tenant++;
    return tenant;
}

/* Whose canaries are in there: bits. */
static unsigned tenants_in(struct slice bytes)
{
    unsigned found = 0;
    const uint8_t *at = bytes.data, *end = at + bytes.len;
    while ((at = memmem(at, (size_t)(end - at), canary.data, canary.len))) {
        unsigned tenant = TENANTS;
        if (at - bytes.data >= (ptrdiff_t)TENANT_NAME_BYTES)
            tenant = tenant_at(at - TENANT_NAME_BYTES);
        found |= tenant < TENANTS ? 1u << tenant : 0;
        at += canary.len;
    }
    return found;
}

/* Those who serve everyone are known to everyone. */
static unsigned foreign_to(unsigned tenant)
{
    return ~(1u << tenant | 1u << INFRA);
}

static void on_frame(struct world *world, struct peer *peer, struct slice frame)
{
    if (peer->sees_all || (tenants_in(frame) & foreign_to(peer->user->tenant)) == 0)
        return;
    promise_broken(world, PROMISE_TENANCY, "%s of %s was sent bytes of another tenant",
                   peer->user->name, tenant_names[peer->user->tenant]);
}

static void on_fed(struct world *world, struct feed_model *feed, struct slice payload)
{
    feed->tenants |= tenants_in(payload);
    bool mixed = (feed->tenants & (feed->tenants - 1)) != 0;
    if (mixed || (feed->owner && (feed->tenants & ~feed->owner)))
        promise_broken(world, PROMISE_TENANCY, "a feed carried bytes of another tenant");
}

static void on_published(struct world *world, const struct witnessed *entry, struct slice payload)
{
    if (tenants_in(payload) & ~(1u << entry->tenant))
        promise_broken(world, PROMISE_TENANCY, "an event of another tenant is published in %s",
                       tenant_names[entry->tenant]);
}

static void on_served(struct world *world, struct peer *peer, const struct serving *serving)
{
    unsigned tenant = peer->user->tenant;
    if (peer->owns && serving->called && serving->called->user->tenant != tenant)
        promise_broken(world, PROMISE_TENANCY, "%s serves a call of %s", peer->user->name,
                       tenant_names[serving->called->user->tenant]);
}

const struct observer observer_tenancy = {
    .frame = on_frame,
    .fed = on_fed,
    .published = on_published,
    .served = on_served,
};
