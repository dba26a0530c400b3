/* usage.h - what was used, and how it lies in the books: rows of an hour, kept as they grow by the
 * meter, and rows of a day, into which retention adds up hours that are long past. Pure. */
#ifndef CORE_USAGE_H
#define CORE_USAGE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define USAGE_TABLE "usage"
#define USAGE_BYTES 40u /* of the fields of struct usage */

struct usage {
    uint64_t calls, errors; /* of the calls, those that did not end with ok */
    uint64_t bytes_in, bytes_out;
    uint64_t duration_ns; /* of all calls together */
};

void usage_add(struct usage *sum, const struct usage *more);
void usage_put(struct buf *out, const struct usage *usage);
/* There must be USAGE_BYTES. */
void usage_take(struct slice *from, struct usage *usage);

/* The key of a row, taken apart; views into it. `time` is the text of an hour or of a day
 * (policy/calendar.h). */
struct usage_key {
    struct slice time, tenant, user, service, method;
};
bool usage_read_key(struct usage_key *out, struct slice key);

struct usage_hour {
    uint64_t ledger, sequence; /* blocks of that ledger up to there are in it */
    struct usage usage;
};
void usage_put_hour(struct buf *out, const struct usage_hour *hour);
bool usage_read_hour(struct usage_hour *out, struct slice row);

struct usage_day {
    uint32_t hours; /* those that are in it, a bit each */
    struct usage usage;
};
void usage_put_day(struct buf *out, const struct usage_day *day);
bool usage_read_day(struct usage_day *out, struct slice row);

/* Of either. False: not a row of ours. */
bool usage_read_row(struct usage *out, struct slice row);

#endif
