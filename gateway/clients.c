#include "clients.h"

#include "base/clock.h"
#include "base/mem.h"
#include "exchange.h"
#include "strict.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEPARTURES 64
#define CLOCKS_DIFFER_MS 20u /* the kernel's and ours, at most */

int clients_init(struct clients *self)
{
    list_init(&self->all);
    self->departures = epoll_create1(EPOLL_CLOEXEC);
    return self->departures < 0 ? -errno : 0;
}

void clients_finish(struct clients *self)
{
    (void)close(self->departures);
    strict_finish();
}

struct client *clients_add(struct clients *self, int fd, bool tls)
{
    struct client *client = mem_zalloc(sizeof *client);
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = client};
    client->fd = fd;
    client->since = clock_mono_ns();
    strict_begin(fd, tls);
    list_push(&self->all, &client->node);
    (void)epoll_ctl(self->departures, EPOLL_CTL_ADD, fd, &event);
    return client;
}

void clients_remove(struct clients *self, struct client *client)
{
    (void)epoll_ctl(self->departures, EPOLL_CTL_DEL, client->fd, NULL);
    strict_end(client->fd);
    list_remove(&client->node);
    mem_free(client);
}

void client_turn(struct client *client, struct exchange *exchange)
{
    client->now = exchange;
    client->dripping = 0;
    if (exchange)
        return;
    client->since = clock_mono_ns();
    strict_next(client->fd);
}

void clients_take_departures(struct clients *self)
{
    struct epoll_event events[DEPARTURES];
    int n = epoll_wait(self->departures, events, DEPARTURES, 0);
    for (int i = 0; i < n; i++) {
        const struct client *client = events[i].data.ptr;
        if (client->now && client->now->suspended)
            exchange_abandon(client->now);
    }
}

/* ---- who is too slow ---- */

/* Has anything come since its last request ended? The kernel knows when the last of it did. */
static bool has_sent(const struct client *client, uint64_t now)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    uint64_t between_ms = (now - client->since) / NS_PER_MS;
    return getsockopt(client->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
           info.tcpi_last_data_recv + CLOCKS_DIFFER_MS < between_ms;
}

static bool is_slow(struct client *client, const struct patience *patience, uint64_t now)
{
    const struct exchange *x = client->now;
    if (x)
        return !x->received && now - x->began > patience->body_ns;
    if (client->dripping == 0 && has_sent(client, now))
        client->dripping = now;
    return client->dripping > 0 && now - client->dripping > patience->headers_ns;
}

void clients_hurry(struct clients *self, const struct patience *patience)
{
    uint64_t now = clock_mono_ns();
    for (struct list *node = self->all.next; node != &self->all; node = node->next) {
        struct client *client = LIST_ENTRY(node, struct client, node);
        /* libmicrohttpd reads the end of it, and closes. */
        if (is_slow(client, patience, now))
            (void)shutdown(client->fd, SHUT_RDWR);
    }
}
