/* bus.h - the broker as a process: the core, its turns, its store, and its death. */
#ifndef SIM_BUS_H
#define SIM_BUS_H

#include "bus_store.h"
#include "core/core.h"
#include "net.h"

#define FEEDS_MAX 1024u
#define QUEUE_MAX 200u /* calls that wait for a service */
/* What users may call only so often, in runs that have a limit. */
#define LIMITED_SERVICE ORDERS
#define LIMITED_METHOD FAIL
#define TOPIC_BYTES 40u

/* The event of that number in the broker's life, as witnessed in its own tenant. */
struct witnessed {
    unsigned tenant;
    unsigned also;  /* other tenants that are told: bits */
    unsigned event; /* in books.events; 0: not one of ours */
    char topic[TOPIC_BYTES];
};

struct user;

struct feed_model {
    bool open, witness;
    unsigned owner;            /* the tenant that opened it: a bit; 0: not known yet */
    unsigned tenants;          /* whose bytes it has carried: bits */
    const struct user *opener; /* NULL: not known yet */
    char id[33];
};

struct bus {
    struct core *core; /* NULL: the broker is down */
    struct limits limits;
    uint32_t boot;         /* counts starts */
    uint64_t frozen_until; /* stopped until then */
    bool in_turn, leaving;
    struct list inbox; /* exchanges that have come */
    uint64_t *events;  /* pipes: number * 2, and 1 more when opened */
    size_t n_events, cap_events;
    uint64_t turn_at; /* the next turn planned; 0: none */
    uint64_t turns;
    struct bus_store store;
    struct feed_model feeds[FEEDS_MAX];
    unsigned n_feeds;
    uint32_t witness_pipe;
    unsigned witnesses;
    struct witnessed *log; /* of this boot */
    size_t n_log, cap_log;
};

void bus_init(struct world *world); /* draws the limits */
void bus_finish(struct world *world);
void bus_start(struct world *world);
/* kill -9: nothing is said, all pipes break. */
void bus_kill(struct world *world);
/* SIGTERM: drains, then goes. It is started again by itself. */
void bus_stop(struct world *world);

void bus_hear_of_pipe(struct world *world, uint32_t pipe, bool opened);
void bus_take(struct world *world, struct exchange *exchange);
void bus_plan_turn(struct world *world, uint64_t at);

#endif
