/* retention.h - usage does not grow for ever: hours that are long past are added up into a row of
 * their day, and what is older than anybody wants it is deleted. Both a few rows at a time, so that
 * nobody waits for it, and so that being killed in between neither loses nor doubles anything:
 *
 * One day after the other. That it is this day's turn is on disk before its first hour is added;
 * each day's row says which hours it has; all of them are on disk before the first of the hours is
 * deleted. */
#ifndef CORE_RETENTION_H
#define CORE_RETENTION_H

#include "base/buf.h"
#include "base/wheel.h"
#include "policy/calendar.h"

#include <stdbool.h>

struct core;

#define RETENTION_TABLE "retention"

enum retention_phase {
    RETENTION_BEGIN,  /* what the process before left in the ledger is not in the rows yet */
    RETENTION_DELETE, /* what is too old for anything */
    RETENTION_DELETE_CREDITS,
    RETENTION_LOOK,   /* for a day whose hours are old enough */
    RETENTION_ADD,    /* its hours to its day */
    RETENTION_REMOVE, /* its hours */
};

struct retention {
    struct timer timer;
    enum retention_phase phase;
    uint64_t awaited;           /* this turn of the journal has to be on disk; 0: none */
    bool knows;                 /* whose turn it was when the process began */
    char day[CALENDAR_DAY + 1]; /* whose turn it is, or was last; empty: none's so far */
    struct buf cursor;          /* key of the row to go on with */
};

void retention_start(struct core *core);
void retention_finish(struct core *core);

/* Is the hour's row, of that key, in the row of its day already? It is not to be counted then. */
bool retention_has_added(struct core *core, struct slice key);

#endif
