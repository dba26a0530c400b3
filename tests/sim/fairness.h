/* fairness.h - what promise_fair.c remembers from turn to turn. */
#ifndef SIM_FAIRNESS_H
#define SIM_FAIRNESS_H

#include "cast.h"

#include <stdint.h>

struct fairness {
    /* Who waits for the shared service: all their ids in one number. */
    uint64_t line[SERVICES][TENANTS];
    /* Turns of the second tenant while the first waited, since the first one's last. */
    unsigned passed[SERVICES][TENANTS][TENANTS];
};

#endif
