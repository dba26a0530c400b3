/* tiers.h - what can be subscribed to: a table from the lowest tier to the highest, each with what
 * it allows. A tier is configured as one line,
 *
 *     NAME [per-minute=N] [burst=N] [monthly=N] [soft] [weight=N] [services=N]
 *          [feature=NAME]... [allow=PERMISSION]...
 *
 * what is left out is not limited, except for burst, which is then per-minute, and weight, which
 * is then 1. `soft` makes the monthly quota a matter of events, not of refusals. Pure; immutable
 * once made. */
#ifndef POLICY_TIERS_H
#define POLICY_TIERS_H

#include "base/slice.h"
#include "policy/line.h"
#include "policy/window.h"

#include <stddef.h>

#define TIERS_MAX 16u
#define TIER_NAME_MAX 63u
#define TIER_WHY_BYTES LINE_WHY_BYTES
#define TIER_LINE_MAX 512u
#define TIER_GRANTS_MAX 16u /* features, and permissions */

/* Words of a tier's line. Offsets, so that a table of tiers can be copied. */
struct tier_words {
    uint16_t at[TIER_GRANTS_MAX];
    uint16_t n;
};

struct tier {
    char name[TIER_NAME_MAX + 1];
    unsigned rank;           /* 0 is the lowest */
    struct window_rate rate; /* of each user; per_minute 0: not limited */
    uint64_t monthly;        /* calls of the tenant in a calendar month (UTC); 0: not limited */
    bool soft;
    uint32_t weight;   /* of the tenant's turns when a service is saturated */
    uint32_t services; /* of the tenant's own; 0: only what max-services leaves to each */
    char line[TIER_LINE_MAX];
    struct tier_words features;    /* which the tenant has besides its own */
    struct tier_words permissions; /* call:… and publish:…, which its users have besides theirs */
};

struct tiers {
    struct tier list[TIERS_MAX];
    size_t n; /* at least 1 */
};

/* free < pro < enterprise. */
void tiers_default(struct tiers *tiers);
/* Adds a tier above those there are. -EINVAL: `why` (TIER_WHY_BYTES) names the mistake. */
int tiers_add(struct tiers *tiers, const char *line, char *why);
/* The table the lines describe, or the default one when there are none. */
int tiers_read(struct tiers *tiers, char *const *lines, size_t n, char *why);
/* A name nobody knows is the lowest tier. */
const struct tier *tiers_find(const struct tiers *tiers, struct slice name);
/* NULL when there is none. */
const struct tier *tiers_exactly(const struct tiers *tiers, struct slice name);
/* NULL beyond the last one. */
const char *tier_feature(const struct tier *tier, size_t i);
const char *tier_permission(const struct tier *tier, size_t i);

#endif
