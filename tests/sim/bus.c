#include "bus.h"

#include "base/mem.h"
#include "bus_io.h"
#include "peer.h"
#include "world.h"

#include <stdio.h>

#define TURN_DELAY_MAX_NS 200000u
#define TURN_FRAMES 64u
#define RESTART_MAX_NS (400 * NS_PER_MS)
#define DRAIN_NS (300 * NS_PER_MS)
#define TIMER_GRAIN_NS NS_PER_MS /* the door's thread sleeps no finer */

/* ---- limits ---- */

static void draw_times(struct dice *dice, struct limits *limits)
{
    limits->heartbeat_ms = (uint32_t)dice_between(dice, 100, 900);
    limits->grace_ms = dice_chance(dice, 150) ? 0 : (uint32_t)dice_between(dice, 50, 900);
    limits->default_timeout_ms = (uint32_t)dice_between(dice, 300, 1500);
    limits->max_timeout_ms = (uint32_t)dice_between(dice, 800, 2500);
    limits->silent_pipe_ms = (uint32_t)dice_between(dice, 200, 1000);
}

/* More than there are: none is forgotten before the end. */
static void allow_answers(struct limits *limits)
{
    limits->max_answers = 65536;
    limits->answers_bytes = (size_t)1 << 30;
    limits->answer_ttl_ms = 24 * 3600000u;
}

/* Quick to open, and to close before all is to be well. */
static void draw_breakers(struct dice *dice, struct limits *limits)
{
    struct breaker_rules *rules = &limits->breakers.usual.rules;
    rules->window_ms = (uint32_t)dice_between(dice, 200, 3000);
    rules->minimum_calls = 1 + dice_below(dice, 6);
    rules->failure_percent = dice_chance(dice, 100) ? 0 : (uint32_t)dice_between(dice, 20, 80);
    rules->slow_percent = (uint32_t)dice_between(dice, 50, 100);
    rules->slow_ms = (uint32_t)dice_between(dice, 100, 900);
    rules->open_ms = (uint32_t)dice_between(dice, 10, 200);
    rules->open_most_ms = 2 * rules->open_ms;
    rules->probes = 1 + dice_below(dice, 3);
    limits->breakers.usual.eject_percent = 50;
    limits->max_breakers = 1 + dice_below(dice, 8);
}

/* A minute is longer than a run: what is used up stays so, but for the calendar's jumps. */
static void draw_rates(struct world *world)
{
    struct limits *limits = &world->bus.limits;
    char why[LINE_WHY_BYTES], line[80];
    char *lines[] = {line};
    limits->max_limited_users = 4096;
    if (world->seed % 2 == 0)
        return;
    snprintf(line, sizeof line, "%s/%s of=user per-minute=%u", service_names[LIMITED_SERVICE],
             method_names[LIMITED_METHOD], 2 + (unsigned)(world->seed / 2 % 4));
    (void)rate_table_read(&limits->rates, lines, 1, why);
}

/* Edges are hit when there is little of everything. */
static void draw_limits(struct world *world)
{
    struct dice *dice = &world->dice;
    struct limits *limits = &world->bus.limits;
    bool tight = dice_chance(dice, 400);
    draw_times(dice, limits);
    limits->max_payload_bytes = (uint32_t)dice_between(dice, 1500, world->bulk ? 60000 : 5000);
    limits->outbox_bytes = dice_between(dice, 6000, world->bulk ? 3000000 : tight ? 12000 : 200000);
    limits->max_sessions = PEERS_MAX + dice_below(dice, 20);
    limits->max_calls = tight ? (uint32_t)dice_between(dice, 12, 60) : 4096;
    limits->queue_length = tight ? dice_below(dice, 6) : QUEUE_MAX;
    limits->default_capacity = tight ? 1 + dice_below(dice, 4) : 64;
    limits->call_depth = 1 + dice_below(dice, 5);
    limits->max_subscriptions = 2 + dice_below(dice, 12);
    limits->max_services = 16 + dice_below(dice, 40);
    limits->max_instances = 4 * limits->max_services;
    limits->max_feeds = 4 * TENANTS + dice_below(dice, 4); /* a quarter is for one tenant */
    limits->durability = dice_chance(dice, 250) ? DURABILITY_POWER : DURABILITY_CRASH;
    limits->max_identities = 16 + dice_below(dice, 64);
    limits->max_revoked = 64;
    allow_answers(limits);
    draw_breakers(dice, limits);
    draw_rates(world);
    terms_put(world->cast.terms, &limits->tiers);
}

