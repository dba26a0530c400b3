#include "policy/tiers.h"

#include "base/name.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPACES " \t"

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

__attribute__((format(printf, 2, 3))) static int complain(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, TIER_WHY_BYTES, format, args);
    va_end(args);
    return -EINVAL;
}

static int read_number(uint64_t *out, const char *text, uint64_t most)
{
    char *end;
    if (*text < '0' || *text > '9')
        return -EINVAL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno || *end || number < 1 || number > most)
        return -EINVAL;
    *out = number;
    return 0;
}

struct tier_line {
    uint64_t per_minute, burst, monthly, weight, services;
    bool soft;
};

static int read_word(struct tier_line *line, const char *word, char *why)
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
    if (strcmp(word, "soft") == 0) {
        line->soft = true;
        return 0;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        size_t len = strlen(numbers[i].key);
        if (strncmp(word, numbers[i].key, len) != 0)
            continue;
        if (*numbers[i].number)
            return complain(why, "%s is there twice", word);
        if (read_number(numbers[i].number, word + len, numbers[i].most) == 0)
            return 0;
        return complain(why, "%s: a number from 1 to %llu is needed", word,
                        (unsigned long long)numbers[i].most);
    }
    return complain(
        why, "\"%.60s\" is none of per-minute=, burst=, monthly=, soft, weight=, services=", word);
}

static int check(const struct tiers *tiers, const char *name, const struct tier_line *line,
                 char *why)
{
    if (tiers->n == TIERS_MAX)
        return complain(why, "there may be %u tiers", TIERS_MAX);
    if (!name || strlen(name) > TIER_NAME_MAX || !name_valid(slice_of(name)))
        return complain(why, "a tier's line begins with its name");
    if (tiers_exactly(tiers, slice_of(name)))
        return complain(why, "the tier %s is there twice", name);
    if (line->burst && !line->per_minute)
        return complain(why, "%s: burst= needs per-minute=", name);
    if (line->soft && !line->monthly)
        return complain(why, "%s: soft needs monthly=", name);
    return 0;
}

int tiers_add(struct tiers *tiers, const char *line, char *why)
{
    char text[256], *rest = text;
    struct tier_line wanted = {0};
    if (strlen(line) >= sizeof text)
        return complain(why, "the line of a tier is too long");
    snprintf(text, sizeof text, "%s", line);
    const char *name = strtok_r(rest, SPACES, &rest);
    for (const char *word; (word = strtok_r(NULL, SPACES, &rest));) {
        if (read_word(&wanted, word, why) < 0)
            return -EINVAL;
    }
    if (check(tiers, name, &wanted, why) < 0)
        return -EINVAL;
    struct tier *tier = &tiers->list[tiers->n];
    *tier = (struct tier){
        .rank = (unsigned)tiers->n++,
        .rate = {(uint32_t)wanted.per_minute,
                 (uint32_t)(wanted.burst ? wanted.burst : wanted.per_minute)},
        .monthly = wanted.monthly,
        .soft = wanted.soft,
        .services = (uint32_t)wanted.services,
        .weight = (uint32_t)(wanted.weight ? wanted.weight : 1),
    };
    snprintf(tier->name, sizeof tier->name, "%s", name);
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
