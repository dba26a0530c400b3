/* ticker.c - one thread, however many buses. */
#include "client/ticker.h"

#include "base/clock.h"
#include "client/bus.h"

#include <stdatomic.h>
#include <stdlib.h>

#define OFTEN_NS (20 * NS_PER_MS)
#define SELDOM_NS (200 * NS_PER_MS)

static struct {
    pthread_mutex_t life; /* of the thread: starting and ending it */
    pthread_mutex_t mutex;
    pthread_cond_t woken; /* the thread waits on it */
    pthread_cond_t moved; /* it has finished with a bus */
    struct list buses;
    size_t count;
    fbx_bus *current;
    pthread_t thread;
    bool stopping, kicked;
    atomic_bool seldom; /* sleeping long: someone with something to time must say so */
} ticker = {
    .life = PTHREAD_MUTEX_INITIALIZER,
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .moved = PTHREAD_COND_INITIALIZER,
    .buses = {&ticker.buses, &ticker.buses},
};

/* Locked; unlocks for the bus. */
static bool tick_next(void)
{
    struct list *node = list_first(&ticker.buses);
    list_remove(node);
    list_push(&ticker.buses, node);
    ticker.current = LIST_ENTRY(node, fbx_bus, ticking);
    pthread_mutex_unlock(&ticker.mutex);
    bool often = bus_tick(ticker.current);
    pthread_mutex_lock(&ticker.mutex);
    ticker.current = NULL;
    pthread_cond_broadcast(&ticker.moved);
    return often;
}

static bool tick_all(void)
{
    bool often = false;
    for (size_t left = ticker.count; left > 0 && !list_empty(&ticker.buses); left--)
        often = tick_next() || often;
    return often;
}

static void sleep_until_due(bool often)
{
    uint64_t until = clock_mono_ns() + (often ? OFTEN_NS : SELDOM_NS);
    struct timespec at = {
        .tv_sec = (time_t)(until / NS_PER_SEC),
        .tv_nsec = (long)(until % NS_PER_SEC),
    };
    atomic_store(&ticker.seldom, !often);
    if (!ticker.kicked && !ticker.stopping)
        pthread_cond_timedwait(&ticker.woken, &ticker.mutex, &at);
    atomic_store(&ticker.seldom, false);
    ticker.kicked = false;
}

static void *run(void *arg)
{
    pthread_mutex_lock(&ticker.mutex);
    while (!ticker.stopping)
        sleep_until_due(tick_all());
    pthread_mutex_unlock(&ticker.mutex);
    return arg;
}

static void start(void)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&ticker.woken, &attributes);
    pthread_condattr_destroy(&attributes);
    ticker.stopping = false;
    if (pthread_create(&ticker.thread, NULL, run, NULL) != 0)
        abort(); /* without time no call would ever end */
}

static void stop(void)
{
    pthread_mutex_lock(&ticker.mutex);
    ticker.stopping = true;
    pthread_cond_signal(&ticker.woken);
    pthread_mutex_unlock(&ticker.mutex);
    pthread_join(ticker.thread, NULL);
    pthread_cond_destroy(&ticker.woken);
}

void ticker_add(fbx_bus *bus)
{
    pthread_mutex_lock(&ticker.life);
    pthread_mutex_lock(&ticker.mutex);
    list_push(&ticker.buses, &bus->ticking);
    bool first = ticker.count++ == 0;
    pthread_mutex_unlock(&ticker.mutex);
    if (first)
        start();
    pthread_mutex_unlock(&ticker.life);
}

void ticker_remove(fbx_bus *bus)
{
    pthread_mutex_lock(&ticker.life);
    pthread_mutex_lock(&ticker.mutex);
    while (ticker.current == bus)
        pthread_cond_wait(&ticker.moved, &ticker.mutex);
    list_remove(&bus->ticking);
    bool last = --ticker.count == 0;
    pthread_mutex_unlock(&ticker.mutex);
    if (last)
        stop();
    pthread_mutex_unlock(&ticker.life);
}

void ticker_notice(void)
{
    if (atomic_load_explicit(&ticker.seldom, memory_order_relaxed))
        ticker_kick();
}

void ticker_kick(void)
{
    pthread_mutex_lock(&ticker.mutex);
    ticker.kicked = true;
    if (ticker.count > 0)
        pthread_cond_signal(&ticker.woken);
    pthread_mutex_unlock(&ticker.mutex);
}
