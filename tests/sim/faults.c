#include "faults.h"

#include "world.h"

#define BEAT_NS (25 * NS_PER_MS)
#define FREEZE_MAX_MS 1200u
#define DEAD_MAX_MS 600u
#define STALL_MAX_MS 700u
#define CALENDAR_JUMP_MS 4000u

static struct peer *any_peer(struct world *world)
{
    return &world->peers[dice_below(&world->dice, world->n_peers)];
}

static uint64_t within(struct world *world, unsigned most_ms)
{
    return world->now + (1 + dice_below(&world->dice, most_ms)) * NS_PER_MS;
}

static void break_a_pipe(struct world *world)
{
    net_lose(world, any_peer(world)->pipe);
}

/* Only where somebody listens to the heartbeat. */
static void mute_a_pipe(struct world *world)
{
    const struct peer *peer = any_peer(world);
    if (peer->engine)
        net_mute(world, peer->pipe);
}

static void kill_a_peer(struct world *world)
{
    struct peer *peer = any_peer(world);
    if (!peer->alive)
        return;
    peer_kill(peer);
    peer_restart_at(peer, within(world, DEAD_MAX_MS));
}

static void freeze_a_peer(struct world *world)
{
    struct peer *peer = any_peer(world);
    if (peer->alive && peer->frozen_until <= world->now)
        peer_freeze(peer, within(world, FREEZE_MAX_MS));
}

static void kill_the_broker(struct world *world)
{
    bus_kill(world);
}

static void stop_the_broker(struct world *world)
{
    bus_stop(world);
}

static void stall_the_broker(struct world *world)
{
    TRACE(world, "the broker stalls");
    world->bus.frozen_until = within(world, STALL_MAX_MS);
}

static void spoil_the_store(struct world *world)
{
    world->bus.store.fails = !world->bus.store.fails;
    TRACE(world, "the store %s", world->bus.store.fails ? "fails" : "works");
}

static void reload_the_broker(struct world *world)
{
    if (!world->bus.core || world->bus.frozen_until > world->now)
        return;
    TRACE(world, "the broker reloads");
    core_reload(world->bus.core, &world->bus.limits);
}

/* Only ahead: what was judged too late stays so. */
static void jump_ahead(struct world *world)
{
    world->skew_ms += dice_below(&world->dice, CALENDAR_JUMP_MS);
    TRACE(world, "the calendar jumps ahead");
}

static const struct {
    unsigned weight;
    void (*strike)(struct world *world);
} faults[] = {
    {40, break_a_pipe},     {10, mute_a_pipe},    {15, kill_a_peer},     {10, freeze_a_peer},
    {4, kill_the_broker},   {2, stop_the_broker}, {5, stall_the_broker}, {4, spoil_the_store},
    {4, reload_the_broker}, {3, jump_ahead},
};

static void strike(struct world *world)
{
    unsigned sum = 0, at = 0;
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++)
        sum += faults[i].weight;
    for (unsigned left = dice_below(&world->dice, sum); left >= faults[at].weight; at++)
        left -= faults[at].weight;
    faults[at].strike(world);
}

static void beat(struct world *world, void *arg, uint64_t number)
{
    if (world->phase != PHASE_BUSY)
        return;
    if (dice_chance(&world->dice, world->trouble))
        strike(world);
    agenda_add(&world->agenda, world->now + BEAT_NS, beat, arg, number);
}

void faults_begin(struct world *world)
{
    /* Some runs without any: then nothing may be lost at all. */
    world->trouble = dice_chance(&world->dice, 150) ? 0 : dice_below(&world->dice, 400);
    agenda_add(&world->agenda, world->now + 300 * NS_PER_MS, beat, NULL, 0);
}

void faults_mend(struct world *world)
{
    world->bus.store.fails = false;
    for (unsigned i = 0; i < world->n_peers; i++) {
        if (world->peers[i].raw)
            peer_kill(&world->peers[i]);
    }
    TRACE(world, "no more faults");
}
