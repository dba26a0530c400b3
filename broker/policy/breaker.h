/* breaker.h - sparing what fails. A breaker is closed while calls do well; too large a
 * share of failed or slow calls in its window opens it; after a while a few probes are let through,
 * and their outcome closes it or opens it for twice as long. Pure; not thread safe. */
#ifndef POLICY_BREAKER_H
#define POLICY_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_SLICES 10u /* of the window */

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN, BREAKER_STATES };

struct breaker_rules {
    uint32_t window_ms;             /* what is older does not count */
    uint32_t minimum_calls;         /* fewer in the window say nothing */
    uint32_t failure_percent;       /* 1..100 opens; 0: failures never do */
    uint32_t slow_percent;          /* the same for slow calls */
    uint32_t slow_ms;               /* what takes as long is slow: for whoever tells the outcome */
    uint32_t open_ms, open_most_ms; /* doubled from one to the other while probes fail */
    uint32_t probes;                /* at a time in the half-open state; as many must do well */
};

enum breaker_outcome {
    BREAKER_GOOD,
    BREAKER_SLOW,
    BREAKER_FAILED,
    BREAKER_UNKNOWN, /* nobody will know: a probe's place is given back */
};

/* Zeroed is closed. */
struct breaker {
    enum breaker_state state;
    bool forced;        /* stays open, or closed, until somebody resets it */
    uint32_t openings;  /* in a row, without having been closed */
    uint64_t since;     /* mono ns of the last move */
    uint64_t until;     /* when an open one lets probes through */
    uint32_t trying;    /* probes under way */
    uint32_t succeeded; /* probes of this half-open time */
    uint64_t round;     /* of half-open times: a late probe of another one is not counted */
    uint64_t slice;     /* number of the newest */
    struct breaker_slice {
        uint32_t calls, failed, slow;
    } slices[BREAKER_SLICES];
};

/* What a call was let through as; kept with it, and given back with its outcome. */
struct breaker_pass {
    bool probe;
    uint64_t round;
};

/* False: refused; `retry_after` (ns) says when a probe may be let through, 0: nobody knows, it was
 * forced. */
bool breaker_admit(struct breaker *breaker, const struct breaker_rules *rules, uint64_t now,
                   struct breaker_pass *pass, uint64_t *retry_after);
/* For every call that was let through, once. True: the state has changed. */
bool breaker_tell(struct breaker *breaker, const struct breaker_rules *rules, uint64_t now,
                  struct breaker_pass pass, enum breaker_outcome outcome);
/* Would a call be refused now? Changes nothing. */
bool breaker_refuses(const struct breaker *breaker, const struct breaker_rules *rules,
                     uint64_t now);
/* Open, by order or from what an earlier process left; `until` 0: until it is reset. */
void breaker_force_open(struct breaker *breaker, uint64_t now, uint64_t until);
/* Closed until it is reset, whatever fails. */
void breaker_force_close(struct breaker *breaker, uint64_t now);
void breaker_reset(struct breaker *breaker, uint64_t now);

struct breaker_counts {
    uint32_t calls, failed, slow;
};
struct breaker_counts breaker_counts(const struct breaker *breaker,
                                     const struct breaker_rules *rules, uint64_t now);

/* ---- for whoever knows more than one breaker does, instead of breaker_tell() ---- */

/* Counts in the window of a closed one; opens nothing. */
void breaker_note(struct breaker *breaker, const struct breaker_rules *rules, uint64_t now,
                  enum breaker_outcome outcome);
/* Would these open a breaker? */
bool breaker_bad(const struct breaker_counts *counts, const struct breaker_rules *rules);
/* Opens one that is not open. */
void breaker_open(struct breaker *breaker, const struct breaker_rules *rules, uint64_t now);
/* What `part` has counted is taken out of the window of `whole`, which has counted it too. */
void breaker_discount(struct breaker *whole, const struct breaker *part,
                      const struct breaker_rules *rules, uint64_t now);
const char *breaker_state_text(enum breaker_state state);

#endif
