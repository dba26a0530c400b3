/* drain.c - the turn of an I/O thread: whoever brings work does all the work there is.
 * No thread is woken for it, and there is one drainer at a time, so callbacks of a
 * bus never overlap. */
#include "client/bus.h"

#include "base/clock.h"

static __thread struct {
    const fbx_bus *bus; /* whose callbacks this thread runs, or NULL */
    uint64_t now;
} turn;

bool bus_on_io_thread(void)
{
    return turn.bus != NULL;
}

uint64_t bus_now(void)
{
    return turn.bus ? turn.now : clock_mono_ns();
}

static void run_callbacks(fbx_bus *bus)
{
    struct events events = bus->events;
    bus->events = bus->running;
    bus->batch++;
    bus_unlock(bus);
    for (size_t i = 0; i < events.count; i++)
        event_run(bus, &events.at[i]);
    arena_reset(&bus->texts);
    bus_lock(bus);
    for (size_t i = 0; i < events.count; i++)
        event_release(bus, &events.at[i]);
    events.count = 0;
    bus->running = events;
    bus->batch++;
    pthread_cond_broadcast(&bus->changed);
}

static void feed(fbx_bus *bus, const struct inbox_item *item)
{
    if (item->message)
        engine_answer(bus->engine, item->exchange, transport_message_bytes(item->message),
                      turn.now);
    else
        engine_failed(bus->engine, item->exchange, turn.now);
}

/* The frame stays until the callbacks have seen what borrows from it. */
static bool take_turn(fbx_bus *bus)
{
    struct inbox_item item = {0};
    bool found = inbox_take(&bus->inbox, &item);
    turn.now = clock_mono_ns();
    if (found)
        feed(bus, &item);
    bool noted = bus->events.count > 0;
    if (noted)
        run_callbacks(bus);
    transport_message_free(item.message);
    return found || noted;
}

static void tell_room(fbx_bus *bus)
{
    if (bus->waiting_for_room > 0 && !bus_is_full(bus))
        pthread_cond_broadcast(&bus->room);
}

static void drain(fbx_bus *bus)
{
    turn.bus = bus;
    bus_lock(bus);
    do {
        /* What all these callbacks ask for leaves as one frame. */
        engine_begin_turn(bus->engine);
        while (take_turn(bus))
            continue;
        engine_end_turn(bus->engine, turn.now);
        tell_room(bus);
    } while (!inbox_leave(&bus->inbox));
    bus_unlock(bus);
    turn.bus = NULL;
}

void bus_drain(fbx_bus *bus)
{
    if (inbox_wake(&bus->inbox))
        drain(bus);
}

void bus_settle(fbx_bus *bus)
{
    uint64_t batch = bus->batch;
    while (batch % 2 == 1 && bus->batch == batch)
        pthread_cond_wait(&bus->changed, &bus->mutex);
}

/* ---- what the transport reports ---- */

static void on_pipe_up(void *arg)
{
    fbx_bus *bus = arg;
    bus_lock(bus);
    bus->was_up = true;
    engine_pipe_up(bus->engine, clock_mono_ns());
    bus_unlock(bus);
    bus_drain(bus);
}

static void on_pipe_down(void *arg)
{
    fbx_bus *bus = arg;
    bus_lock(bus);
    engine_pipe_down(bus->engine, clock_mono_ns());
    bus_unlock(bus);
    bus_drain(bus);
}

static void on_failed(void *arg, const char *why)
{
    fbx_bus *bus = arg;
    bus_lock(bus);
    bus->unreachable = why;
    pthread_cond_broadcast(&bus->changed);
    bus_unlock(bus);
}

static void on_ended(void *arg, unsigned exchange, struct transport_message *message)
{
    fbx_bus *bus = arg;
    if (inbox_put(&bus->inbox, (struct inbox_item){exchange, message}))
        drain(bus);
}

const struct transport_events bus_transport_events = {
    .pipe_up = on_pipe_up,
    .pipe_down = on_pipe_down,
    .failed = on_failed,
    .ended = on_ended,
};
