#include "linger.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* In one turn, of one client. */
#define AT_A_TIME 1048576u

int linger_init(struct lingering *self)
{
    *self = (struct lingering){.epoll = epoll_create1(EPOLL_CLOEXEC)};
    return self->epoll < 0 ? -errno : 0;
}

static void end(struct lingering *self, unsigned i)
{
    (void)close(self->all[i].fd);
    self->all[i].until = 0;
}

void linger_finish(struct lingering *self)
{
    for (unsigned i = 0; i < LINGER_MOST; i++)
        if (self->all[i].until > 0)
            end(self, i);
    (void)close(self->epoll);
}

void linger_add(struct lingering *self, int fd, uint64_t now)
{
    unsigned i = 0;
    while (i < LINGER_MOST && self->all[i].until > 0)
        i++;
    int ours = i < LINGER_MOST ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (ours < 0)
        return;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
    self->all[i].fd = ours;
    self->all[i].until = now + LINGER_MS * NS_PER_MS;
    if (shutdown(ours, SHUT_WR) < 0 || epoll_ctl(self->epoll, EPOLL_CTL_ADD, ours, &event) < 0)
        end(self, i);
}

/* The kernel need not even copy it. */
static void throw_away(struct lingering *self, unsigned i)
{
    ssize_t n = recv(self->all[i].fd, NULL, AT_A_TIME, MSG_TRUNC | MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        end(self, i);
}

void linger_run(struct lingering *self, uint64_t now)
{
    struct epoll_event events[LINGER_MOST];
    int n = epoll_wait(self->epoll, events, LINGER_MOST, 0);
    for (int i = 0; i < n; i++)
        throw_away(self, events[i].data.u32);
    for (unsigned i = 0; i < LINGER_MOST; i++)
        if (self->all[i].until > 0 && now >= self->all[i].until)
            end(self, i);
}
