/* watch.h - once, or again and again with --watch. */
#ifndef INSPECTOR_WATCH_H
#define INSPECTOR_WATCH_H

#include "cli.h"

/* The option of every command that can be watched. */
#define WATCH_OPTION                                                                    \
    {                                                                                   \
        .name = "watch", .kind = OPT_TIME, .value = "INTERVAL", .value_may_lack = true, \
        .help = "show it again and again, every 2 s unless told otherwise"              \
    }

/* Connects, and prints what `show` appends; on a terminal each showing replaces the one before. */
int watch_run(struct cli *cli, const struct args *args,
              int (*show)(struct cli *cli, const struct args *args, struct buf *out));

#endif
