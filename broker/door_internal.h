/* door_internal.h - the door's own parts, for door.c and door_io.c only. */
#ifndef BROKER_DOOR_INTERNAL_H
#define BROKER_DOOR_INTERNAL_H

#include "door.h"
#include "feeds.h"

#include <nng/nng.h>
#include <pthread.h>
#include <stdatomic.h>

enum exchange_state { RECEIVING, HELD, ANSWERING };

struct exchange {
    nng_ctx context;
    nng_aio *aio;
    enum exchange_state state;
    nng_msg *message; /* while HELD */
    struct door *door;
    struct exchange *next; /* in the inbox */
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
    struct core *core;
    struct feeds_door *feeds;
    atomic_uint connections, max_connections;
    atomic_uint receiving;

    pthread_mutex_t inbox_lock; /* held for a few instructions at a time */
    struct exchange *inbox, **inbox_end;
    struct pipe_event *events, **events_end;
    bool turning; /* somebody is at the crank */
    bool closing;
    pthread_cond_t turned;

    struct exchange *made;
    size_t n_made;

    int wake; /* eventfd: an earlier timer, or work without a thread to do it */
    _Atomic uint64_t waiting_until;
};

/* door.c: the two ways an exchange leaves the core. */
void exchange_answer(struct exchange *exchange, struct slice frame);
void exchange_receive(struct exchange *exchange);

#endif
