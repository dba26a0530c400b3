/* agenda.h - what happens when, in virtual time. Appointments for the same
 * nanosecond are kept in the order they were made. */
#ifndef SIM_AGENDA_H
#define SIM_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world;

typedef void agenda_fn(struct world *world, void *arg, uint64_t number);

struct appointment {
    uint64_t at, order;
    agenda_fn *run;
    void *arg; /* borrowed */
    uint64_t number;
};

struct agenda {
    struct appointment *heap;
    size_t count, cap;
    uint64_t made;
};

void agenda_finish(struct agenda *agenda);
void agenda_add(struct agenda *agenda, uint64_t at, agenda_fn *run, void *arg, uint64_t number);
/* Takes the next one out. False: there is none. */
bool agenda_take(struct agenda *agenda, struct appointment *out);

#endif
