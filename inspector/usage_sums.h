/* usage_sums.h - what bus.usage answers page by page, put together: the same group may be on
 * several pages. */
#ifndef INSPECTOR_USAGE_SUMS_H
#define INSPECTOR_USAGE_SUMS_H

#include "cli.h"

enum usage_name { USAGE_TIME, USAGE_TENANT, USAGE_USER, USAGE_SERVICE, USAGE_METHOD, USAGE_NAMES };
enum usage_figure {
    USAGE_CALLS,
    USAGE_ERRORS,
    USAGE_BYTES_IN,
    USAGE_BYTES_OUT,
    USAGE_DURATION_US,
    USAGE_VOIDED, /* of the calls, those that were credited; all before it is what was metered */
    USAGE_FIGURES
};

/* As bus.usage calls them. */
extern const char *const usage_names[USAGE_NAMES];
extern const char *const usage_figures[USAGE_FIGURES];

struct usage_sum {
    char *names[USAGE_NAMES]; /* NULL: not grouped by that */
    char *customer;           /* whom the tenant is billed as; NULL: not known */
    uint64_t figures[USAGE_FIGURES];
};

struct usage_sums {
    struct usage_sum *list; /* in the order of their names */
    size_t count, cap;
    uint64_t total[USAGE_FIGURES];
    char hour[sizeof "2026-11-24T13"]; /* the broker's present one */
};

/* What is asked for: the options of usage_asking.h, grouped by `by`, texts bus.usage knows.
 * EXIT_OK, or the exit status, complained. */
int usage_sums_ask(struct usage_sums *out, const struct cli *cli, const struct args *args,
                   const char *const *by, uint32_t n_by);
void usage_sums_finish(struct usage_sums *sums);

#endif
