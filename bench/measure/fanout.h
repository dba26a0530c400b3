/* fanout.h - one publisher process, many subscribers in this one: how far each has come, in
 * memory both see, so that the publisher never runs further ahead than it may. */
#ifndef MEASURE_FANOUT_H
#define MEASURE_FANOUT_H

#include "meter.h"

#include <stdatomic.h>

#define FANOUT_PATIENCE_S 30 /* most that deliveries may take after the publishing */

/* A subscriber has a cache line to itself: it is written for every delivery. */
struct fanout_seen {
    _Alignas(64) _Atomic uint64_t count;
    _Atomic uint64_t last_ns;
};

struct fanout {
    _Atomic uint64_t first_ns, last_ns; /* of the publishing */
    _Atomic uint64_t published, errors;
    _Atomic int go, done;
    struct fanout_seen seen[OPTIONS_SUBS_MAX];
};

/* How a peer publishes one body; false ends the run. flush (may be NULL) sends what is held back
 * before the publisher waits. */
struct fanout_publisher {
    void *arg;
    bool (*publish)(void *arg, const void *body, size_t size);
    void (*flush)(void *arg);
};

/* Shared with children forked from now on. */
struct fanout *fanout_create(void);

/* In the publisher's process: waits for the subscribers, then publishes for options->seconds. A
 * body ends with the time it left. */
void fanout_publish(struct fanout *fanout, const struct bench_options *options, void *body,
                    const struct fanout_publisher *publisher);

/* In a subscriber's callback, one thread at a time for each: `count` more arrived. */
static inline void fanout_saw(struct fanout *fanout, size_t subscriber, uint64_t count,
                              uint64_t now)
{
    struct fanout_seen *seen = &fanout->seen[subscriber];
    uint64_t before = atomic_load_explicit(&seen->count, memory_order_relaxed);
    atomic_store_explicit(&seen->count, before + count, memory_order_relaxed);
    atomic_store_explicit(&seen->last_ns, now, memory_order_relaxed);
}
/* When the body that ends at `end` left its publisher. */
uint64_t fanout_sent(const void *body, size_t size);
/* Everything published has arrived at every subscriber, or nothing has for a while. */
bool fanout_is_over(const struct fanout *fanout, const struct bench_options *options, uint64_t now);

/* In the subscribers' process: lets the publisher go, waits until it is over. */
void fanout_start(struct fanout *fanout, struct meter *meter, const struct bench_options *options,
                  pid_t publisher);
void fanout_wait(struct fanout *fanout, const struct bench_options *options);
/* hist: latencies of one subscriber. Here the service is the publisher and the client all the
 * subscribers. */
void fanout_report(const char *peer, const struct bench_options *options,
                   const struct fanout *fanout, struct meter *meter, const struct hist *hist);

#endif
