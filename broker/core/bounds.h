/* bounds.h - all the limits of rate that a call is under at once: its tier's of each user (one
 * for services, and as much again for the broker's own), and those of the table
 * (policy/rate_table.h). A call is let through by all of them or leaves a trace in none. */
#ifndef CORE_BOUNDS_H
#define CORE_BOUNDS_H

#include "policy/rate_table.h"

struct core;
struct call;
struct identity;
struct standing;

struct bound {
    const struct rate_rule *rule; /* NULL: the tier's */
    struct slice key;             /* of its window in core/rates.h */
    struct window_rate rate;
    struct window_state state; /* once bounds_look() or bounds_admit() has asked */
};

#define BOUNDS_MAX (1u + RATE_RULES_OF_CALL)

/* Lives until the turn ends. */
struct bounds {
    struct bound list[BOUNDS_MAX];
    size_t n;
};

/* Those the call is under. What a shared service calls for its caller is under those only that name
 * the service it calls. */
void bounds_of_call(struct core *core, const struct call *call, const struct standing *standing,
                    struct bounds *out);
/* One rule, as it is for that user; looked up. */
struct bound bound_of_user(struct core *core, const struct rate_rule *rule, struct slice tenant,
                           struct slice user);

enum bounds_answer { BOUNDS_ADMIT, BOUNDS_REFUSE, BOUNDS_NO_ROOM };

/* What they would say now, of one or more. `tightest`: the one that has the caller wait longest, or
 * leaves least. */
enum bounds_answer bounds_look(struct core *core, struct bounds *bounds,
                               const struct bound **tightest);
/* Counts the call in all of them, or in none. */
enum bounds_answer bounds_admit(struct core *core, struct bounds *bounds,
                                const struct bound **tightest);

#endif
