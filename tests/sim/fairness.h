/* fairness.h - what promise_fair.c remembers from turn to turn. */
#ifndef SIM_FAIRNESS_H
#define SIM_FAIRNESS_H

#include "bus.h"

/* Who waits for a shared service: ids of calls. */
struct waiting {
    unsigned n;
    uint64_t ids[QUEUE_MAX];
};

struct fairness {
    struct waiting line[SERVICES][TENANTS];
    /* Turns of the second tenant since the first has been waiting without a pause. */
    uint64_t turns[SERVICES][TENANTS][TENANTS];
};

#endif
