/* usage_asking.h - what bus.usage is asked for, page by page. */
#ifndef INSPECTOR_USAGE_ASKING_H
#define INSPECTOR_USAGE_ASKING_H

#include "cli.h"
#include "usage_time.h"

#define USAGE_CURSOR_MAX 2048u

struct usage_asking {
    const struct args *args; /* options --from, --to, --tenant, --user, --service and --method */
    const char *const *by;   /* what it is grouped by */
    uint32_t n_by;
    const char *from, *to; /* texts bus.usage knows */
    char from_room[USAGE_TIME_BYTES], to_room[USAGE_TIME_BYTES];
    char cursor[USAGE_CURSOR_MAX];
};

/* Reads the times. Not to be moved or copied afterwards. EXIT_OK, or the exit status, complained.
 */
int usage_asking_init(struct usage_asking *asking, const struct cli *cli, const struct args *args);
/* Asks for the next page. EXIT_OK and `*reply`, to be freed, or the exit status, complained. */
int usage_asking_page(struct usage_asking *asking, const struct cli *cli, const char *method,
                      fbx_reply **reply);
/* The answer says where the next page begins. False: that was the last. */
bool usage_asking_goes_on(struct usage_asking *asking, const fbx_value *answer);

/* A text of an answer, to be freed; NULL if it is something else. */
char *usage_text(fbx_value value);

/* The options named above. */
#define USAGE_OPTIONS                                                                              \
    {.name = "from",                                                                               \
     .kind = OPT_TEXT,                                                                             \
     .value = "TIME",                                                                              \
     .help = "2026, 2026-11, 2026-11-24, 2026-11-24T13, today, yesterday, this-month or "          \
             "last-month, in UTC; this month when no time is given"},                              \
        {.name = "to", .kind = OPT_TEXT, .value = "TIME", .help = "the last one, included whole"}, \
        {.name = "tenant", .kind = OPT_TEXT, .value = "TENANT", .help = "only this one's"},        \
        {.name = "user", .kind = OPT_TEXT, .value = "USER", .help = "only this one's"},            \
        {.name = "service", .kind = OPT_TEXT, .value = "SERVICE", .help = "only of this one"},     \
    {                                                                                              \
        .name = "method", .kind = OPT_TEXT, .value = "METHOD", .help = "only this one"             \
    }

#endif
