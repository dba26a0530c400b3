#include "bus_io.h"

#include "base/mem.h"
#include "builtin/packing.h"
#include "bus_store.h"
#include "core/state.h"
#include "message.h"
#include "peer.h"
#include "world.h"

#include <stdio.h>

#define WITNESS_LEASE_MS 3600000u

static void in_turn_only(struct world *world, const char *what)
{
    if (world->bus.core && !world->bus.in_turn)
        promise_broken(world, PROMISE_EXCHANGES, "%s outside of a turn", what);
}

/* ---- exchanges ---- */

static void io_answer(void *arg, struct exchange *exchange, struct slice frame)
{
    struct world *world = arg;
    in_turn_only(world, "answer");
    if (!world->bus.core)
        promise_broken(world, PROMISE_EXCHANGES, "answered by a broker that is gone");
    trace_bytes(&world->trace, frame.data, frame.len);
    net_answer(world, exchange, frame);
}

static void io_release(void *arg, struct exchange *exchange)
{
    net_release(arg, exchange);
}

static void io_close_pipe(void *arg, uint32_t pipe)
{
    struct world *world = arg;
    TRACE(world, "the broker closes pipe %u", pipe);
    net_lose(world, pipe);
}

static void io_random(void *arg, void *out, size_t len)
{
    struct world *world = arg;
    uint8_t *at = out;
    while (len > 0) {
        uint64_t word = dice_next(&world->entropy);
        size_t some = len < sizeof word ? len : sizeof word;
        memcpy(at, &word, some);
        at += some;
        len -= some;
    }
}

static uint64_t io_ticks(void *arg)
{
    return ((struct world *)arg)->ticks += 12345;
}

/* ---- feeds ---- */

static uint64_t io_feed_open(void *arg, char *url, size_t size)
{
    struct world *world = arg;
    struct bus *bus = &world->bus;
    if (bus->n_feeds + 1 >= FEEDS_MAX)
        return 0;
    uint64_t handle = ++bus->n_feeds;
    bus->feeds[handle] = (struct feed_model){.open = true};
    snprintf(url, size, "sim://feed/%llu", (unsigned long long)handle);
    return handle;
}

static void io_feed_close(void *arg, uint64_t handle)
{
    struct world *world = arg;
    struct feed_model *feed = &world->bus.feeds[handle];
    if (!feed->open)
        promise_broken(world, PROMISE_FEEDS, "feed closed twice");
    feed->open = false;
}

static struct witnessed *add_to_log(struct bus *bus)
{
    if (bus->n_log == bus->cap_log) {
        bus->cap_log = bus->cap_log ? bus->cap_log * 2 : 256;
        bus->log = mem_realloc(bus->log, bus->cap_log * sizeof *bus->log);
    }
    return &bus->log[bus->n_log++];
}

static void witness(struct world *world, unsigned tenant, struct slice topic, struct slice payload)
{
    struct message message;
    struct witnessed *entry = add_to_log(&world->bus);
    *entry = (struct witnessed){.tenant = tenant};
    snprintf(entry->topic, sizeof entry->topic, "%.*s", SLICE_FMT(topic));
    if (message_read(&message, payload) && message.kind == MESSAGE_EVENT)
        entry->event = message.number;
    TRACE(world, "  event %zu in %s on %s%s", world->bus.n_log, tenant_names[tenant], entry->topic,
          entry->event ? "" : " (not ours)");
    observe_published(world, entry, payload);
}

/* A change of a value that counts for everybody. */
static bool concerns_all(struct slice topic, struct slice payload)
{
    static const char changed[] = "bus.config.";
    struct arguments event;
    if (topic.len < strlen(changed) || memcmp(topic.data, changed, strlen(changed)) != 0 ||
        !arguments_read(&event, payload))
        return false;
    bool all = slice_is(argument_text(&event, "scope", slice_make("", 0)), "global");
    arguments_finish(&event);
    return all;
}

