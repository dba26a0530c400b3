#include "world.h"

#include "base/map.h"
#include "faults.h"
#include "work.h"
#include "work_errands.h"

#define UNIX_MS 1800000000000u       /* in the middle of a month */
#define MONTH_ENDS_MS 1801440000000u /* 2027-02-01T00:00:00Z */
#define MONTH_ENDS_WITHIN_MS 3000u
#define MONTH_ENDS_SOON_MS 400u /* before much of it is used */
#define LEAVE_S 5u
#define BUSY_MIN_MS 1500u
#define BUSY_MAX_MS 4000u
#define PROBE_NS (2500 * NS_PER_MS)

struct moment world_moment(const struct world *world)
{
    return (struct moment){world->now, world->begins_ms + world->skew_ms + world->now / NS_PER_MS};
}

unsigned world_month(const struct world *world)
{
    return world_moment(world).unix_ms < MONTH_ENDS_MS ? 1 : MONTHS;
}

bool world_expired(const struct world *world, const struct user *user)
{
    return user->expires_ms <= world_moment(world).unix_ms;
}

/* ---- who is there ---- */

static struct peer *add_peer(struct world *world, const struct user *user)
{
    struct peer *peer = &world->peers[world->n_peers];
    peer->world = world;
    peer->number = world->n_peers++;
    peer->user = user;
    return peer;
}

static void add_servers(struct world *world)
{
    for (unsigned i = 0; i < 2; i++) {
        struct peer *peer = add_peer(world, cast_server(&world->cast, INFRA));
        peer->sees_all = true;
        peer->serves = i == 0 ? 1u << ORDERS | 1u << RELAY : 1u << ORDERS | 1u << VAULT;
    }
    for (unsigned tenant = 0; tenant < world->cast.n_tenants; tenant++) {
        if (dice_chance(&world->dice, 500))
            continue;
        struct peer *peer = add_peer(world, cast_server(&world->cast, tenant));
        peer->serves = 1u + dice_below(&world->dice, 3); /* ORDERS, RELAY or both */
        peer->owns = true;
    }
}

static void add_clients(struct world *world)
{
    for (unsigned tenant = 0; tenant < world->cast.n_tenants; tenant++) {
        for (unsigned n = 1 + dice_below(&world->dice, 3); n > 0; n--)
            add_peer(world, cast_client(&world->cast, &world->dice, tenant))->calls = true;
    }
    if (dice_chance(&world->dice, 300)) {
        uint64_t expires_s = world->begins_ms / 1000 + dice_between(&world->dice, 2, LEAVE_S);
        const struct user *leaver = cast_leaver(&world->cast, &world->dice, ACME, expires_s * 1000);
        add_peer(world, leaver)->calls = true;
    }
    struct peer *peer = add_peer(world, cast_operator(&world->cast));
    peer->calls = peer->sees_all = true;
}

static void add_strangers(struct world *world)
{
    struct cast *cast = &world->cast;
    for (unsigned tenant = 0; tenant < cast->n_tenants; tenant++) {
        if (dice_chance(&world->dice, 500))
            add_peer(world, cast_client(cast, &world->dice, tenant))->raw = &role_one_shot;
    }
    unsigned tenant = dice_below(&world->dice, cast->n_tenants);
    if (dice_chance(&world->dice, 700))
        add_peer(world, cast_client(cast, &world->dice, tenant))->raw = &role_hostile;
}

static void add_witnesses(struct world *world)
{
    for (unsigned tenant = 0; tenant < TENANTS; tenant++)
        world->witness_users[tenant] = cast_witness(&world->cast, tenant);
    world->bus.witnesses = TENANTS;
}

static void populate(struct world *world)
{
    world->cast.n_tenants = 2 + dice_below(&world->dice, 2);
    add_servers(world);
    add_clients(world);
    add_strangers(world);
    add_witnesses(world);
    for (unsigned i = 0; i < world->n_peers; i++)
        peer_restart_at(&world->peers[i], world->now + dice_below(&world->dice, 50) * NS_PER_MS);
}

/* ---- running ---- */

