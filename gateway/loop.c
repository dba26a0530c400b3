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
#define TICK_MS 250u
#define TICKS_A_SECOND 4u
#define DRAIN_LOOK_MS 20
#define PING_MS 1
/* A frame to the broker costs as much as several calls in it, there and back. So when many clients
 * ask at a time, calls gather until they are this part of those that wait for an answer, but never
 * longer than this after the frame before. */
#define GATHER_PART 2u
#define GATHER_NS NS_PER_MS

struct loop {
    struct gateway *gateway;
    struct server *server;
    int epoll, signals;
    unsigned ticks;
    uint64_t next_tick, give_up; /* ns; give_up: when draining */
    uint64_t sent_at;            /* ns; the last frame with calls */
    bool is_refused;
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
        server_adopt(loop->server);
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

static bool is_gathering(const struct loop *loop, uint64_t now)
{
    unsigned begun = server_begun(loop->server);
    return begun > 0 && begun * GATHER_PART < server_waiting(loop->server) &&
           now - loop->sent_at < GATHER_NS;
}

/* Whatever else is to be told to the broker goes with the calls. */
static void send_calls(struct loop *loop, uint64_t now)
{
    if (is_gathering(loop, now))
        return;
    if (server_begun(loop->server) > 0)
        loop->sent_at = now;
    server_sent(loop->server);
    fbx_uncork(loop->gateway->bus);
    fbx_cork(loop->gateway->bus);
}

/* Not longer than until the next tick, counted from the last one: from the last event, whoever
 * drips would put it off, and ticks are what ends those who drip within a second. */
static int longest_wait(const struct loop *loop)
{
    uint64_t now = clock_mono_ns();
    uint64_t left = loop->next_tick > now ? loop->next_tick - now : 0;
    int ms = (int)((left + NS_PER_MS - 1) / NS_PER_MS);
    return loop->gateway->draining && ms > DRAIN_LOOK_MS ? DRAIN_LOOK_MS : ms;
}

static int wait_for_events(struct loop *loop, struct epoll_event *events, int most)
{
    int ms = server_timeout(loop->server, most);
    struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * (long)NS_PER_MS};
    uint64_t now = clock_mono_ns();
    if (ms > 0 && is_gathering(loop, now)) {
        ms = 1;
        wait = (struct timespec){.tv_nsec = (long)(loop->sent_at + GATHER_NS - now)};
    }
    int n = epoll_pwait2(loop->epoll, events, EVENTS, &wait, NULL);
    bool is_unknown = n < 0 && errno == ENOSYS; /* before Linux 5.11 */
    return is_unknown ? epoll_wait(loop->epoll, events, EVENTS, ms) : n;
}

/* The library would wait for ever for a broker that takes the gateway's token, and whoever started
 * the gateway would never hear of it. */
static bool is_refused(struct gateway *gateway)
{
    return !atomic_load(&gateway->connected) && fbx_ping(gateway->bus, PING_MS) == FBX_EREFUSED;
}

static void look_around(struct loop *loop, uint64_t now)
{
    struct gateway *gateway = loop->gateway;
    server_take_mail(loop->server); /* whoever posted may not have got round to tell */
    subscribers_tick(gateway->subscribers, now);
    access_log_flush(gateway->access_log);
    if (++loop->ticks % TICKS_A_SECOND != 0)
        return;
    server_hurry(loop->server);
    loop->is_refused = is_refused(gateway);
}

static void turn(struct loop *loop)
{
    struct gateway *gateway = loop->gateway;
    struct epoll_event events[EVENTS];
    int n = wait_for_events(loop, events, longest_wait(loop));
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
        look_around(loop, now);
    }
    server_run(loop->server);
    send_calls(loop, clock_mono_ns());
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
    fbx_cork(gateway->bus);
    while (rc == 0 && !is_over(&loop) && !loop.is_refused)
        turn(&loop);
    fbx_uncork(gateway->bus);
    (void)close(loop.epoll);
    return loop.is_refused ? -EACCES : rc;
}
