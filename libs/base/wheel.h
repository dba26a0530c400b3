/* wheel.h - timers: a hashed wheel of 8 ms slots; add and remove are O(1).
 * Pure: time comes in as nanoseconds of a monotonic clock. Not thread safe.
 * A timer never fires early and at most one slot late (plus the caller's own
 * lateness in calling wheel_advance). */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include "base/list.h"

#include <stdint.h>

#define WHEEL_SLOTS 1024u
#define WHEEL_SLOT_NS 8000000ull

struct timer {
    struct list node;
    uint64_t due;                                 /* ns; 0 when not armed */
    void (*fire)(struct timer *timer, void *arg); /* may re-arm or free the timer */
};

struct wheel {
    struct list slots[WHEEL_SLOTS];
    struct list overdue; /* armed for the past: fired by the next advance */
    uint64_t now;        /* ns, last advance */
    uint64_t swept;      /* newest slot whose timers have been looked at */
    uint64_t soonest;    /* no timer is due before this, ns */
    size_t armed;
};

void wheel_init(struct wheel *wheel, uint64_t now);
void timer_init(struct timer *timer, void (*fire)(struct timer *, void *));
/* Arms, or moves, the timer. A due time in the past fires at the next advance. */
void wheel_arm(struct wheel *wheel, struct timer *timer, uint64_t due);
void wheel_disarm(struct wheel *wheel, struct timer *timer); /* harmless if not armed */
/* Fires everything due by `now`, passing `arg`. What a callback arms for the past
 * waits for the next advance. */
void wheel_advance(struct wheel *wheel, uint64_t now, void *arg);
/* No timer fires before this; UINT64_MAX when none is armed. May be early. */
uint64_t wheel_next(const struct wheel *wheel);

#endif
