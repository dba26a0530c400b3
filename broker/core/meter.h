/* meter.h - who used what: calls that reached a service and were answered to whoever made them,
 * by tenant, user, service, method and hour. Each is counted once, however this process ends.
 *
 * What a turn counts is one block of the ledger before an answer leaves. A few times a second the
 * tallies go into the books as totals, each with the sequence of the last block that is
 * in it, so that whatever the books have of it, adding what came later gives the truth. */
#ifndef CORE_METER_H
#define CORE_METER_H

#include "base/list.h"
#include "base/map.h"
#include "core/journal.h"
#include "core/usage.h"

struct core;
struct call;
struct wire_reply;

struct tally;

struct meter {
    struct map tallies;        /* by key */
    struct map methods;        /* with names of their own in this hour; by service and method */
    struct list touched;       /* tally.turn: not in the ledger yet */
    struct list unsaved, idle; /* tally.node: the books have less, or all; oldest first */
    uint64_t hour;             /* the text of which is in `key` */
    struct buf key;            /* of the newest call */
    uint64_t epoch;            /* within it no tally goes away */
};

/* What somebody used most recently: found again without hashing. */
#define METER_RECENT 4u
struct meter_recent {
    uint64_t epoch; /* in which these were looked up */
    unsigned next;
    struct tally *tallies[METER_RECENT];
};

void meter_init(struct meter *meter);
void meter_finish(struct meter *meter);

extern const struct journal_section meter_section;

/* The call is about to be answered. */
void meter_count(struct core *core, struct call *call, const struct wire_reply *reply);

#endif
