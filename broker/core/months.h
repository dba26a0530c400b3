/* months.h - how many calls each tenant has used of a calendar month (UTC), for the quota. It is
 * the meter that counts, once, into its tally and into this sum of tallies; both are in the same
 * block of the journal. */
#ifndef CORE_MONTHS_H
#define CORE_MONTHS_H

#include "base/list.h"
#include "base/map.h"
#include "core/journal.h"
#include "policy/calendar.h"

struct core;
struct identity;

#define MONTHS_TABLE "months"

struct month {
    uint64_t calls;
    uint64_t pending; /* let through and not ended: the quota's; of the present one only */
    uint32_t warned;  /* percent, of which somebody was told */
    uint32_t turned;  /* calls that are not in the journal yet */
    struct list turn, told, unsaved; /* in months.turned, months.told, months.unsaved */
    struct list under_way;           /* in months.under_way: some are pending */
    bool loaded;                     /* what the books have of it is in it */
    uint64_t absorbed;               /* blocks of the journal up to here are in it */
    struct slice key, tenant;        /* key: "2026-11", NUL, tenant */
    uint8_t name[];
};

struct months {
    struct map by_key;
    struct list turned, told, unsaved; /* told: of it the ledger does not know yet */
    struct list under_way;
    uint64_t hour;       /* `now` is the month of this one */
    uint64_t generation; /* changes with the month */
    char now[CALENDAR_HOUR + 1];
};

/* Reads this month's sums back. What cannot be read is said in the log. */
void months_start(struct core *core);
void months_finish(struct core *core);

extern const struct journal_section months_section, months_told_section;

/* The present month of the identity's tenant; good as long as the turn lasts. */
struct month *months_of(struct core *core, struct identity *identity);
/* The present one of a tenant, if it has used any of it. */
const struct month *months_find(struct core *core, struct slice tenant);
/* A call is let through. It is pending in whatever month there is until it has ended, since it will
 * count in that one. */
void month_begin(struct core *core, struct month *month);
/* It has ended; the present month. */
void month_end(struct month *month);
/* One call more. */
void month_count(struct core *core, struct month *month);
/* Somebody was told that so much is used; kept, so that nobody is told again. */
void month_warned(struct core *core, struct month *month, uint32_t percent);
/* Unix milliseconds. */
uint64_t months_end_ms(const struct core *core);

#endif
