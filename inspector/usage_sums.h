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
    USAGE_FIGURES
};

/* As bus.usage calls them. */
extern const char *const usage_names[USAGE_NAMES];
extern const char *const usage_figures[USAGE_FIGURES];

struct usage_sum {
    char *names[USAGE_NAMES]; /* NULL: not grouped by that */
    uint64_t figures[USAGE_FIGURES];
};

struct usage_sums {
    struct usage_sum *list; /* in the order of their names */
    size_t count;
    uint64_t total[USAGE_FIGURES];
    char hour[sizeof "2026-11-24T13"]; /* the broker's present one */
};

/* What is asked for: options --from, --to, --tenant, --user, --service and --method, grouped by
 * `by`, texts bus.usage knows. EXIT_OK, or the exit status, complained. */
int usage_sums_ask(struct usage_sums *out, const struct cli *cli, const struct args *args,
                   const char *const *by, uint32_t n_by);
void usage_sums_finish(struct usage_sums *sums);

/* The options named above. */
#define USAGE_OPTIONS                                                                          \
    {.name = "from",                                                                           \
     .kind = OPT_TEXT,                                                                         \
     .value = "TIME",                                                                          \
     .help = "2026, 2026-11, 2026-11-24 or 2026-11-24T13, in UTC; this month when no time is " \
             "given"},                                                                         \
        {.name = "to", .kind = OPT_TEXT, .value = "TIME", .help = "the last one, included"},   \
        {.name = "tenant", .kind = OPT_TEXT, .value = "TENANT", .help = "only this one's"},    \
        {.name = "user", .kind = OPT_TEXT, .value = "USER", .help = "only this one's"},        \
        {.name = "service", .kind = OPT_TEXT, .value = "SERVICE", .help = "only of this one"}, \
    {                                                                                          \
        .name = "method", .kind = OPT_TEXT, .value = "METHOD", .help = "only this one"         \
    }

#endif
