/* net.h - a model of nng between peers and broker: connections (pipes, each with its own
 * number), and exchanges of a peer carried over its current one. In order within a pipe, with
 * random delays; lost only with their pipe, on the way there or on the way back. Callbacks
 * of exchanges that arrive close together may be swapped, as several threads do. */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "base/buf.h"
#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct world;
struct peer;

/* One request of a peer; what broker/core knows as its opaque exchange. */
struct exchange {
    struct list node; /* in net.exchanges, or in bus.inbox */
    uint32_t pipe;
    unsigned slot; /* the peer's */
    uint64_t serial;
    bool held; /* by the core */
    struct buf bytes;
};

/* One direction: when its newest frame arrives, and the latest callback. */
struct lane {
    uint64_t newest, heard;
};

struct pipe_model {
    struct peer *peer; /* NULL: the simulator's own */
    uint32_t life;     /* of the peer */
    bool alive;
    bool mute; /* nothing arrives any more, and nobody is told */
    struct lane there, back;
    unsigned held; /* exchanges of it the core holds */
};

struct net {
    struct pipe_model *pipes; /* by number; 0 is none */
    uint32_t n_pipes, cap_pipes;
    struct list exchanges; /* on their way, or held by the core */
    unsigned held;
    /* of this seed, ns */
    uint64_t delay_max, swap_max;
};

void net_init(struct world *world);
void net_finish(struct world *world);

/* A new connection; the broker hears of it before anything that comes by it. */
uint32_t net_open(struct world *world, struct peer *peer);
/* Both ends will notice, each in its own time. Harmless when it is gone already. */
void net_lose(struct world *world, uint32_t pipe);
/* Nothing arrives by it any more. */
void net_mute(struct world *world, uint32_t pipe);

void net_send(struct world *world, uint32_t pipe, unsigned slot, uint64_t serial,
              struct slice frame);
/* What the core does with an exchange. */
void net_answer(struct world *world, struct exchange *exchange, struct slice frame);
void net_release(struct world *world, struct exchange *exchange);
void exchange_free(struct exchange *exchange);

#endif
