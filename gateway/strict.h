/* strict.h - libmicrohttpd 0.9 takes requests whose lines end in bare line feeds, whose headers are
 * folded or hold control characters, or that say twice how long they are; behind a proxy that reads
 * them differently, these are how requests are smuggled. It has no setting against it and shows
 * nobody the bytes, so the program has a recv() and a gnutls_record_recv() of its own that look at
 * what libmicrohttpd is given. One thread: the loop's. */
#ifndef GATEWAY_STRICT_H
#define GATEWAY_STRICT_H

#include <stdbool.h>

struct MHD_Connection;

/* The connection is there; what comes first, after a handshake if it speaks TLS, is the head of a
 * request. */
void strict_begin(int fd, bool tls);
/* A request has ended: what comes next is a head again. */
void strict_next(int fd);
/* The connection is gone. */
void strict_end(int fd);
/* What is wrong with the request whose headers have just been read, or NULL. */
const char *strict_defect(struct MHD_Connection *connection, int fd);
/* All connections are gone. */
void strict_finish(void);

#endif
