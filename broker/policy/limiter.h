/* limiter.h - a window for each user who called lately. Memory is bounded: an entry is given up
 * only when its window has forgotten everything, so strangers, however many, push nobody
 * out; when all places are taken by users whose windows still count, a newcomer waits.
 * Pure; not thread safe. */
#ifndef POLICY_LIMITER_H
#define POLICY_LIMITER_H

#include "base/list.h"
#include "base/map.h"
#include "policy/window.h"

struct limiter {
    struct map users;  /* by key */
    struct list order; /* the one admitted longest ago first */
    size_t most;       /* users at a time */
};

enum limiter_verdict { LIMITER_ADMITTED, LIMITER_REFUSED, LIMITER_FULL };

void limiter_init(struct limiter *limiter, size_t most);
void limiter_finish(struct limiter *limiter);
/* Counts a call of the user `key` names, or says when to come back. */
enum limiter_verdict limiter_admit(struct limiter *limiter, struct slice key,
                                   struct window_rate rate, uint64_t now,
                                   struct window_state *state);
/* What they could do now. Creates nothing. */
void limiter_look(struct limiter *limiter, struct slice key, struct window_rate rate, uint64_t now,
                  struct window_state *state);

#endif
