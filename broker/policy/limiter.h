/* limiter.h - a window for each user who called lately. Memory is bounded: an entry is given up
 * only when its window has forgotten everything, so strangers, however many, push nobody
 * out; when all places are taken by users whose windows still count, a newcomer waits.
 * Pure; not thread safe. */
#ifndef POLICY_LIMITER_H
#define POLICY_LIMITER_H

#include "base/list.h"
#include "base/map.h"
#include "policy/window.h"

struct limited {
    struct window window;
    struct window_rate rate; /* of the newest call */
    struct list by_use;
    uint64_t forgets;       /* then the window is as good as new */
    struct slice key;       /* its text is in `name` */
    struct list turn, slot; /* the owner's, for what is to be written down (core/rates.h) */
    uint32_t turned, n_spans, cap_spans;
    struct limited_span {
        uint64_t unix_ms;
        uint32_t calls;
    } * spans;
    uint64_t absorbed; /* blocks of the journal up to here are in it */
    uint8_t name[];
};

struct limiter {
    struct map users;  /* by key */
    struct list order; /* the one admitted longest ago first */
    size_t most;       /* users at a time */
    uint64_t dropped;  /* entries so far: whoever remembers one compares this */
};

void limiter_init(struct limiter *limiter, size_t most);
void limiter_finish(struct limiter *limiter);

/* The entry of the user `key` names, made if there is none; good until `dropped` changes. NULL: all
 * places are taken. */
struct limited *limiter_user(struct limiter *limiter, struct slice key, uint64_t now);
/* Gives up what is forgotten until there are places for all `n` keys, of which some may have
 * theirs: who admits each as soon as it has its entry finds one for all. False: there are not. */
bool limiter_make_room(struct limiter *limiter, const struct slice *keys, size_t n, uint64_t now);
/* Counts a call, or says when to come back. */
bool limiter_admit(struct limiter *limiter, struct limited *user, struct window_rate rate,
                   uint64_t now, struct window_state *state);
/* Counts calls that an earlier process let through. In the order of time. */
void limiter_restore(struct limiter *limiter, struct limited *user, struct window_rate rate,
                     uint64_t at, uint32_t calls);
/* What they could do now. Creates nothing. */
void limiter_look(struct limiter *limiter, struct slice key, struct window_rate rate, uint64_t now,
                  struct window_state *state);

#endif