/* The newest event is told in one more tenant. */
static void witness_again(struct world *world, unsigned tenant, struct slice topic,
                          struct slice payload)
{
    struct witnessed *entry = &world->bus.log[world->bus.n_log - 1];
    if (!slice_is(topic, entry->topic) || !concerns_all(topic, payload))
        promise_broken(world, PROMISE_TENANCY, "%s is told in %s, too", entry->topic,
                       tenant_names[tenant]);
    entry->also |= 1u << tenant;
    struct witnessed copy = *entry;
    copy.tenant = tenant;
    observe_published(world, &copy, payload);
}

static void io_feed_send(void *arg, uint64_t handle, struct slice topic, struct slice payload)
{
    struct world *world = arg;
    struct feed_model *feed = &world->bus.feeds[handle];
    if (!feed->open)
        promise_broken(world, PROMISE_FEEDS, "event sent to a closed feed");
    if (feed->witness && world->bus.core->pubsub.sequence == world->bus.n_log)
        witness_again(world, (unsigned)handle % TENANTS, topic, payload);
    else if (feed->witness)
        witness(world, (unsigned)handle % TENANTS, topic, payload);
    else
        observe_fed(world, feed, payload);
}

struct io bus_io(struct world *world)
{
    struct io io = {
        .arg = world,
        .answer = io_answer,
        .release = io_release,
        .close_pipe = io_close_pipe,
        .random = io_random,
        .ticks = io_ticks,
        .feed_open = io_feed_open,
        .feed_send = io_feed_send,
        .feed_close = io_feed_close,
    };
    bus_store_io(&io);
    return io;
}

/* ---- witnesses ---- */

static struct slice witness_request(struct wire_out *out, const struct user *user)
{
    struct buf payload = {0};
    struct arena arena;
    msgpack_packer packer;

    arena_init(&arena);
    packing_init(&packer, &payload);
    msgpack_pack_map(&packer, 2);
    pack_pair_text(&packer, "pattern", slice_of(">"));
    pack_pair_uint(&packer, "lease_ms", WITNESS_LEASE_MS);
    const struct wire_request request = {.service = slice_of("bus.feed"),
                                         .method = slice_of("open"),
                                         .payload = buf_slice(&payload)};
    const struct wire_credential token = {.token = slice_of(user->token)};
    uint32_t credential = wire_put_credential(out, wire_write_credential(&token, &arena));
    wire_put_request(out, 1, credential, &request);
    arena_finish(&arena);
    buf_finish(&payload);
    return wire_seal_frame(out, &(struct wire_head){0});
}

static void open_witness(struct world *world, unsigned tenant)
{
    struct bus *bus = &world->bus;
    struct wire_out out;
    struct exchange *exchange = mem_zalloc(sizeof *exchange);
    list_push(&world->net.exchanges, &exchange->node);
    exchange->pipe = bus->witness_pipe;
    exchange->held = true;
    world->net.held++;
    world->net.pipes[exchange->pipe].held++;
    wire_out_init(&out);
    while ((bus->n_feeds + 1) % TENANTS != tenant)
        bus->n_feeds++; /* so that the handle tells the tenant */
    unsigned before = bus->n_feeds;
    core_frame(bus->core, exchange, bus->witness_pipe,
               witness_request(&out, world->witness_users[tenant]));
    wire_out_finish(&out);
    if (bus->n_feeds != before + 1)
        promise_broken(world, PROMISE_STARTS, "no feed for the witness");
    else
        bus->feeds[bus->n_feeds].witness = true;
}

void bus_open_witnesses(struct world *world)
{
    struct bus *bus = &world->bus;
    bus->witness_pipe = net_open(world, NULL);
    bus->n_events = 0; /* told here and now */
    bus->in_turn = true;
    core_begin(bus->core, world_moment(world));
    core_pipe_opened(bus->core, bus->witness_pipe);
    for (unsigned tenant = 0; tenant < TENANTS; tenant++)
        open_witness(world, tenant);
    core_finish(bus->core);
    bus->in_turn = false;
    bus_plan_turn(world, world->now + NS_PER_MS);
}
