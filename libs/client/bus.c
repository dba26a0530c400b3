/* bus.c - a bus from its first connection to its end. */
#include "client/bus.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/call.h"
#include "client/serve.h"
#include "client/ticker.h"
#include "wire/utf8.h"

#include <errno.h>
#include <sodium/randombytes.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_MS 5000u
#define CALL_TIMEOUT_MS 30000u
#define GOODBYE_NS NS_PER_SEC
#define WORKERS 4u
#define WORKERS_MAX 1024u
#define OUTBOX_BYTES (16u * 1024u * 1024u)

/* ---- locking and waiting ---- */

void bus_lock(fbx_bus *bus)
{
    pthread_mutex_lock(&bus->mutex);
}

void bus_unlock(fbx_bus *bus)
{
    pthread_mutex_unlock(&bus->mutex);
}

void bus_unlock_noted(fbx_bus *bus)
{
    /* A thread that runs callbacks looks for new events by itself. */
    bool noted = bus->events.count > 0 && bus->batch % 2 == 0;
    bus_unlock(bus);
    if (noted)
        ticker_kick();
}

bool bus_wait(fbx_bus *bus, pthread_cond_t *cond, uint64_t until_ns)
{
    struct timespec at = {
        .tv_sec = (time_t)(until_ns / NS_PER_SEC),
        .tv_nsec = (long)(until_ns % NS_PER_SEC),
    };
    return pthread_cond_timedwait(cond, &bus->mutex, &at) != ETIMEDOUT;
}

bool bus_is_full(const fbx_bus *bus)
{
    return bus->engine && engine_backlog(bus->engine) > bus->outbox_bytes;
}

int bus_has_room(const fbx_bus *bus)
{
    if (!bus->engine || bus->state == ENGINE_CLOSED)
        return FBX_ECLOSED;
    return bus_is_full(bus) ? FBX_EWOULDBLOCK : 0;
}

int bus_await_room(fbx_bus *bus)
{
    while (bus->engine && bus->state != ENGINE_CLOSED && bus_is_full(bus)) {
        if (bus_on_io_thread())
            return FBX_EWOULDBLOCK;
        bus->waiting_for_room++;
        pthread_cond_wait(&bus->room, &bus->mutex);
        bus->waiting_for_room--;
    }
    return bus->engine && bus->state != ENGINE_CLOSED ? 0 : FBX_ECLOSED;
}

bool bus_tick(fbx_bus *bus)
{
    bus_lock(bus);
    engine_tick(bus->engine, clock_mono_ns());
    bool noted = bus->events.count > 0;
    bool often = engine_is_timing(bus->engine);
    bus_unlock(bus);
    if (noted)
        bus_drain(bus);
    return often;
}

/* ---- making one ---- */

static void io_send(void *arg, unsigned exchange, struct slice frame)
{
    fbx_bus *bus = arg;
    transport_send(bus->transport, exchange, frame);
}

static void io_reset(void *arg)
{
    fbx_bus *bus = arg;
    transport_reset(bus->transport);
}

static void io_random(void *arg, void *out, size_t len)
{
    (void)arg;
    randombytes_buf(out, len);
}

