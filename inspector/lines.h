/* lines.h - lines on their way from the library's thread, which must not wait for a slow
 * terminal, to the main thread, which writes them. */
#ifndef INSPECTOR_LINES_H
#define INSPECTOR_LINES_H

#include "cli.h"

#include <pthread.h>

struct lines {
    pthread_mutex_t lock;
    struct buf waiting, writing;
    size_t bytes_max; /* waiting, at most */
    uint64_t wanted;  /* lines; UINT64_MAX: no end */
    uint64_t accepted, written;
};

void lines_init(struct lines *lines, size_t bytes_max, uint64_t wanted);
void lines_finish(struct lines *lines);
/* Any thread. False, and the line is dropped, when too much is waiting or all that is wanted is
 * here. Adds the line's end and wakes the main thread. */
bool lines_add(struct lines *lines, struct slice line);
/* Main thread: writes what waits. */
int lines_write(struct lines *lines, const struct cli *cli);
/* Main thread: everything wanted is written. */
bool lines_complete(const struct lines *lines);
/* Main thread, when time is over: complains when so many were wanted, but did not come. */
int lines_judge(const struct lines *lines, const struct cli *cli);

#endif
