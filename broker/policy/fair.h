/* fair.h - a line of calls in front of a service, shared fairly: each tenant has a lane of
 * its own, and the lanes are served by deficit round robin, a lane of weight w getting w turns for
 * every one of a lane of weight 1. Within a lane first come, first served. When the line is full
 * the newest of the longest lane (for its weight) makes room, so who waits little is never turned
 * away by who waits much. Pure; owns no calls: nodes live in them. Not thread safe. */
#ifndef POLICY_FAIR_H
#define POLICY_FAIR_H

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
    struct map lanes;   /* by tenant; only those somebody waits in */
    struct list active; /* all of them, the one being served first */
    uint32_t n;         /* nodes */
};

void fair_init(struct fair *fair);
void fair_finish(struct fair *fair); /* must be empty */
void fair_push(struct fair *fair, struct slice tenant, uint32_t weight, struct fair_node *node);
/* Whose turn it is, taken out; NULL when nobody waits. */
struct fair_node *fair_pop(struct fair *fair);
/* The same without taking it out or using up the turn. */
struct fair_node *fair_peek(struct fair *fair);
void fair_remove(struct fair *fair, struct fair_node *node);
/* How many would be served before a call of `tenant` that comes now; at least, because of the other
 * lanes only the first FAIR_LANES_SEEN are looked at. */
uint64_t fair_before(const struct fair *fair, struct slice tenant, uint32_t weight);
/* Who makes room for a call of `tenant`, not yet taken out; NULL: nobody has a longer lane, the
 * newcomer itself is turned away. */
struct fair_node *fair_displaced(const struct fair *fair, struct slice tenant, uint32_t weight);

#endif
