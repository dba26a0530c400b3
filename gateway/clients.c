#include "clients.h"

#include "base/clock.h"
#include "base/mem.h"
#include "exchange.h"
#include "strict.h"

#include <errno.h>
#include <microhttpd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEPARTURES 64

int clients_init(struct clients *self)
{
    struct epoll_event event = {.events = EPOLLIN};
    list_init(&self->all);
    list_init(&self->leaving);
    int rc = linger_init(&self->linger);
    self->departures = epoll_create1(EPOLL_CLOEXEC);
    if (rc == 0 && (self->departures < 0 ||
                    epoll_ctl(self->departures, EPOLL_CTL_ADD, self->linger.epoll, &event) < 0))
        rc = -errno;
    return rc;
}

void clients_finish(struct clients *self)
{
    (void)close(self->departures);
    linger_finish(&self->linger);
    strict_finish();
}

struct client *clients_add(struct clients *self, int fd, bool tls, size_t most)
{
    struct client *client = mem_zalloc(sizeof *client);
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = client};
    client->fd = fd;
    strict_begin(fd, tls, most);
    list_push(&self->all, &client->node);
    list_init(&client->leaving);
    (void)epoll_ctl(self->departures, EPOLL_CTL_ADD, fd, &event);
    return client;
}

struct client *client_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

void clients_remove(struct clients *self, struct client *client)
{
    (void)epoll_ctl(self->departures, EPOLL_CTL_DEL, client->fd, NULL);
    if (client->unread)
        linger_add(&self->linger, client->fd, clock_mono_ns());
    strict_end(client->fd);
    list_remove(&client->node);
    list_remove(&client->leaving);
    mem_free(client);
}

void client_turn(struct client *client, struct exchange *exchange)
{
    client->now = exchange;
    if (exchange)
        strict_next(client->fd);
}

void clients_take_departures(struct clients *self)
{
    struct epoll_event events[DEPARTURES];
    int n = epoll_wait(self->departures, events, DEPARTURES, 0);
    for (int i = 0; i < n; i++) {
        struct client *client = events[i].data.ptr;
        if (!client) {
            linger_run(&self->linger, clock_mono_ns());
            continue;
        }
        if (!client->left)
            list_push(&self->leaving, &client->leaving);
        client->left = true;
        if (client->now && (client->now->waits || client->now->suspended))
            exchange_abandon(client->now);
    }
}

static bool is_at_end(int fd)
{
    uint8_t byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* libmicrohttpd takes a read that was not filled for the last one until it is told of more, and is
 * not told of an end that came with the bytes before. */
void clients_see_off(struct clients *self)
{
    for (struct list *next, *node = self->leaving.next; node != &self->leaving; node = next) {
        struct client *client = LIST_ENTRY(node, struct client, leaving);
        const struct exchange *x = client->now;
        next = node->next;
        if ((x && x->received) || !strict_waits(client->fd, x) || !is_at_end(client->fd))
            continue;
        list_remove(node);
        (void)shutdown(client->fd, SHUT_RDWR); /* which it is told of */
    }
}

/* ---- who is too slow ---- */

static bool is_slow(const struct client *client, const struct patience *patience, uint64_t now)
{
    const struct exchange *x = client->now;
    uint64_t since = strict_since(client->fd);
    if (!x)
        return since > 0 && now - since > patience->headers_ns;
    if (!x->received)
        return now - x->began > patience->body_ns;
    return x->answered > 0 && !x->streaming && now - x->answered > patience->body_ns;
}

void clients_hurry(struct clients *self, const struct patience *patience, uint64_t now)
{
    linger_run(&self->linger, now);
    for (struct list *node = self->all.next; node != &self->all; node = node->next) {
        struct client *client = LIST_ENTRY(node, struct client, node);
        /* libmicrohttpd reads the end of it, and closes. */
        if (!is_slow(client, patience, now))
            continue;
        client->slow |= !client->left;
        (void)shutdown(client->fd, SHUT_RDWR);
    }
}
