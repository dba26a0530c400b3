/* bars.h - price series in memory, read from CSV text. Pure: no files, no bus.
 * Reading functions return 0 or -EBADMSG with a reason naming the line. */
#ifndef DATA_BRIDGE_BARS_H
#define DATA_BRIDGE_BARS_H

#include "base/slice.h"

#define BARS_SYMBOL_MAX 16u

enum bars_interval { BARS_DAILY, BARS_MONTHLY };

struct bar {
    int32_t day;                   /* days since 1970-01-01 */
    double open, high, low, close; /* monthly series only have a close */
    uint64_t volume;
};

/* Dates strictly ascend, prices are above zero. */
struct series {
    char symbol[BARS_SYMBOL_MAX]; /* lower case, a valid topic token */
    const char *name;             /* for people; borrowed, may be NULL */
    enum bars_interval interval;
    struct bar *bars;
    size_t count, cap;
};

struct market {
    struct series *series;
    size_t count;
};

struct bars_error {
    char text[512];
};

void market_finish(struct market *market);
/* date,open,high,low,close,adjclose,volume: one daily series under `symbol`. */
int market_read_daily(struct market *market, const char *symbol, struct slice text,
                      struct bars_error *why);
/* symbol,date,price: monthly series, each in one piece. */
int market_read_monthly(struct market *market, struct slice text, struct bars_error *why);
/* In any case; NULL if there is none. */
struct series *market_find(const struct market *market, struct slice symbol);

/* The bars of days `from` to `to`, both included: index of the first, and how many. */
struct bars_range {
    size_t first, count;
};
struct bars_range series_between(const struct series *series, int32_t from, int32_t to);
/* The last bar at or before that day, or NULL. */
const struct bar *series_at(const struct series *series, int32_t day);

#endif
