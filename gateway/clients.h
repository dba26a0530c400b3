/* clients.h - who is connected. libmicrohttpd looks at a connection only while it has something to
 * read or to write there; this sees to those that leave while their call is out, and to those that
 * send a request so slowly that it only keeps the connection, or more of one than anybody reads.
 * The loop thread's; never blocks. */
#ifndef GATEWAY_CLIENTS_H
#define GATEWAY_CLIENTS_H

#include "base/list.h"
#include "linger.h"

#include <stdint.h>

struct exchange;
struct MHD_Connection;

struct client {
    struct list node;
    struct list leaving; /* among those that left and are still here */
    int fd;
    struct exchange *now; /* NULL: between requests */
    bool left;            /* it sends nothing more */
    bool slow;            /* and was hung up on */
    bool unread;          /* nobody waits for the rest of its request: this answer is the last */
};

struct clients {
    struct list all, leaving;
    int departures; /* epoll; readable when some left, or still send though nobody listens */
    struct lingering linger;
};

/* How long a request's head may take, and its body, and a response that is no stream. */
struct patience {
    uint64_t headers_ns, body_ns;
};

int clients_init(struct clients *clients); /* negative errno */
void clients_finish(struct clients *clients);
/* The head of a request has at most that many bytes. */
struct client *clients_add(struct clients *clients, int fd, bool tls, size_t most);
/* Whose connection that is. */
struct client *client_of(struct MHD_Connection *connection);
/* Before its connection is closed. */
void clients_remove(struct clients *clients, struct client *client);
/* A request of this client begins (its headers are there), or has ended (NULL). */
void client_turn(struct client *client, struct exchange *exchange);
/* What is under way for clients that left is ended, and what comes in vain thrown away. */
void clients_take_departures(struct clients *clients);
/* Those that left, and of whose request nothing more can come, go. After libmicrohttpd has read. */
void clients_see_off(struct clients *clients);
/* Hangs up on those who are too slow, and ends what has lingered for long; once a second. */
void clients_hurry(struct clients *clients, const struct patience *patience, uint64_t now);

#endif
