/* breaker_table.h - the rules of breakers by service. Each is configured as one line,
 *
 *     SERVICE|* [off] [window-ms=N] [calls=N] [failures=N] [slow=N] [slow-ms=N] [open-ms=N]
 *               [open-most-ms=N] [probes=N] [eject=N]
 *
 * `*` are all services without a line of their own; a line begins with what `*` says above it.
 * `off` is failures=0 slow=0. Pure; immutable once made. */
#ifndef POLICY_BREAKER_TABLE_H
#define POLICY_BREAKER_TABLE_H

#include "base/slice.h"
#include "policy/breaker.h"
#include "policy/line.h"

#include <stdbool.h>
#include <stddef.h>

#define BREAKER_TABLE_MAX 64u
#define BREAKER_NAME_MAX 63u
#define BREAKER_WHY_BYTES LINE_WHY_BYTES

struct breaker_setting {
    char service[BREAKER_NAME_MAX + 1];
    struct breaker_rules rules;
    uint32_t eject_percent; /* of a service's instances, at most */
};

/* Zeroed: no breaker ever opens by itself. */
struct breaker_table {
    struct breaker_setting usual, list[BREAKER_TABLE_MAX];
    size_t n;
    bool usual_told; /* by a line of its own */
};

/* The table that the lines describe. -EINVAL: `why` (BREAKER_WHY_BYTES) names the mistake. */
int breaker_table_read(struct breaker_table *table, char *const *lines, size_t n, char *why);
/* Never NULL. */
const struct breaker_setting *breaker_table_find(const struct breaker_table *table,
                                                 struct slice service);

#endif
