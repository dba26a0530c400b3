#include "terms.h"

#include <stdio.h>

/* Some are used up at once, some late, some never. */
static unsigned draw_monthly(struct dice *dice)
{
    return 1 + dice_below(dice, dice_chance(dice, 500) ? 12 : 60);
}

void terms_draw(struct terms terms[TIERS], struct dice *dice)
{
    static const char *const names[TIERS] = {"plain", "heavy", "hard", "soft"};
    for (unsigned i = 0; i < TIERS; i++) {
        terms[i] = (struct terms){.tier = names[i], .weight = 1 + dice_below(dice, 6)};
        if (i >= HARD)
            terms[i].monthly = draw_monthly(dice);
    }
    terms[SOFT].soft = true;
}

void terms_put(const struct terms terms[TIERS], struct tiers *out)
{
    for (unsigned i = 0; i < TIERS; i++) {
        char line[80], why[TIER_WHY_BYTES], monthly[32] = "";
        if (terms[i].monthly > 0)
            snprintf(monthly, sizeof monthly, " monthly=%u%s", terms[i].monthly,
                     terms[i].soft ? " soft" : "");
        snprintf(line, sizeof line, "%s weight=%u%s", terms[i].tier, terms[i].weight, monthly);
        (void)tiers_add(out, line, why);
    }
}
