#include "policy/tiers.h"

#include "base/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void tiers_default(struct tiers *tiers)
{
    static const char *const lines[] = {
        "free per-minute=100 burst=10 weight=1",
        "pro per-minute=1000 burst=100 weight=4",
        "enterprise per-minute=10000 burst=1000 weight=16",
    };
    char why[TIER_WHY_BYTES];
    *tiers = (struct tiers){0};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        (void)tiers_add(tiers, lines[i], why);
}

const struct tier *tiers_exactly(const struct tiers *tiers, struct slice name)
{
    for (size_t i = 0; i < tiers->n; i++) {
        if (slice_is(name, tiers->list[i].name))
            return &tiers->list[i];
    }
    return NULL;
}

const struct tier *tiers_find(const struct tiers *tiers, struct slice name)
{
    const struct tier *tier = tiers_exactly(tiers, name);
    return tier ? tier : &tiers->list[0];
}

/* ---- reading a line ---- */

/* What has been read of a line so far, as strtok_r() leaves it. */
struct tier_line {
    char text[TIER_LINE_MAX];
    uint64_t per_minute, burst, monthly, weight, services;
    struct tier_words features, permissions;
    bool soft;
};

/* Only what is asked for each time, of the user's own tenant: an instance or a subscription would
 * outlive the tier it was allowed by. */
static bool is_grantable(const char *permission)
{
    const char *colon = strchr(permission, ':');
    if (!colon)
        return false;
    struct slice verb = slice_make(permission, (size_t)(colon - permission));
    if (!slice_is(verb, "call") && !slice_is(verb, "publish"))
        return false;
    return strcmp(colon + 1, "*") == 0 || name_valid_pattern(slice_of(colon + 1));
}

static int take_grant(struct tier_line *line, struct tier_words *words, const char *value,
                      bool valid, char *why)
{
    if (!valid)
        return line_complain(
            why, "\"%.60s\" is no name of a feature, or no call: or publish: of one's own", value);
    if (words->n == TIER_GRANTS_MAX)
        return line_complain(why, "%.60s: a tier has at most %u of them", value, TIER_GRANTS_MAX);
    words->at[words->n++] = (uint16_t)(value - line->text);
    return 0;
}

/* 1: it was none of these words. */
static int read_grant(struct tier_line *line, const char *word, char *why)
{
    static const char feature[] = "feature=", allow[] = "allow=";
    const char *value = word + sizeof feature - 1;
    if (strncmp(word, feature, sizeof feature - 1) == 0)
        return take_grant(line, &line->features, value, name_valid(slice_of(value)), why);
    value = word + sizeof allow - 1;
    if (strncmp(word, allow, sizeof allow - 1) == 0)
        return take_grant(line, &line->permissions, value, is_grantable(value), why);
    return 1;
}

static int read_quantity(struct tier_line *line, const char *word, char *why)
{
    const struct {
        const char *key;
        uint64_t *number, most;
    } numbers[] = {
        {"per-minute=", &line->per_minute, WINDOW_RATE_MAX},
        {"burst=", &line->burst, WINDOW_RATE_MAX},
        {"monthly=", &line->monthly, UINT64_C(1000000000000)},
        {"weight=", &line->weight, 1000},
        {"services=", &line->services, 1000000},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        size_t len = strlen(numbers[i].key);
        if (strncmp(word, numbers[i].key, len) != 0)
            continue;
        if (*numbers[i].number)
            return line_complain(why, "%s is there twice", word);
        if (line_number(numbers[i].number, word + len, 1, numbers[i].most) == 0)
            return 0;
        return line_complain(why, "%s: a number from 1 to %llu is needed", word,
                             (unsigned long long)numbers[i].most);
    }
    return line_complain(why,
                         "\"%.30s\" is none of per-minute=, burst=, monthly=, soft, weight=, "
                         "services=, feature=, allow=",
                         word);
}

static int read_word(struct tier_line *line, const char *word, char *why)
{
    if (strcmp(word, "soft") == 0) {
        line->soft = true;
        return 0;
    }
    int rc = read_grant(line, word, why);
    return rc > 0 ? read_quantity(line, word, why) : rc;
}

static int check(const struct tiers *tiers, const char *name, const struct tier_line *line,
                 char *why)
{
    if (tiers->n == TIERS_MAX)
        return line_complain(why, "there may be %u tiers", TIERS_MAX);
    if (!name || strlen(name) > TIER_NAME_MAX || !name_valid(slice_of(name)))
        return line_complain(why, "a tier's line begins with its name");
    if (tiers_exactly(tiers, slice_of(name)))
        return line_complain(why, "%s is there twice", name);
    if (line->burst && !line->per_minute)
        return line_complain(why, "%s: burst= needs per-minute=", name);
    if (line->soft && !line->monthly)
        return line_complain(why, "%s: soft needs monthly=", name);
    return 0;
}

static struct tier made_of(const struct tier_line *line, const char *name, size_t rank)
{
    struct tier tier = {
        .rank = (unsigned)rank,
        .rate = {(uint32_t)line->per_minute,
                 (uint32_t)(line->burst ? line->burst : line->per_minute)},
        .monthly = line->monthly,
        .soft = line->soft,
        .services = (uint32_t)line->services,
        .weight = (uint32_t)(line->weight ? line->weight : 1),
        .features = line->features,
        .permissions = line->permissions,
    };
    snprintf(tier.name, sizeof tier.name, "%s", name);
    memcpy(tier.line, line->text, sizeof tier.line);
    return tier;
}

int tiers_add(struct tiers *tiers, const char *line, char *why)
{
    struct tier_line wanted = {.soft = false};
    char *rest = wanted.text;
    if (strlen(line) >= sizeof wanted.text)
        return line_complain(why, "the line of a tier is too long");
    snprintf(wanted.text, sizeof wanted.text, "%s", line);
    const char *name = strtok_r(rest, LINE_SPACES, &rest);
    for (const char *word; (word = strtok_r(NULL, LINE_SPACES, &rest));) {
        if (read_word(&wanted, word, why) < 0)
            return -EINVAL;
    }
    if (check(tiers, name, &wanted, why) < 0)
        return -EINVAL;
    tiers->list[tiers->n] = made_of(&wanted, name, tiers->n);
    tiers->n++;
    return 0;
}

int tiers_read(struct tiers *tiers, char *const *lines, size_t n, char *why)
{
    struct tiers made = {0};
    if (n == 0)
        tiers_default(&made);
    for (size_t i = 0; i < n; i++) {
        if (tiers_add(&made, lines[i], why) < 0)
            return -EINVAL;
    }
    *tiers = made;
    return 0;
}

static const char *word_at(const struct tier *tier, const struct tier_words *words, size_t i)
{
    return i < words->n ? tier->line + words->at[i] : NULL;
}

const char *tier_feature(const struct tier *tier, size_t i)
{
    return word_at(tier, &tier->features, i);
}

const char *tier_permission(const struct tier *tier, size_t i)
{
    return word_at(tier, &tier->permissions, i);
}
