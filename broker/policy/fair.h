/* fair.h - a line of calls in front of a service, shared fairly: each tenant has a lane of
 * its own, and the lanes take turns by start-time fair queuing: a lane's next turn is due a step of
 * 1/weight after its last one, and the one due first is served. So a lane of weight w gets w turns
 * for every one of a lane of weight 1, spread among the others' and never in a row while somebody
 * of that weight waits. Within a lane first come, first served. When the line is full
 * the newest of the longest lane (for its weight) makes room, so who waits little is never turned
 * away by who waits much. O(log lanes) for each call. Pure; owns no calls: nodes live in them. Not
 * thread safe. */
#ifndef POLICY_FAIR_H
#define POLICY_FAIR_H

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"

#include <stdint.h>

#define FAIR_WEIGHT_MAX 1000u
#define FAIR_LANES_SEEN 64u

struct fair_lane;

/* Zeroed is in no line. */
struct fair_node {
    struct list node;
    struct fair_lane *lane; /* NULL: not waiting */
};

struct fair {
    struct map lanes;     /* by tenant; only those somebody waits in */
    struct heap turns;    /* all of them, the one to be served next on top */
    struct heap longest;  /* all of them, the longest for its weight on top */
    uint64_t now, joined; /* when the last turn was due; how often a lane has taken its place */
    uint32_t n;           /* nodes */
};

void fair_init(struct fair *fair);
void fair_finish(struct fair *fair); /* must be empty */
void fair_push(struct fair *fair, struct slice tenant, uint32_t weight, struct fair_node *node);
/* Whose turn it is, taken out; NULL when nobody waits. */
struct fair_node *fair_pop(struct fair *fair);
/* The same without taking it out or using up the turn. */
struct fair_node *fair_peek(struct fair *fair);
void fair_remove(struct fair *fair, struct fair_node *node);
/* How many would be served before a call of `tenant` that comes now, if nobody left; at least,
 * because of the other lanes only FAIR_LANES_SEEN are looked at, and of turns due at the same time
 * none is counted. */
uint64_t fair_before(const struct fair *fair, struct slice tenant, uint32_t weight);
/* Who makes room for a call of `tenant`, not yet taken out; NULL: nobody has a longer lane, the
 * newcomer itself is turned away. */
struct fair_node *fair_displaced(const struct fair *fair, struct slice tenant, uint32_t weight);

#endif
