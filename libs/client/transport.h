/* transport.h - the client's exchanges with the broker over some message library:
 * ENGINE_EXCHANGES of them, each carrying one frame there and one back. Thread safe.
 * Events come on the library's threads, several at a time, never from inside a
 * function of this header except transport_stop(). */
#ifndef CLIENT_TRANSPORT_H
#define CLIENT_TRANSPORT_H

#include "base/slice.h"

struct transport;
struct transport_message;

struct transport_options {
    const char *url;
    const char *tls_ca_file;     /* tls+tcp needs it */
    const char *tls_server_name; /* whom the certificate must name; NULL: the URL's host */
    bool patient;                /* nobody there at first is no reason to give up */
};

struct transport_events {
    void *arg;
    void (*pipe_up)(void *arg);
    /* Exchanges that were on their way end without an answer; those that were still
     * queued go out by the next pipe. */
    void (*pipe_down)(void *arg);
    /* There was nobody at the first dial; it is the last unless patient, which is not told. */
    void (*failed)(void *arg, const char *why);
    /* The exchange is free again. `message` is the receiver's to free; NULL: it failed. */
    void (*ended)(void *arg, unsigned exchange, struct transport_message *message);
};

/* Dials, and dials again whenever the connection is lost. -EINVAL: the URL makes no
 * sense or its scheme is not built in; -ENOENT: the CA file cannot be used. */
int transport_create(struct transport **out, const struct transport_options *options,
                     const struct transport_events *events);
/* Ends every exchange; no event comes after it returns. Not from an event. */
void transport_stop(struct transport *transport);
void transport_destroy(struct transport *transport); /* stopped; takes NULL */

/* Copies the frame. The exchange must be free. */
void transport_send(struct transport *transport, unsigned exchange, struct slice frame);
/* Closes the connection, so that a new one is made. */
void transport_reset(struct transport *transport);

struct slice transport_message_bytes(const struct transport_message *message);
void transport_message_free(struct transport_message *message);

#endif
