/* exchange.h - one HTTP request under way, from its headers to its response.
 *
 * The server makes it, fills in the request and calls the route's handler once the body is there.
 * The handler either fills `answer` and is done, or begins something on the bus and takes a hold;
 * the connection is then suspended until whoever has the hold posts the exchange. */
#ifndef GATEWAY_EXCHANGE_H
#define GATEWAY_EXCHANGE_H

#include "answer.h"
#include "base/buf.h"
#include "gateway.h"
#include "route.h"

struct MHD_Connection;

#define EXCHANGE_ID_BYTES 64u

struct exchange {
    struct gateway *gateway;
    struct MHD_Connection *connection; /* NULL once the client is gone */
    const struct route *route;
    struct route_match match; /* parameters of the path, borrowed from it */
    char *path;
    const char *method; /* borrowed of the server */
    struct buf body;
    struct answer answer;
    uint64_t call; /* under way on the bus, 0: none */
    bool begun, held, answered, suspended;
    bool too_large;
    struct exchange *next; /* in the mailbox */
};

/* The loop thread's. */
struct exchange *exchange_create(struct gateway *gateway, struct MHD_Connection *connection);
void exchange_destroy(struct exchange *exchange); /* not held; takes NULL */

/* A header of the request, or NULL. Borrowed while the connection lives. */
const char *exchange_header(const struct exchange *exchange, const char *name);
/* The token the client shows, or NULL. */
const char *exchange_token(const struct exchange *exchange);

/* Something is under way; the exchange stays until it is posted. */
void exchange_hold(struct exchange *exchange);
/* From any thread: `answer` is complete. Ends the hold. */
void exchange_post(struct exchange *exchange);

#endif