void bus_init(struct world *world)
{
    list_init(&world->bus.inbox);
    draw_limits(world);
}

void bus_finish(struct world *world)
{
    struct bus *bus = &world->bus;
    core_destroy(bus->core);
    bus->core = NULL;
    for (struct list *node; (node = list_first(&bus->inbox));)
        exchange_free(LIST_ENTRY(node, struct exchange, node));
    bus_store_finish(&bus->store);
    mem_free(bus->events);
    mem_free(bus->log);
}

/* ---- turns ---- */

static void take_events(struct bus *bus)
{
    for (size_t i = 0; i < bus->n_events; i++) {
        uint32_t pipe = (uint32_t)(bus->events[i] / 2);
        if (bus->events[i] % 2)
            core_pipe_opened(bus->core, pipe);
        else
            core_pipe_lost(bus->core, pipe);
    }
    bus->n_events = 0;
}

static void give_to_core(struct world *world, struct exchange *exchange)
{
    struct buf bytes = exchange->bytes; /* the core may answer, and free, the exchange */
    exchange->bytes = (struct buf){0};
    exchange->held = true;
    world->net.held++;
    world->net.pipes[exchange->pipe].held++;
    list_remove(&exchange->node);
    list_push(&world->net.exchanges, &exchange->node);
    trace_number(&world->trace, world->now);
    trace_bytes(&world->trace, bytes.data, bytes.len);
    core_frame(world->bus.core, exchange, exchange->pipe, buf_slice(&bytes));
    buf_finish(&bytes);
}

static void take_frames(struct world *world)
{
    struct bus *bus = &world->bus;
    unsigned most = 1 + dice_below(&world->dice, TURN_FRAMES);
    for (struct list *node; most-- > 0 && (node = list_first(&bus->inbox));)
        give_to_core(world, LIST_ENTRY(node, struct exchange, node));
}

static void plan_next(struct world *world)
{
    struct bus *bus = &world->bus;
    if (bus->n_events > 0 || !list_empty(&bus->inbox)) {
        bus_plan_turn(world, world->now + 1000);
        return;
    }
    uint64_t due = core_next_due(bus->core), soonest = world->now + TIMER_GRAIN_NS;
    if (due != UINT64_MAX)
        bus_plan_turn(world, due > soonest ? due : soonest);
}

static void leave_if_drained(struct world *world);

static void turn(struct world *world, void *arg, uint64_t planned)
{
    struct bus *bus = &world->bus;
    (void)arg;
    if (!bus->core || bus->turn_at != planned)
        return;
    bus->turn_at = 0;
    if (bus->frozen_until > world->now) {
        bus_plan_turn(world, bus->frozen_until);
        return;
    }
    bus->turns++;
    bus->in_turn = true;
    core_begin(bus->core, world_moment(world));
    bus_store_turn(world);
    take_events(bus);
    take_frames(world);
    core_finish(bus->core);
    bus->in_turn = false;
    observe_turn(world);
    plan_next(world);
    leave_if_drained(world);
}

void bus_plan_turn(struct world *world, uint64_t at)
{
    struct bus *bus = &world->bus;
    if (!bus->core || (bus->turn_at != 0 && bus->turn_at <= at))
        return;
    bus->turn_at = at;
    agenda_add(&world->agenda, at, turn, NULL, at);
}

