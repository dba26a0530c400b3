/* server.h - HTTP: libmicrohttpd, driven from our loop. Not thread safe; never blocks. */
#ifndef GATEWAY_SERVER_H
#define GATEWAY_SERVER_H

#include "gateway.h"

struct server;

/* Listens. Returns 0 or a negative errno with `why` (GATEWAY_WHY_BYTES). */
int server_create(struct server **out, struct gateway *gateway, char *why);
void server_destroy(struct server *server); /* takes NULL */
/* Becomes readable when there is something to do. */
int server_fd(const struct server *server);
/* Milliseconds until there is something to do even so; at most `most`. */
int server_timeout(const struct server *server, int most);
/* Reads, calls handlers, writes. */
void server_run(struct server *server);
/* These are answered: their connections go on with the next server_run(). */
void server_resume(struct server *server, struct exchange *answered);
/* No new connections. */
void server_quiesce(struct server *server);
/* Requests under way. */
unsigned server_busy(const struct server *server);

#endif
