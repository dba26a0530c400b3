/* expiry.h - a subscription that ends by itself is told of when it does, as a change of its record
 * is. That it is over is decided elsewhere (account_status()): this only tells, once, and only what
 * ends while the broker runs. Owned by the core; one thread. */
#ifndef CORE_EXPIRY_H
#define CORE_EXPIRY_H

#include "base/wheel.h"

struct account;
struct core;

struct expiry {
    struct timer timer; /* of the soonest end; once a day, as clocks are set */
    uint64_t told_ms;   /* Unix: what has ended by then is told, or was over at the start */
};

/* Before any record is read. */
void expiry_start(struct core *core);
/* The record is in force from now on. */
void expiry_watch(struct core *core, const struct account *account);

#endif
