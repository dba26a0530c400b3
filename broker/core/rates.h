/* rates.h - who was let through how often lately (policy/limiter.h), kept over the end of the
 * process: a restart is not a refill.
 *
 * What a turn lets through is in its block of the journal. A few times a second it goes into the
 * books, a row for each user and stretch of time; rows older than a minute are deleted. */
#ifndef CORE_RATES_H
#define CORE_RATES_H

#include "core/journal.h"
#include "policy/limiter.h"

struct core;
struct identity;
struct standing;

#define RATES_TABLE "rates"

struct rates {
    struct limiter users;
    struct list turned; /* limited.turn: not in the journal yet */
    struct list slot;   /* limited.slot: not in the books yet */
};

/* Reads the last minute back from the books; the journal has the rest of it. What cannot be read is
 * said in the log, and forgotten. */
void rates_start(struct core *core);
void rates_finish(struct core *core);

extern const struct journal_section rates_section;

/* The user's entry, remembered in the identity. NULL: all places are taken. */
struct limited *rates_user(struct core *core, struct identity *identity);
/* That user may call once more, which is written down; or must come back later. */
bool rates_admit(struct core *core, struct limited *user, struct window_rate rate,
                 struct window_state *state);
/* What they could do now. */
void rates_look(struct core *core, struct slice tenant, struct slice user, struct window_rate rate,
                struct window_state *state);

#endif