/* False: a promise was broken on the way. */
static bool run_for(struct world *world, uint64_t duration)
{
    struct appointment next;
    agenda_add(&world->agenda, world->now + duration, NULL, NULL, 0);
    while (!world->breach.broken && agenda_take(&world->agenda, &next)) {
        world->now = next.at;
        if (!next.run)
            return true;
        next.run(world, next.arg, next.number);
    }
    return false;
}

/* Long enough for silence to be noticed, sessions and calls to end, everyone to come back. */
static uint64_t healing_ns(const struct world *world)
{
    const struct limits *limits = &world->bus.limits;
    return (2 * (3u * limits->heartbeat_ms + limits->grace_ms) + 2 * limits->max_timeout_ms +
            limits->silent_pipe_ms + 2500u) *
           NS_PER_MS;
}

static bool work_under_faults(struct world *world)
{
    faults_begin(world);
    return run_for(world, dice_between(&world->dice, BUSY_MIN_MS, BUSY_MAX_MS) * NS_PER_MS);
}

static bool come_to_rest(struct world *world)
{
    world->phase = PHASE_HEALING;
    faults_mend(world);
    if (!run_for(world, healing_ns(world) / 2))
        return false;
    work_end_taps(world);
    work_reset_all(world);
    return run_for(world, healing_ns(world) / 2);
}

static bool try_again(struct world *world)
{
    world->phase = PHASE_PROBING;
    TRACE(world, "everyone tries again");
    work_probes(world);
    work_markers(world);
    work_looks(world);
    return run_for(world, PROBE_NS);
}

static void play(struct world *world)
{
    if (!work_under_faults(world) || !come_to_rest(world) || !try_again(world))
        return;
    world->phase = PHASE_OVER;
    observe_over(world);
}

static void world_finish(struct world *world)
{
    bus_finish(world);
    for (unsigned i = 0; i < world->n_peers; i++)
        peer_finish(&world->peers[i]);
    work_serve_finish(world);
    net_finish(world);
    books_finish(&world->books);
    agenda_finish(&world->agenda);
    trace_finish(&world->trace);
}

static void begin_calendar(struct world *world)
{
    bool late = dice_chance(&world->dice, 400);
    unsigned most = dice_chance(&world->dice, 500) ? MONTH_ENDS_SOON_MS : MONTH_ENDS_WITHIN_MS;
    uint64_t left_ms = world->now / NS_PER_MS + 100 + dice_below(&world->dice, most);
    world->begins_ms = late ? MONTH_ENDS_MS - left_ms : UNIX_MS;
    if (late)
        work_month_ends(world, left_ms * NS_PER_MS);
}

static void world_init(struct world *world, uint64_t seed, enum trace_mode mode)
{
    *world = (struct world){.seed = seed, .now = NS_PER_SEC};
    world->dice.state = seed * UINT64_C(0x9e3779b97f4a7c15);
    world->entropy.state = ~world->dice.state;
    list_init(&world->tasks);
    trace_init(&world->trace, mode);
    uint8_t key[MAP_KEY_BYTES] = {0};
    memcpy(key, &seed, sizeof seed);
    map_set_key(key);
    world->bulk = dice_chance(&world->dice, 30);
    cast_subscribe(&world->cast, &world->dice);
    net_init(world);
    bus_init(world);
    world->pace = dice_between(&world->dice, 8, 120) * NS_PER_MS;
}

struct outcome world_run(uint64_t seed, enum trace_mode mode)
{
    static struct world world;
    world_init(&world, seed, mode);
    begin_calendar(&world);
    populate(&world);
    bus_start(&world);
    play(&world);
    trace_number(&world.trace, world.now);
    const struct outcome verdict = {
        .breach = world.breach,
        .sights = world.sights,
        .hash = world.trace.hash,
        .calls = world.books.n_calls,
        .events = world.books.n_events,
        .deliveries = world.books.deliveries,
        .turns = world.bus.turns,
        .boots = world.bus.boot,
    };
    if (world.breach.broken && mode == TRACE_KEEP)
        trace_show_last(&world.trace);
    world_finish(&world);
    return verdict;
}
