/* window.h - how often one may call: at most `per_minute` calls in any trailing minute,
 * and at most what a bucket of `burst` holds that is refilled at the same rate. Both are exact, to
 * the nanosecond of the clock the caller brings; nothing is rounded in anybody's favour. A refused
 * call leaves no trace. Pure; not thread safe.
 *
 * Memory: 16 bytes for each moment of the last minute at which calls were let through,
 * so at most 16 * per_minute bytes, doubled by growth. */
#ifndef POLICY_WINDOW_H
#define POLICY_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_NS UINT64_C(60000000000)
#define WINDOW_RATE_MAX 100000000u /* calls a minute, and burst */

struct window_rate {
    uint32_t per_minute, burst; /* 1..WINDOW_RATE_MAX */
};

struct window_span;

/* Zeroed is empty. */
struct window {
    struct window_span *spans; /* a ring, oldest first */
    uint32_t first, n, cap;
    uint32_t used; /* calls in the spans */
    uint64_t debt; /* taken from the bucket, in 1/WINDOW_NS of a call */
    uint64_t at;   /* the moment both are true for */
};

struct window_state {
    uint32_t remaining;   /* calls that would be let through now, one after the other */
    uint64_t retry_after; /* ns until one would be, at most WINDOW_NS; 0: now */
};

void window_finish(struct window *window);
/* Lets a call through at `now`, or says when to come back. Time never runs backwards. The rate may
 * differ from call to call: a lower one counts what was let through under the higher, until for a
 * minute nothing was. */
bool window_admit(struct window *window, struct window_rate rate, uint64_t now,
                  struct window_state *state);
/* The same without a call. */
void window_look(struct window *window, struct window_rate rate, uint64_t now,
                 struct window_state *state);
/* Counts calls that were let through before, say by an earlier process. In the order of time. */
void window_restore(struct window *window, struct window_rate rate, uint64_t at, uint32_t calls);
/* From then on it is as good as new. */
uint64_t window_forgets(const struct window *window, struct window_rate rate);

#endif
