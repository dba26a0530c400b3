/* terms.h - what tenants subscribe to, known here as plain numbers, next to the lines of tiers made
 * from them for the broker. */
#ifndef SIM_TERMS_H
#define SIM_TERMS_H

#include "dice.h"
#include "policy/tiers.h"

enum tier_name { PLAIN, HEAVY, HARD, SOFT, TIERS };

struct terms {
    const char *tier;
    unsigned weight;
    unsigned monthly; /* calls; 0: no quota */
    bool soft;
};

void terms_draw(struct terms terms[TIERS], struct dice *dice);
/* As the broker's configuration has them. */
void terms_put(const struct terms terms[TIERS], struct tiers *out);
/* Does it refuse anything? */
static inline bool terms_hard(const struct terms *terms)
{
    return terms->monthly > 0 && !terms->soft;
}

#endif
