/* exchange.h - one HTTP request under way, from its headers to the end of its response.
 *
 * The server makes it, fills in the request and calls the route's handler once the body is there.
 * The handler either fills `answer` and is done, or begins something on the bus and takes a hold:
 * then whoever has the hold fills `answer` and posts the exchange, from any thread, once or, while
 * it streams, again and again; the last post ends the hold. Everything else is the loop thread's.
 */
#ifndef GATEWAY_EXCHANGE_H
#define GATEWAY_EXCHANGE_H

#include "answer.h"
#include "base/buf.h"
#include "framing.h"
#include "gateway.h"
#include "route.h"
#include "stream.h"

struct MHD_Connection;

struct exchange {
    struct gateway *gateway;
    struct MHD_Connection *connection; /* NULL once the client is gone */
    const char *method;                /* borrowed of the server */
    char *path;
    struct routes *routes; /* in force when it came */
    const struct route *route;
    struct route_match match; /* parameters, borrowed from `path` */
    struct buf body;          /* see bodies.h */
    uint64_t body_bytes;      /* that have come of it */
    uint64_t began, answered; /* mono ns: its head was there; its response is on its way (0: no) */
    size_t sent;              /* of the response's body */

    unsigned refs; /* the server's and the holder's */
    bool received; /* whole, or as far as it is read */
    bool waits;    /* for the first post */
    bool suspended;
    bool streaming; /* the response is `stream`, and on its way */
    /* the holder's until the first post */
    struct answer answer;
    enum framing framing;
    bool streams; /* the answer's body is `stream` */
    struct stream stream;
    void *work;                                                       /* the handler's */
    uint64_t call;                                                    /* on the bus */
    bool as_gateway;                                                  /* see call.h */
    struct shown_mark asker;                                          /* of metrics.h */
    void (*on_ok)(struct exchange *exchange, const fbx_reply *reply); /* see call.h */
    /* What is under way is not wanted any more. The loop thread; may be NULL. */
    void (*on_gone)(struct exchange *exchange);

    /* the mailbox's */
    struct exchange *next;
    bool posted, finished;
    /* of those the loop has taken */
    struct exchange *taken;
    bool over;
};

struct exchange *exchange_create(struct gateway *gateway, struct MHD_Connection *connection);
void exchange_release(struct exchange *exchange); /* one of the refs; takes NULL */

/* A header of the request, or NULL. Borrowed while the connection lives. */
const char *exchange_header(const struct exchange *exchange, const char *name);
/* The client's address, without its port; behind a proxy what that says it is. */
void exchange_address(const struct exchange *exchange, char *out, size_t size);
/* The token the client shows, or NULL. */
const char *exchange_token(const struct exchange *exchange);

/* How long the client waits: X-Timeout-Ms, or the gateway's default. 0: what it says is none. */
uint32_t exchange_timeout_ms(const struct exchange *exchange);

/* The parameter of the path as text, or false when it is too long. */
bool exchange_param(const struct exchange *exchange, size_t index, char *out, size_t size);
/* Does the query say nothing but, at most once, that (NULL: nothing at all)? If not, the answer
 * says so: what is misspelt must not be taken for what was left out. */
bool exchange_query(struct exchange *exchange, const char *known);
/* The body, JSON, as MessagePack, appended; `none` is JSON that stands for an empty one. False: it
 * is not JSON, and the answer says so. */
bool exchange_body(struct exchange *exchange, const char *none, struct buf *msgpack);
/* The answer is that a token is needed. */
void exchange_needs_token(struct exchange *exchange);
/* Is there a token, a deadline and a broker to show it to? If not, the answer says so. */
bool exchange_may_ask(struct exchange *exchange, bool has_token);

/* Something is under way on the bus. */
void exchange_hold(struct exchange *exchange);
/* It did not begin after all. */
void exchange_unhold(struct exchange *exchange);
/* From now on the response is a stream of parts, put into `stream`. Before the hold. */
void exchange_stream(struct exchange *exchange, enum framing framing);
/* One part; false when the client is too slow for it, or gone. From the holder's thread. */
bool exchange_put(struct exchange *exchange, const char *kind, const char *id, struct slice json);
/* There is something to send. From any thread. */
void exchange_post(struct exchange *exchange);
/* The same, for the last time: ends the hold. */
void exchange_finish(struct exchange *exchange);
/* The client is gone: what is under way for it is ended. */
void exchange_abandon(struct exchange *exchange);

#endif
