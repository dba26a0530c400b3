#include "config_table.h"

#include "core/chain.h"
#include "core/limits.h"
#include "policy/allow.h"
#include "policy/breaker_table.h"
#include "policy/rate_table.h"
#include "policy/tiers.h"

#include <errno.h>
#include <string.h>

static int check_tiers(const struct settings *settings, char *why)
{
    struct tiers tiers;
    return tiers_read(&tiers, settings->tiers.items, settings->tiers.n, why);
}

static int check_breakers(const struct settings *settings, char *why)
{
    struct breaker_table table;
    return breaker_table_read(&table, settings->breakers.items, settings->breakers.n, why);
}

static int check_health(const struct settings *settings, char *why)
{
    struct allow_list list;
    return allow_read(&list, settings->health_allow.items, settings->health_allow.n, why);
}

/* A tier that nobody can have is a slip of the pen. */
static int check_rate_tiers(const struct settings *settings, const struct rate_table *table,
                            char *why)
{
    char ignored[LINE_WHY_BYTES];
    struct tiers tiers;
    if (tiers_read(&tiers, settings->tiers.items, settings->tiers.n, ignored) < 0)
        return 0; /* which is said of them */
    for (size_t i = 0; i < table->n; i++) {
        const char *tier = table->list[i].tier;
        if (!tier[0] || tiers_exactly(&tiers, slice_of(tier)))
            continue;
        return line_complain(why, "tier=%s: there is no such tier", tier);
    }
    return 0;
}

static int check_rates(const struct settings *settings, char *why)
{
    const struct text_list *lines = &settings->rate_limits;
    struct rate_table table;
    int err = rate_table_read(&table, lines->items, lines->n, why);
    return err ? err : check_rate_tiers(settings, &table, why);
}

static int check_durability(const struct settings *settings, char *why)
{
    enum durability ignored;
    if (durability_read(&ignored, settings->durability))
        return 0;
    return line_complain(why, "\"%.60s\" is neither crash nor power", settings->durability);
}

static int check_filters(const struct settings *settings, char *why)
{
    const struct text_list *names = &settings->skip_filters;
    for (size_t i = 0; i < names->n; i++) {
        if (!chain_may_skip(names->items[i]))
            return line_complain(why, "\"%.64s\" is no filter that can be skipped",
                                 names->items[i]);
    }
    return 0;
}

/* Whoever is refused is sent there: it has to be a place for browsers. */
static int check_upgrade_url(const struct settings *settings, char *why)
{
    const char *url = settings->upgrade_url;
    size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
    if (!*url || (scheme > 0 && url[scheme]))
        return 0;
    return line_complain(why, "\"%.60s\" is not http://… or https://…", url);
}

/* Deleted before it could be put together by the day: one of the two is a slip of the pen. */
static int check_usage_kept(const struct settings *settings, char *why)
{
    if (settings->usage_kept == 0 || settings->usage_kept >= settings->usage_hours_kept)
        return 0;
    return line_complain(why, "is less than usage-hours-kept");
}

/* Lists are read from the first item on: the one with which it begins to be wrong. */
static size_t first_wrong(const struct settings *settings, size_t i,
                          int (*check)(const struct settings *settings, char *why))
{
    char ignored[LINE_WHY_BYTES];
    const struct setting *setting = &config_program.table[i];
    struct settings part = *settings;
    if (setting->kind != KIND_LIST)
        return SIZE_MAX;
    struct text_list *list = (struct text_list *)(void *)((char *)&part + setting->offset);
    size_t n = list->n;
    for (list->n = 1; list->n < n && check(&part, ignored) == 0; list->n++)
        continue;
    return list->n - 1;
}

int config_policy_check(const struct settings *settings, size_t *culprit, size_t *item, char *why,
                        size_t why_len)
{
    static const struct {
        size_t setting;
        int (*check)(const struct settings *settings, char *why);
    } checks[] = {
        {SETTING_tiers, check_tiers},
        {SETTING_rate_limits, check_rates},
        {SETTING_breakers, check_breakers},
        {SETTING_skip_filters, check_filters},
        {SETTING_health_allow, check_health},
        {SETTING_durability, check_durability},
        {SETTING_upgrade_url, check_upgrade_url},
        {SETTING_usage_kept, check_usage_kept},
    };
    char defect[LINE_WHY_BYTES];
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        *culprit = checks[i].setting;
        if (checks[i].check(settings, defect) == 0)
            continue;
        *item = first_wrong(settings, *culprit, checks[i].check);
        snprintf(why, why_len, "%s", defect);
        return -EINVAL;
    }
    return 0;
}
