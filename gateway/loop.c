#include "loop.h"

#include "access.h"
#include "base/clock.h"
#include "base/log.h"
#include "reload.h"
#include "subscribers.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define EVENTS 8
#define IDLE_MS 250
#define TICK_MS 250u
#define TICKS_A_SECOND 4u
#define DRAIN_LOOK_MS 20

struct loop {
    struct gateway *gateway;
    struct server *server;
    int epoll, signals;
    unsigned ticks;
    uint64_t next_tick, give_up; /* ns; give_up: when draining */
};

static int watch(const struct loop *loop, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static void take_signal(struct loop *loop)
{
    struct signalfd_siginfo info;
    if (read(loop->signals, &info, sizeof info) != sizeof info || loop->gateway->draining)
        return;
    if (info.ssi_signo == SIGHUP) {
        reload(loop->gateway);
        return;
    }
    log_event(LOG_INFO, "gateway.draining", NULL);
    loop->gateway->draining = true;
    loop->give_up = clock_mono_ns() + loop->gateway->settings.drain_ms * NS_PER_MS;
    server_quiesce(loop->server);
    subscribers_end(loop->gateway->subscribers);
}

static bool is_over(const struct loop *loop)
{
    return loop->gateway->draining &&
           (server_busy(loop->server) == 0 || clock_mono_ns() >= loop->give_up);
}

static void turn(struct loop *loop)
{
    struct gateway *gateway = loop->gateway;
    struct epoll_event events[EVENTS];
    int most = gateway->draining ? DRAIN_LOOK_MS : IDLE_MS;
    int n = epoll_wait(loop->epoll, events, EVENTS, server_timeout(loop->server, most));
    for (int i = 0; i < n; i++)
        if (events[i].data.fd == loop->signals)
            take_signal(loop);
        else if (events[i].data.fd == gateway->mailbox.fd)
            server_take_mail(loop->server);
        else if (events[i].data.fd == server_departures_fd(loop->server))
            server_take_departures(loop->server);
    uint64_t now = clock_mono_ns();
    if (now >= loop->next_tick) {
        loop->next_tick = now + TICK_MS * NS_PER_MS;
        subscribers_tick(gateway->subscribers, now);
        access_log_flush(gateway->access_log);
        if (++loop->ticks % TICKS_A_SECOND == 0)
            server_hurry(loop->server);
    }
    /* All calls of a turn leave as one frame. */
    fbx_cork(gateway->bus);
    server_run(loop->server);
    fbx_uncork(gateway->bus);
}

int loop_run(struct gateway *gateway, struct server *server, int signals)
{
    struct loop loop = {.gateway = gateway, .server = server, .signals = signals};
    loop.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop.epoll < 0)
        return -errno;
    int rc = watch(&loop, signals);
    if (rc == 0)
        rc = watch(&loop, gateway->mailbox.fd);
    if (rc == 0)
        rc = watch(&loop, server_fd(server));
    if (rc == 0)
        rc = watch(&loop, server_departures_fd(server));
    while (rc == 0 && !is_over(&loop))
        turn(&loop);
    (void)close(loop.epoll);
    return rc;
}
