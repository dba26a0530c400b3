/* peer.h - a process on the bus: its transport as the client library's, its life and its
 * death. What it does with the bus is its role's. */
#ifndef SIM_PEER_H
#define SIM_PEER_H

#include "agenda.h"
#include "cast.h"
#include "client/engine.h"
#include "net.h"

#define PEERS_MAX 20u
#define PEER_SLOTS ENGINE_EXCHANGES
#define TICK_NS (40 * NS_PER_MS)

struct peer;

/* How a peer without an engine hears of the transport. */
struct raw_role {
    void (*up)(struct world *world, struct peer *peer);
    void (*answer)(struct world *world, struct peer *peer, unsigned slot, struct slice frame);
    void (*failed)(struct world *world, struct peer *peer, unsigned slot);
    void (*act)(struct world *world, struct peer *peer);
};

struct peer {
    struct world *world;
    unsigned number; /* its place in world.peers */
    const struct user *user;
    const struct raw_role *raw; /* NULL: it has an engine */
    unsigned serves;            /* services it registers: bits */
    bool owns;                  /* for its own tenant only */
    bool calls;                 /* acts as a client */
    bool sees_all;              /* may be shown every tenant */

    uint32_t life; /* counts them */
    bool alive;
    uint32_t session; /* counts sessions its engine has had, over all lives */
    struct engine *engine;
    uint64_t frozen_until, thawed_at;
    uint64_t refused_at; /* when its engine was told that its token is no good; 0: not */
    uint32_t pipe;       /* its transport's, 0: none */
    struct peer_slot {
        bool busy;
        uint64_t serial;
        uint32_t pipe; /* that carries it; 0: it waits for one */
        struct buf waiting;
    } slots[PEER_SLOTS];
    uint64_t serials;
    unsigned recent[8]; /* calls it made, for cancelling */
    unsigned n_recent;
    uint8_t session_id[16];   /* a raw peer's */
    uint64_t sequence, heard; /* its frames, and the broker's */
    bool greeted;
};

void peer_start(struct peer *peer);
/* kill -9 */
void peer_kill(struct peer *peer);
/* Dead for a while, then there again. */
void peer_restart_at(struct peer *peer, uint64_t at);
/* SIGSTOP, and SIGCONT later. */
void peer_freeze(struct peer *peer, uint64_t until);
void peer_finish(struct peer *peer);

/* Starts an exchange. A slot must be free. */
void peer_send(struct peer *peer, unsigned slot, struct slice frame);
/* A free slot, or PEER_SLOTS. */
unsigned peer_free_slot(const struct peer *peer);
bool peer_ready(const struct peer *peer);

/* For what happens to a peer later: its life, and something small. */
static inline uint64_t peer_stamp(const struct peer *peer, uint32_t what)
{
    return (uint64_t)peer->life << 32 | what;
}
bool peer_stale(const struct peer *peer, uint64_t stamp);
/* A stopped process does nothing: the appointment is moved to when it goes on. */
bool peer_postpones(struct world *world, struct peer *peer, agenda_fn *run, void *arg,
                    uint64_t number);

/* From the net. */
agenda_fn peer_pipe_lost;
void peer_answered(struct world *world, struct peer *peer, struct exchange *exchange);

#endif
