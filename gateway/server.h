/* server.h - HTTP: libmicrohttpd, driven from our loop. Not thread safe; never blocks. */
#ifndef GATEWAY_SERVER_H
#define GATEWAY_SERVER_H

#include "gateway.h"

struct server;

/* Listens. Returns 0 or a negative errno with `why` (SETTINGS_WHY_BYTES). */
int server_create(struct server **out, struct gateway *gateway, char *why);
/* The settings are others now. */
void server_adopt(struct server *server);
void server_destroy(struct server *server); /* takes NULL */
/* Both become readable when there is something to do: with clients, and with clients that left. */
int server_fd(const struct server *server);
int server_departures_fd(const struct server *server);
/* Milliseconds until there is something to do even so; at most `most`. */
int server_timeout(const struct server *server, int most);
/* Reads, calls handlers, writes. */
void server_run(struct server *server);
/* Requests that have waited for the bus for a moment; of them those begun since server_sent(). */
unsigned server_waiting(const struct server *server);
unsigned server_begun(const struct server *server);
void server_sent(struct server *server);
/* What is in the mailbox goes out with the next server_run(). */
void server_take_mail(struct server *server);
/* What was under way for clients that left is ended. */
void server_take_departures(struct server *server);
/* Hangs up on clients that take too long over a request; once a second. */
void server_hurry(struct server *server);
/* Nobody can connect any more. */
void server_quiesce(struct server *server);
/* Requests under way. */
unsigned server_busy(const struct server *server);

#endif
