/* strict.h - libmicrohttpd 0.9 takes requests whose lines end in bare line feeds, whose headers are
 * folded or hold control characters, or that say twice how long they are; behind a proxy that reads
 * them differently, these are how requests are smuggled. What it refuses it answers itself, in
 * HTML. It has no setting against either and shows nobody the bytes, so the program has a recv()
 * and a gnutls_record_recv() of its own: libmicrohttpd is given framing only when it is whole and
 * sound (inbound.h), and in the place of what is not a sound request, to be refused as what it is.
 * The loop thread's; other threads' recv() is left alone. */
#ifndef GATEWAY_STRICT_H
#define GATEWAY_STRICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A connection is there: a request comes, after a handshake if it speaks TLS, whose head has at
 * most that many bytes. */
void strict_begin(int fd, bool tls, size_t most);
/* From now on a body in chunks may have at most `largest` bytes; one that has more is a defect
 * (413). */
void strict_allow(size_t largest);
/* The connection is gone. */
void strict_end(int fd);
/* All are. */
void strict_finish(void);

/* libmicrohttpd has read the head of the next request. */
void strict_next(int fd);
/* What is wrong with a request, and the status that says so. */
struct strict_defect {
    const char *text; /* static */
    unsigned http;
    bool no_line; /* its method and its path stand for ones that could not be read */
};

/* True: something is wrong with that request, as far as it has come. */
bool strict_defect(int fd, struct strict_defect *out);
/* Has libmicrohttpd all that came, and waits for more: of the request whose head it has read, if
 * that has `begun`, or else of the next? Of connections without TLS; false of others. */
bool strict_waits(int fd, bool begun);
/* Since when a head is under way, or the handshake, mono ns; 0: none is. */
uint64_t strict_since(int fd);

#endif
