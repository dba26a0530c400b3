#include "peer.h"

#include "base/mem.h"
#include "work.h"
#include "world.h"

#include <stdio.h>

#define DIAL_MAX_NS (30 * NS_PER_MS)
#define DIAL_AGAIN_NS (20 * NS_PER_MS)
#define FAIL_MAX_NS (3 * NS_PER_MS)
#define GREET_TIMEOUT_NS (300 * NS_PER_MS)

bool peer_stale(const struct peer *peer, uint64_t stamp)
{
    return !peer->alive || peer->life != stamp >> 32;
}

bool peer_postpones(struct world *world, struct peer *peer, agenda_fn *run, void *arg,
                    uint64_t number)
{
    if (!peer->alive || peer->frozen_until <= world->now)
        return false;
    agenda_add(&world->agenda, peer->frozen_until, run, arg, number);
    return true;
}

bool peer_ready(const struct peer *peer)
{
    return peer->alive &&
           (peer->engine ? engine_state(peer->engine) == ENGINE_READY : peer->pipe != 0);
}

/* ---- the transport: sending ---- */

unsigned peer_free_slot(const struct peer *peer)
{
    unsigned slot = 0;
    while (slot < PEER_SLOTS && peer->slots[slot].busy)
        slot++;
    return slot;
}

/* Without a connection nng keeps a request until there is one. */
void peer_send(struct peer *peer, unsigned number, struct slice frame)
{
    struct peer_slot *slot = &peer->slots[number];
    slot->busy = true;
    slot->serial = ++peer->serials;
    slot->pipe = peer->pipe;
    if (peer->pipe) {
        net_send(peer->world, peer->pipe, number, slot->serial, frame);
    } else {
        slot->waiting.len = 0;
        buf_append(&slot->waiting, frame.data, frame.len);
    }
}

static void send_waiting(struct peer *peer)
{
    for (unsigned i = 0; i < PEER_SLOTS; i++) {
        struct peer_slot *slot = &peer->slots[i];
        if (!slot->busy || slot->pipe != 0)
            continue;
        slot->pipe = peer->pipe;
        SAW(peer->world, QUEUED_SEND);
        net_send(peer->world, peer->pipe, i, slot->serial, buf_slice(&slot->waiting));
    }
}

/* ---- the transport: what it tells ---- */

static void tell_failed(struct peer *peer, unsigned slot)
{
    peer->slots[slot].busy = false;
    if (peer->raw)
        peer->raw->failed(peer->world, peer, slot);
    else
        engine_failed(peer->engine, slot, peer->world->now);
}

static void fails_later(struct world *world, void *arg, uint64_t stamp)
{
    struct peer *peer = arg;
    unsigned slot = stamp & 0xff;
    if (peer_stale(peer, stamp) || peer_postpones(world, peer, fails_later, arg, stamp))
        return;
    if (peer->slots[slot].busy &&
        (peer->slots[slot].serial & 0xffffff) == (stamp >> 8 & 0xffffff)) {
        SAW_IF(peer->pipe != 0, world, STALE_FAILURE);
        tell_failed(peer, slot);
    }
}

/* Exchanges of a lost pipe fail before or after its loss is told, even behind the next one. */
static void fail_exchanges(struct peer *peer, uint32_t pipe, bool now)
{
    struct world *world = peer->world;
    for (unsigned i = 0; i < PEER_SLOTS; i++) {
        const struct peer_slot *slot = &peer->slots[i];
        if (!slot->busy || slot->pipe != pipe)
            continue;
        uint32_t which = (uint32_t)(slot->serial & 0xffffff) << 8 | i;
        if (now && dice_chance(&world->dice, 500))
            tell_failed(peer, i);
        else if (!now)
            agenda_add(&world->agenda, world->now + dice_below(&world->dice, FAIL_MAX_NS),
                       fails_later, peer, peer_stamp(peer, which));
    }
}

static void dial(struct world *world, void *arg, uint64_t stamp);

static void dial_later(struct peer *peer, uint64_t after)
{
    struct world *world = peer->world;
    agenda_add(&world->agenda, world->now + after + dice_below(&world->dice, DIAL_MAX_NS), dial,
               peer, peer_stamp(peer, 0));
}

void peer_pipe_lost(struct world *world, void *arg, uint64_t number)
{
    struct peer *peer = arg;
    uint32_t pipe = (uint32_t)number;
    if (world->net.pipes[pipe].life != peer->life || peer->pipe != pipe || !peer->alive ||
        peer_postpones(world, peer, peer_pipe_lost, arg, number))
        return;
    TRACE(world, "%s notices the loss of pipe %u", peer->user->name, pipe);
    peer->pipe = 0;
    fail_exchanges(peer, pipe, true);
    if (peer->engine)
        engine_pipe_down(peer->engine, world->now);
    fail_exchanges(peer, pipe, false);
    dial_later(peer, 0);
}

static void connected(struct world *world, void *arg, uint64_t number)
{
    struct peer *peer = arg;
    uint32_t pipe = (uint32_t)number;
    if (world->net.pipes[pipe].life != peer->life || !peer->alive ||
        peer_postpones(world, peer, connected, arg, number))
        return;
    peer->pipe = pipe; /* even if it is gone by now: that is told later */
    TRACE(world, "%s is connected by pipe %u", peer->user->name, pipe);
    send_waiting(peer);
    if (peer->raw)
        peer->raw->up(world, peer);
    else
        engine_pipe_up(peer->engine, world->now);
    if (!world->net.pipes[pipe].alive)
        agenda_add(&world->agenda, world->now + 1000, peer_pipe_lost, peer, pipe);
}

