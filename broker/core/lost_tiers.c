#include "core/lost_tiers.h"

#include "base/log.h"
#include "core/state.h"

#include <stdio.h>

struct lost {
    const char *tier; /* of one of the records */
    unsigned long records;
};

/* The place beyond the last is for all others together. */
struct losses {
    struct lost list[LOST_TIERS_MAX + 1];
    size_t n;
};

static void add(struct losses *losses, const char *tier)
{
    size_t i = 0;
    while (i < losses->n && i < LOST_TIERS_MAX && strcmp(losses->list[i].tier, tier) != 0)
        i++;
    if (i == losses->n) {
        losses->list[i].tier = i < LOST_TIERS_MAX ? tier : "(others)";
        losses->n++;
    }
    losses->list[i].records++;
}

static void tell(const struct core *core, const struct lost *lost)
{
    char records[24];
    snprintf(records, sizeof records, "%lu", lost->records);
    log_event(LOG_WARN, "tiers.not_configured", "tier", lost->tier, "records", records, "taken_for",
              core->limits.tiers.list[0].name, NULL);
}

void lost_tiers_tell(const struct core *core)
{
    struct losses losses = {0};
    size_t cursor = 0;
    for (const struct account *account; (account = map_next(&core->accounts.by_key, &cursor));) {
        if (account->tier[0] && !tiers_exactly(&core->limits.tiers, slice_of(account->tier)))
            add(&losses, account->tier);
    }
    for (size_t i = 0; i < losses.n; i++)
        tell(core, &losses.list[i]);
}
