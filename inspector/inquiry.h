/* inquiry.h - most commands are a question to one of the broker's services and a layout of its
 * answer: a command that is no more than this says it in a table. */
#ifndef INSPECTOR_INQUIRY_H
#define INSPECTOR_INQUIRY_H

#include "cli.h"

/* The option of every command that can be watched. */
#define WATCH_OPTION                                                                    \
    {                                                                                   \
        .name = "watch", .kind = OPT_TIME, .value = "INTERVAL", .value_may_lack = true, \
        .help = "show it again and again, every 2 s unless told otherwise"              \
    }

struct inquiry {
    const char *service, *method;
    /* Writes the request; NULL: it is `{}`. */
    void (*ask)(fbx_writer *w, const struct args *args);
    /* Lays out the answer, a map, for people; NULL: there is nothing to show. */
    void (*show)(struct buf *out, const struct cli *cli, const fbx_value *answer);
};

/* Connects, asks and prints the answer; with --watch again and again, on a terminal each showing
 * in the place of the one before. */
int inquiry_run(struct cli *cli, const struct args *args, const struct inquiry *inquiry);
/* The same of an answer that may come in pages, and is shown as a whole: all that it has is the
 * array `pages`, and there is nothing to ask but for the page. */
int inquiry_run_pages(struct cli *cli, const struct args *args, const struct inquiry *inquiry,
                      const char *pages);

#endif