static void init_conds(fbx_bus *bus)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&bus->changed, &attributes);
    pthread_cond_init(&bus->room, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void take_options(fbx_bus *bus, const fbx_options *options)
{
    bus->connect_timeout_ms =
        options->connect_timeout_ms ? options->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    bus->default_timeout_ms =
        options->default_timeout_ms ? options->default_timeout_ms : CALL_TIMEOUT_MS;
    bus->outbox_bytes = options->outbox_bytes ? options->outbox_bytes : OUTBOX_BYTES;
    bus->on_state = options->on_state;
    bus->on_state_arg = options->on_state_arg;
}

static fbx_bus *create_bus(const fbx_options *options)
{
    fbx_bus *bus = mem_zalloc(sizeof(*bus));
    struct engine_options engine_options = {
        .token = options->token,
        .name = options->name ? options->name : program_invocation_short_name,
        .client = "libfarebox/" FBX_VERSION,
        .eager = !options->wait_for_broker,
    };
    struct engine_io io = {.arg = bus, .send = io_send, .reset = io_reset, .random = io_random};
    struct engine_upcalls upcalls = bus_upcalls(bus);
    pthread_mutex_init(&bus->mutex, NULL);
    init_conds(bus);
    inbox_init(&bus->inbox);
    arena_init(&bus->texts);
    arena_init(&bus->scratch);
    list_init(&bus->services);
    list_init(&bus->requests);
    list_init(&bus->free_requests);
    list_init(&bus->ticking);
    map_init(&bus->subscriptions);
    take_options(bus, options);
    unsigned workers = options->workers ? options->workers : WORKERS;
    pool_init(&bus->pool, workers < WORKERS_MAX ? workers : WORKERS_MAX);
    bus->engine = engine_create(&engine_options, &io, &upcalls, clock_mono_ns());
    bus->why = mem_strdup("");
    return bus;
}

/* ---- connecting ---- */

static int await_session(fbx_bus *bus, const char *url)
{
    uint64_t until = clock_mono_ns() + bus->connect_timeout_ms * NS_PER_MS;
    while (bus->state != ENGINE_READY && bus->state != ENGINE_REFUSED && !bus->unreachable)
        if (!bus_wait(bus, &bus->changed, until))
            break;
    if (bus->state == ENGINE_READY)
        return 0;
    if (bus->state == ENGINE_REFUSED) {
        text_set_error("%s", bus->why);
        return FBX_EREFUSED;
    }
    if (bus->unreachable)
        text_set_error("cannot connect to %s: %s", url, bus->unreachable);
    else
        text_set_error("%s at %s within %u ms", bus->was_up ? "no welcome" : "no connection", url,
                       bus->connect_timeout_ms);
    return bus->was_up ? FBX_ETIMEDOUT : FBX_EUNREACHABLE;
}

static int dial(fbx_bus *bus, const fbx_options *options)
{
    struct transport_options transport = {.url = options->url,
                                          .tls_ca_file = options->tls_ca_file,
                                          .tls_server_name = options->tls_server_name,
                                          .patient = options->wait_for_broker};
    struct transport_events events = bus_transport_events;
    events.arg = bus;
    if (strncmp(options->url, "tls+", 4) == 0 && !options->tls_ca_file) {
        text_set_error("%s needs a CA file: the option tls_ca_file", options->url);
        return FBX_EINVAL;
    }
    int error = transport_create(&bus->transport, &transport, &events);
    if (error == -ENOENT)
        text_set_error("the CA file %s (tls_ca_file) cannot be used: %s", options->tls_ca_file,
                       access(options->tls_ca_file, R_OK) < 0 ? strerror(errno)
                                                              : "it holds no certificate");
    else if (error < 0)
        text_set_error("the URL %s cannot be used", options->url);
    return error < 0 ? FBX_EINVAL : 0;
}

/* What the broker could not read as a frame it would not even refuse. */
static bool is_understood(const fbx_options *options)
{
    if (!options->url || !options->token)
        text_set_error("fbx_connect needs a %s", options->url ? "token" : "URL");
    else if (!utf8_valid_text(slice_of(options->token)))
        text_set_error("the token is no text in UTF-8");
    else if (!text_is_sound(options->name))
        text_set_error("the name is no text in UTF-8 of at most %u bytes", TEXT_BYTES_MAX);
    else
        return true;
    return false;
}

int fbx_connect(fbx_bus **out, const fbx_options *options)
{
    if (!out || !options || !is_understood(options))
        return FBX_EINVAL;
    if (bus_on_io_thread())
        return FBX_EWOULDBLOCK;
    text_set_error("%s", "");
    fbx_bus *bus = create_bus(options);
    /* The transport may report before it has been stored: the lock makes it wait. */
    bus_lock(bus);
    int error = dial(bus, options);
    if (error == 0) {
        ticker_add(bus);
        error = await_session(bus, options->url);
    }
    bus_unlock(bus);
    if (error < 0)
        fbx_close(bus);
    else
        *out = bus;
    return error;
}

/* ---- closing ---- */

static void say_goodbye(fbx_bus *bus)
{
    bus_lock(bus);
    bus->closing = true;
    services_deregister(bus);
    (void)requests_await(bus, UINT64_MAX);
    engine_goodbye(bus->engine, clock_mono_ns());
    uint64_t until = clock_mono_ns() + GOODBYE_NS;
    while (bus->state != ENGINE_CLOSED && bus_wait(bus, &bus->changed, until))
        continue;
    pthread_cond_broadcast(&bus->room);
    bus_unlock(bus);
}

/* Requests the application still holds outlive the bus; the last one answered frees the rest. */
void bus_release(fbx_bus *bus)
{
    bool last = !bus->engine && bus->n_requests == 0;
    bus_unlock(bus);
    if (!last)
        return;
    requests_free(bus);
    pthread_cond_destroy(&bus->changed);
    pthread_cond_destroy(&bus->room);
    pthread_mutex_destroy(&bus->mutex);
    mem_free(bus->why);
    mem_free(bus);
}

static void free_parts(fbx_bus *bus)
{
    transport_destroy(bus->transport);
    inbox_finish(&bus->inbox);
    services_free(bus);
    subscriptions_free(bus);
    calls_free(bus);
    contexts_finish(&bus->contexts);
    events_finish(&bus->events);
    events_finish(&bus->running);
    arena_finish(&bus->texts);
    arena_finish(&bus->scratch);
    engine_destroy(bus->engine);
    bus->engine = NULL;
}

void fbx_close(fbx_bus *bus)
{
    if (!bus)
        return;
    if (bus->transport) {
        say_goodbye(bus);
        ticker_remove(bus);
        transport_stop(bus->transport);
    }
    bus_drain(bus); /* the outcomes of calls that were never answered */
    pool_stop(bus);
    bus_lock(bus);
    free_parts(bus);
    bus_release(bus);
}

/* ---- batching ---- */

void fbx_cork(fbx_bus *bus)
{
    bus_lock(bus);
    engine_cork(bus->engine);
    bus_unlock(bus);
}

void fbx_uncork(fbx_bus *bus)
{
    bus_lock(bus);
    engine_uncork(bus->engine, bus_now());
    bus_unlock(bus);
}
