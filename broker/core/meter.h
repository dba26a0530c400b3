/* meter.h - who used what: calls that reached a service and were answered to whoever made them,
 * by tenant, user, service, method and hour. Each is counted once, however this process ends.
 *
 * What a turn counts is one block of the ledger before an answer leaves. A few times a second the
 * tallies go into the books as totals, each with the sequence of the last block that is
 * in it, so that whatever the books have of it, adding what came later gives the truth. */
#ifndef CORE_METER_H
#define CORE_METER_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/wheel.h"

struct core;
struct call;
struct wire_reply;

#define METER_TABLE "usage"

struct usage {
    uint64_t calls, errors; /* of the calls, those that did not end with ok */
    uint64_t bytes_in, bytes_out;
    uint64_t duration_ns; /* of all calls together */
};

void usage_add(struct usage *sum, const struct usage *more);

/* The key of a row, taken apart; views into it. */
struct usage_key {
    struct slice hour, tenant, user, service, method;
};
bool usage_read_key(struct usage_key *out, struct slice key);
/* False: not a row of ours. */
bool usage_read_row(struct usage *out, struct slice row);

struct tally;

struct meter {
    struct map tallies;        /* by key */
    struct list touched;       /* tally.turn: not in the ledger yet */
    struct list unsaved, idle; /* tally.node: the books have less, or all; oldest first */
    struct buf block;          /* of this turn */
    uint64_t hour;             /* the text of which is in `key` */
    struct buf key;            /* of the newest call */
    uint64_t ledger;           /* its id */
    uint64_t sequence;         /* of the newest block */
    uint64_t saved;            /* up to here the books have been given everything */
    uint64_t trimmed;          /* up to here they have it on disk */
    struct timer timer;
    bool ledger_fails, books_fail;
};

/* Adds what the ledger has and the books have not. Negative errno of reading them. */
int meter_start(struct core *core);
void meter_stop(struct core *core);

/* The call is about to be answered. */
void meter_count(struct core *core, const struct call *call, const struct wire_reply *reply);
/* Before any frame leaves: what has been counted must outlive the process. */
void meter_write(struct core *core);
/* Gives the books every total they do not have. False: they refuse. */
bool meter_save(struct core *core);

#endif
