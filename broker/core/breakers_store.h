/* breakers_store.h - what of a breaker outlives the broker: that it is open, or forced. For
 * breakers.c only. */
#ifndef CORE_BREAKERS_STORE_H
#define CORE_BREAKERS_STORE_H

#include <stdbool.h>

struct core;
struct guard;

/* Writes its record, or removes it when there is nothing to remember. False: the books refuse. */
bool breakers_keep(struct core *core, struct guard *guard);
bool breakers_unkeep(struct core *core, struct guard *guard);
/* Puts the guards back as the records say. */
int breakers_load(struct core *core);

#endif
