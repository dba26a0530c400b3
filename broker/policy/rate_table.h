/* rate_table.h - how often calls may be made besides what a tier says of each user: of a tenant's
 * users together, of everybody, of a service or of one of its methods. Each limit is one line,
 *
 *     SERVICE[/METHOD]|* [of=user|tenant|all] [tier=NAME] per-minute=N [burst=N]
 *
 * `*` are the calls of all services together. What is left out: of=tenant, any tier, and a burst of
 * per-minute. A line for a tier stands, for those who have it, in place of one that is the same
 * but for the tier. Pure; immutable once made. */
#ifndef POLICY_RATE_TABLE_H
#define POLICY_RATE_TABLE_H

#include "base/slice.h"
#include "policy/line.h"
#include "policy/window.h"

#include <stdbool.h>
#include <stddef.h>

#define RATE_TABLE_MAX 64u
#define RATE_NAME_BYTES 68u /* "bus." and a token, and the end */

enum rate_of { RATE_OF_USER, RATE_OF_TENANT, RATE_OF_ALL, RATE_OFS };

struct rate_rule {
    char service[RATE_NAME_BYTES], method[RATE_NAME_BYTES], tier[RATE_NAME_BYTES]; /* empty: any */
    enum rate_of of;
    struct window_rate rate;
};

/* Zeroed: there are none. */
struct rate_table {
    struct rate_rule list[RATE_TABLE_MAX];
    size_t n;
};

/* The most of its rules that one call can be under: for all services, one and a method of it. */
#define RATE_RULES_OF_CALL (3u * RATE_OFS)

const char *rate_of_text(enum rate_of of);
/* The table that the lines describe. -EINVAL: `why` (LINE_WHY_BYTES) names the mistake. */
int rate_table_read(struct rate_table *table, char *const *lines, size_t n, char *why);
/* Is it what somebody of that tier is under when they call what it names? */
bool rate_rule_holds(const struct rate_table *table, const struct rate_rule *rule,
                     const char *tier);
/* Does it name the method of the service? */
bool rate_rule_names(const struct rate_rule *rule, struct slice service, struct slice method);

#endif