static void dial(struct world *world, void *arg, uint64_t stamp)
{
    struct peer *peer = arg;
    if (peer_stale(peer, stamp) || peer_postpones(world, peer, dial, arg, stamp))
        return;
    if (!world->bus.core) {
        dial_later(peer, DIAL_AGAIN_NS);
        return;
    }
    uint32_t pipe = net_open(world, peer);
    agenda_add(&world->agenda, world->now + dice_below(&world->dice, 500000), connected, peer,
               pipe);
}

void peer_answered(struct world *world, struct peer *peer, struct exchange *exchange)
{
    struct peer_slot *slot = &peer->slots[exchange->slot];
    if (!peer->alive || !slot->busy || slot->serial != exchange->serial)
        return;
    slot->busy = false;
    trace_number(&world->trace, world->now ^ exchange->pipe);
    observe_frame(world, peer, buf_slice(&exchange->bytes));
    if (peer->raw)
        peer->raw->answer(world, peer, exchange->slot, buf_slice(&exchange->bytes));
    else
        engine_answer(peer->engine, exchange->slot, buf_slice(&exchange->bytes), world->now);
}

/* ---- the engine ---- */

static void on_send(void *arg, unsigned exchange, struct slice frame)
{
    struct peer *peer = arg;
    if (peer->slots[exchange].busy)
        promise_broken(peer->world, PROMISE_EXCHANGES, "the engine uses a busy exchange");
    peer_send(peer, exchange, frame);
}

static void on_reset(void *arg)
{
    struct peer *peer = arg;
    TRACE(peer->world, "%s resets pipe %u", peer->user->name, peer->pipe);
    net_lose(peer->world, peer->pipe);
}

static void on_random(void *arg, void *out, size_t len)
{
    struct peer *peer = arg;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = (uint8_t)dice_next(&peer->world->entropy);
}

static void tick(struct world *world, void *arg, uint64_t stamp)
{
    struct peer *peer = arg;
    if (peer_stale(peer, stamp) || peer_postpones(world, peer, tick, arg, stamp))
        return;
    engine_tick(peer->engine, world->now);
    agenda_add(&world->agenda, world->now + TICK_NS, tick, peer, stamp);
}

static void create_engine(struct peer *peer)
{
    const struct engine_options options = {.token = peer->user->token,
                                           .name = peer->user->name,
                                           .client = "simulated",
                                           .greet_timeout_ns = GREET_TIMEOUT_NS};
    const struct engine_io io = {
        .arg = peer, .send = on_send, .reset = on_reset, .random = on_random};
    const struct engine_upcalls upcalls = work_upcalls(peer);
    peer->engine = engine_create(&options, &io, &upcalls, peer->world->now);
    agenda_add(&peer->world->agenda, peer->world->now + TICK_NS, tick, peer, peer_stamp(peer, 0));
}

/* ---- life ---- */

void peer_start(struct peer *peer)
{
    if (peer->alive)
        return;
    peer->alive = true;
    peer->life++;
    peer->session++;
    peer->greeted = false;
    peer->refused_at = 0;
    TRACE(peer->world, "%s starts, life %u", peer->user->name, peer->life);
    if (!peer->raw)
        create_engine(peer);
    dial_later(peer, 0);
    work_born(peer);
}

static void forget_transport(struct peer *peer)
{
    peer->pipe = 0;
    peer->frozen_until = 0;
    for (unsigned i = 0; i < PEER_SLOTS; i++)
        peer->slots[i].busy = false;
}

void peer_kill(struct peer *peer)
{
    if (!peer->alive)
        return;
    TRACE(peer->world, "%s is killed", peer->user->name);
    peer->alive = false;
    engine_destroy(peer->engine);
    peer->engine = NULL;
    for (uint32_t pipe = 1; pipe < peer->world->net.n_pipes; pipe++) {
        if (peer->world->net.pipes[pipe].peer == peer)
            net_lose(peer->world, pipe);
    }
    forget_transport(peer);
}

static void start_again(struct world *world, void *arg, uint64_t number)
{
    struct peer *peer = arg;
    (void)number;
    if (world->phase == PHASE_BUSY || !peer->raw)
        peer_start(peer);
}

void peer_restart_at(struct peer *peer, uint64_t at)
{
    agenda_add(&peer->world->agenda, at, start_again, peer, 0);
}

void peer_freeze(struct peer *peer, uint64_t until)
{
    TRACE(peer->world, "%s is stopped for %llu ms", peer->user->name,
          (unsigned long long)((until - peer->world->now) / NS_PER_MS));
    peer->frozen_until = peer->thawed_at = until;
    SAW_IF(until - peer->world->now > 3 * peer->world->bus.limits.heartbeat_ms * NS_PER_MS,
           peer->world, FROZEN_LONG);
}

void peer_finish(struct peer *peer)
{
    engine_destroy(peer->engine);
    for (unsigned i = 0; i < PEER_SLOTS; i++)
        buf_finish(&peer->slots[i].waiting);
}
