#include "child.h"

#include "fail.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct child child_start(void (*run)(int fd, void *arg), void *arg)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        fail_with("socketpair: %s", strerror(errno));
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        fail_with("fork: %s", strerror(errno));
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        run(ends[1], arg);
        _exit(0);
    }
    close(ends[1]);
    return (struct child){pid, ends[0]};
}

void child_wait_ready(const struct child *child)
{
    char byte;
    if (read(child->fd, &byte, 1) != 1)
        fail_with("a helper process ended before it was ready");
}

void child_stop(struct child *child)
{
    close(child->fd);
    kill(child->pid, SIGKILL);
    waitpid(child->pid, NULL, 0);
}

void child_go(const struct child *child)
{
    if (write(child->fd, "g", 1) != 1)
        fail_with("a helper process ended before it was needed");
}

void child_ready(int fd)
{
    if (write(fd, "r", 1) != 1)
        _exit(1);
}

void child_wait_go(int fd)
{
    char byte;
    if (read(fd, &byte, 1) != 1)
        _exit(1);
}

void child_wait_parent(int fd)
{
    char byte;
    while (read(fd, &byte, 1) > 0)
        ;
}
