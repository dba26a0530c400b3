/* rates.h - who was let through how often lately (policy/limiter.h), kept over the end of the
 * process: a restart is not a refill.
 *
 * What a turn lets through is in its block of the journal. A few times a second it goes into the
 * books, a row for each stretch of time; those that are out of date are deleted now and then. */
#ifndef CORE_RATES_H
#define CORE_RATES_H

#include "core/journal.h"
#include "policy/limiter.h"

struct core;
struct identity;
struct standing;

#define RATES_TABLE "rates"
#define RATES_DELETED_AT_ONCE 256u /* rows, by one save */

struct rates {
    struct limiter users;
    struct list turned; /* limited.turn: not in the journal yet */
    struct list slot;   /* limited.slot: not in the books yet */
    uint32_t rows;      /* written by this process */
    uint64_t oldest_ms; /* Unix: no row in the books is older; UINT64_MAX: there is none */
    bool ahead;         /* there may be rows from when the clock was ahead of what it is */
};

/* Reads the last minute back from the books; the journal has the rest of it. What cannot be read is
 * said in the log, and forgotten. */
void rates_start(struct core *core);
void rates_finish(struct core *core);

extern const struct journal_section rates_section;

/* What a user's entry is found by; in the turn's arena. */
struct slice rates_key(struct core *core, struct slice tenant, struct slice user);
/* The user's entry, remembered in the identity. NULL: all places are taken. */
struct limited *rates_user(struct core *core, struct identity *identity);
/* The entry of that key, whatever it stands for; good until another is made. NULL: all places are
 * taken. */
struct limited *rates_entry(struct core *core, struct slice key);
/* Are there places for so many keys, of which some may have theirs? */
bool rates_room(struct core *core, const struct slice *keys, size_t n);
/* Who the entry stands for may call once more, which is written down; or must come back later. */
bool rates_admit(struct core *core, struct limited *user, struct window_rate rate,
                 struct window_state *state);
/* What they could do now. */
void rates_look(struct core *core, struct slice key, struct window_rate rate,
                struct window_state *state);

#endif
