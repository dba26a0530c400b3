/* nats_wire.h - just enough of the NATS protocol to load its server without its client library
 * in the way. */
#ifndef PEERS_NATS_WIRE_H
#define PEERS_NATS_WIRE_H

#include "stream.h"

#include <stdint.h>

/* One message or control line taken from the input. */
enum nats_kind { NATS_MORE, NATS_MESSAGE, NATS_PING, NATS_OTHER };

struct nats_text {
    const char *data; /* not terminated; valid until the stream is filled again */
    size_t len;
};

struct nats_message {
    struct nats_text reply, body;
};

/* Connects, logs in and waits until the server agreed; fails the program. user NULL: no login. */
struct stream *nats_dial(int epoll, int port, const char *user, const char *password);
/* NATS_MORE: nothing complete is there yet. Fails the program when the server reports an error. */
enum nats_kind nats_take(struct stream *stream, struct nats_message *message);
/* reply.len 0: no reply is wanted. The last bytes of a copy of the body are replaced by `*stamp`,
 * if given. */
void nats_publish(struct stream *stream, struct nats_text subject, struct nats_text reply,
                  struct nats_text body, const uint64_t *stamp);
/* Decimal digits; returns how many. */
size_t nats_number(char *to, uint64_t value);

#endif