static void plan_soon(struct world *world)
{
    bus_plan_turn(world, world->now + dice_below(&world->dice, TURN_DELAY_MAX_NS));
}

void bus_hear_of_pipe(struct world *world, uint32_t pipe, bool opened)
{
    struct bus *bus = &world->bus;
    if (!bus->core)
        return;
    if (bus->n_events == bus->cap_events) {
        bus->cap_events = bus->cap_events ? bus->cap_events * 2 : 64;
        bus->events = mem_realloc(bus->events, bus->cap_events * sizeof *bus->events);
    }
    bus->events[bus->n_events++] = (uint64_t)pipe * 2 + opened;
    plan_soon(world);
}

void bus_take(struct world *world, struct exchange *exchange)
{
    list_remove(&exchange->node);
    if (!world->bus.core) {
        exchange_free(exchange);
        return;
    }
    list_push(&world->bus.inbox, &exchange->node);
    plan_soon(world);
}

/* ---- life ---- */

void bus_start(struct world *world)
{
    struct bus *bus = &world->bus;
    const struct core_options options = {
        .limits = bus->limits,
        .io = bus_io(world),
        .verify = cast_verify,
        .verify_arg = &world->cast,
        .version = "simulated",
    };
    bus->boot++;
    bus->leaving = false;
    bus->n_log = 0;
    TRACE(world, "the broker starts, boot %u", bus->boot);
    bus->in_turn = true;
    int rc = core_create(&bus->core, &options, world_moment(world));
    bus->in_turn = false;
    if (rc < 0) {
        promise_broken(world, PROMISE_STARTS, "core_create: %d", rc);
        return;
    }
    bus_open_witnesses(world);
}

static void start_again(struct world *world, void *arg, uint64_t number)
{
    (void)arg;
    (void)number;
    if (!world->bus.core)
        bus_start(world);
}

static void break_all_pipes(struct world *world)
{
    for (uint32_t pipe = 1; pipe < world->net.n_pipes; pipe++)
        net_lose(world, pipe);
}

void bus_kill(struct world *world)
{
    struct bus *bus = &world->bus;
    if (!bus->core)
        return;
    TRACE(world, "the broker is killed");
    SAW_IF(!core_is_drained(bus->core), world, KILLED_BUSY);
    struct core *core = bus->core;
    bus->core = NULL; /* whatever it says now is unheard */
    core_destroy(core);
    observe_destroyed(world);
    bus_store_killed(world);
    for (struct list *node; (node = list_first(&bus->inbox));)
        exchange_free(LIST_ENTRY(node, struct exchange, node));
    bus->n_events = 0;
    bus->turn_at = 0;
    bus->frozen_until = 0;
    break_all_pipes(world);
    agenda_add(&world->agenda, world->now + dice_between(&world->dice, NS_PER_MS, RESTART_MAX_NS),
               start_again, NULL, 0);
}

/* ---- leaving in order ---- */

static void leave_if_drained(struct world *world)
{
    if (world->bus.leaving && core_is_drained(world->bus.core)) {
        TRACE(world, "the broker is drained");
        SAW(world, DRAINED);
        bus_kill(world);
    }
}

static void drained_long_enough(struct world *world, void *arg, uint64_t boot)
{
    (void)arg;
    if (world->bus.leaving && world->bus.boot == boot)
        bus_kill(world);
}

void bus_stop(struct world *world)
{
    struct bus *bus = &world->bus;
    if (!bus->core || bus->leaving)
        return;
    TRACE(world, "the broker drains");
    bus->leaving = true;
    core_begin(bus->core, world_moment(world));
    core_drain(bus->core);
    bus->in_turn = true;
    core_finish(bus->core);
    bus->in_turn = false;
    agenda_add(&world->agenda, world->now + DRAIN_NS, drained_long_enough, NULL, bus->boot);
}
