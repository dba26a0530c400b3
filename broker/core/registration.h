/* registration.h - whether what a service says about itself can be: names, and bounds on
 * everything. Pure. */
#ifndef CORE_REGISTRATION_H
#define CORE_REGISTRATION_H

#include "wire/wire.h"

/* The first thing that is wrong, for people, or NULL. Whatever else a newer peer put into the
 * record counts for its size: we keep it. */
const char *registration_defect(const Farebox__V1__Register *wanted);

/* A copy to keep, to be freed as what it is, and its bytes (mem_free). */
Farebox__V1__Register *registration_copy(const Farebox__V1__Register *record, uint8_t **packed,
                                         size_t *len);
/* Does it pack to these bytes? NULL does not. */
bool registration_is(const Farebox__V1__Register *record, const uint8_t *packed, size_t len);

#endif
