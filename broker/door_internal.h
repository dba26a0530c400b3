/* door_internal.h - the door's own parts, for door.c and door_io.c only. */
#ifndef BROKER_DOOR_INTERNAL_H
#define BROKER_DOOR_INTERNAL_H

#include "door.h"
#include "feeds.h"
#include "probe.h"

#include <nng/nng.h>
#include <pthread.h>
#include <stdatomic.h>

/* A context of the socket, with an operation for each direction. The send has no
 * callback, so nng finishes it on the spot instead of waking a thread for it. */
struct exchange {
    nng_ctx context;
    nng_aio *send, *receive;
    nng_msg *message; /* received, not yet taken */
    uint32_t pipe;    /* that the request came by */
    bool unwelcome;   /* came when every context was taken */
    struct door *door;
    struct exchange *next; /* in the inbox, or in sending */
    struct exchange *next_made;
};

/* What nng tells about connections, in order with the frames. */
struct pipe_event {
    uint32_t pipe;
    bool opened;
    struct pipe_event *next;
};

struct door {
    nng_socket socket;
    size_t max_exchanges;
    struct store *store;
    struct ledger *ledger;
    struct core *core;
    struct feeds_door *feeds;
    struct prober *prober;
    atomic_uint connections, max_connections;
    atomic_uint receiving;

    pthread_mutex_t inbox_lock; /* of all down to `made`; held for a few instructions */
    struct exchange *inbox, **inbox_end;
    struct pipe_event *events, **events_end;
    bool turning; /* somebody is at the crank */
    bool closing;
    pthread_cond_t turned;

    struct exchange *made;
    size_t n_made;
    struct exchange *sending; /* answers that wait for a busy pipe; whoever is at the crank */

    int wake; /* eventfd: an earlier timer, or work without a thread to do it */
    _Atomic uint64_t waiting_until;

    _Atomic uint64_t kept; /* the newest mark the store has told of */
    uint64_t kept_told;    /* to the core; whoever is at the crank */
};

/* door.c: the two ways an exchange leaves the core. */
void exchange_answer(struct exchange *exchange, struct slice frame);
void exchange_receive(struct exchange *exchange);

#endif
