/* child.h - helper processes: a service or a publisher runs apart from the load, so that each
 * has its own CPU account and its own locks. Fork them before this process has threads. */
#ifndef MEASURE_CHILD_H
#define MEASURE_CHILD_H

#include <sys/types.h>

struct child {
    pid_t pid;
    int fd; /* our end; the child reads end of file when we are gone */
};

/* Runs run(fd, arg) in a process that never outlives this one and ends when it returns. */
struct child child_start(void (*run)(int fd, void *arg), void *arg);
/* Returns once the child has called child_ready(); fails the program if it ended instead. */
void child_wait_ready(const struct child *child);
void child_stop(struct child *child); /* whatever it does, or if it is stopped */
void child_go(const struct child *child);

/* In the child. */
void child_ready(int fd);
void child_wait_go(int fd); /* until the parent says child_go(): for those that are needed later */
void child_wait_parent(int fd); /* parks until the parent has no more use for it */

#endif
