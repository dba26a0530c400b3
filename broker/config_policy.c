#include "config_table.h"

#include "core/chain.h"
#include "core/limits.h"
#include "policy/allow.h"
#include "policy/breaker_table.h"
#include "policy/rate_table.h"
#include "policy/tiers.h"

#include <errno.h>

static int check_tiers(const struct settings *settings, char *why, size_t why_len)
{
    char defect[LINE_WHY_BYTES];
    struct tiers tiers;
    if (tiers_read(&tiers, settings->tiers.items, settings->tiers.n, defect) == 0)
        return 0;
    snprintf(why, why_len, "%s", defect);
    return -EINVAL;
}

static int check_breakers(const struct settings *settings, char *why, size_t why_len)
{
    char defect[LINE_WHY_BYTES];
    struct breaker_table table;
    if (breaker_table_read(&table, settings->breakers.items, settings->breakers.n, defect) == 0)
        return 0;
    snprintf(why, why_len, "%s", defect);
    return -EINVAL;
}

/* A tier that nobody can have is a slip of the pen. */
static int check_rate_tiers(const struct settings *settings, const struct rate_table *table,
                            char *why, size_t why_len)
{
    char ignored[LINE_WHY_BYTES];
    struct tiers tiers;
    if (tiers_read(&tiers, settings->tiers.items, settings->tiers.n, ignored) < 0)
        return 0; /* which is said of them */
    for (size_t i = 0; i < table->n; i++) {
        const char *tier = table->list[i].tier;
        if (!tier[0] || tiers_exactly(&tiers, slice_of(tier)))
            continue;
        snprintf(why, why_len, "tier=%s: there is no such tier", tier);
        return -EINVAL;
    }
    return 0;
}

static int check_rates(const struct settings *settings, char *why, size_t why_len)
{
    char defect[LINE_WHY_BYTES];
    struct rate_table table;
    if (rate_table_read(&table, settings->rate_limits.items, settings->rate_limits.n, defect) == 0)
        return check_rate_tiers(settings, &table, why, why_len);
    snprintf(why, why_len, "%s", defect);
    return -EINVAL;
}

static int check_health(const struct settings *settings, char *why, size_t why_len)
{
    char defect[ALLOW_WHY_BYTES];
    struct allow_list list;
    if (allow_read(&list, settings->health_allow.items, settings->health_allow.n, defect) == 0)
        return 0;
    snprintf(why, why_len, "%s", defect);
    return -EINVAL;
}

static int check_durability(const struct settings *settings, char *why, size_t why_len)
{
    enum durability ignored;
    if (durability_read(&ignored, settings->durability))
        return 0;
    snprintf(why, why_len, "\"%s\" is neither crash nor power", settings->durability);
    return -EINVAL;
}

static int check_filters(const struct settings *settings, char *why, size_t why_len)
{
    const struct text_list *names = &settings->skip_filters;
    for (size_t i = 0; i < names->n; i++) {
        if (chain_may_skip(names->items[i]))
            continue;
        snprintf(why, why_len, "\"%.64s\" is no filter that can be skipped", names->items[i]);
        return -EINVAL;
    }
    return 0;
}

int config_policy_check(const struct settings *settings, size_t *culprit, char *why, size_t why_len)
{
    static const struct {
        size_t setting;
        int (*check)(const struct settings *settings, char *why, size_t why_len);
    } checks[] = {
        {SETTING_tiers, check_tiers},         {SETTING_rate_limits, check_rates},
        {SETTING_breakers, check_breakers},   {SETTING_skip_filters, check_filters},
        {SETTING_health_allow, check_health}, {SETTING_durability, check_durability},
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        *culprit = checks[i].setting;
        if (checks[i].check(settings, why, why_len) < 0)
            return -EINVAL;
    }
    return 0;
}
