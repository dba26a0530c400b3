/* world.h - everything there is in one simulated run: one seed, one thread, virtual
 * time. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "agenda.h"
#include "books.h"
#include "bus.h"
#include "cast.h"
#include "dice.h"
#include "errands.h"
#include "fairness.h"
#include "net.h"
#include "observer.h"
#include "peer.h"
#include "promise.h"
#include "sight.h"
#include "trace.h"

enum phase {
    PHASE_BUSY,    /* work and faults */
    PHASE_HEALING, /* no more of either: everything must come to rest */
    PHASE_PROBING, /* every peer makes a call, every tenant publishes: it must work */
    PHASE_OVER,
};

enum { MONTHS = 2 };

struct world {
    uint64_t seed;
    uint64_t now;       /* ns, monotonic */
    uint64_t begins_ms; /* Unix, by the calendar */
    uint64_t skew_ms;   /* how far the calendar has jumped ahead */
    enum phase phase;
    struct dice dice, entropy; /* entropy: what the broker and the peers take for random */
    uint64_t ticks;
    struct agenda agenda;
    struct trace trace;
    struct cast cast;
    const struct user *witness_users[TENANTS];
    struct net net;
    struct bus bus;
    struct peer peers[PEERS_MAX];
    unsigned n_peers;
    struct books books;
    struct list tasks; /* requests that are not answered at once */
    struct breach breach;
    struct sights sights;
    struct fairness fairness;
    struct errands errands;
    unsigned told[TENANTS][MONTHS + 1]; /* percent of the quota, of which the tenant was told */
    bool bulk;        /* payloads are large: frames fill, and queue one behind the other */
    uint64_t pace;    /* ns, the longest pause between a client's actions */
    unsigned trouble; /* how often a fault strikes, per mille and beat */
};

struct outcome {
    struct breach breach;
    struct sights sights;
    uint64_t hash;
    uint64_t calls, events, deliveries, turns, boots;
};

/* Plays one seed from beginning to end. */
struct outcome world_run(uint64_t seed, enum trace_mode mode);

struct moment world_moment(const struct world *world);
/* From 1; some runs see the second. */
unsigned world_month(const struct world *world);
/* Has the user's token ended by now? */
bool world_expired(const struct world *world, const struct user *user);

#endif
