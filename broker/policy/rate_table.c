#include "policy/rate_table.h"

#include "base/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 320u

static const char *const of_texts[RATE_OFS] = {"user", "tenant", "all"};

const char *rate_of_text(enum rate_of of)
{
    return of_texts[of];
}

/* ---- a call ---- */

static bool is_alike(const struct rate_rule *a, const struct rate_rule *b)
{
    return a->of == b->of && strcmp(a->service, b->service) == 0 &&
           strcmp(a->method, b->method) == 0;
}

bool rate_rule_holds(const struct rate_table *table, const struct rate_rule *rule, const char *tier)
{
    if (rule->tier[0])
        return strcmp(rule->tier, tier) == 0;
    for (size_t i = 0; i < table->n; i++) {
        const struct rate_rule *other = &table->list[i];
        if (other->tier[0] && is_alike(other, rule) && strcmp(other->tier, tier) == 0)
            return false;
    }
    return true;
}

bool rate_rule_names(const struct rate_rule *rule, struct slice service, struct slice method)
{
    if (rule->service[0] && !slice_is(service, rule->service))
        return false;
    return !rule->method[0] || slice_is(method, rule->method);
}

/* ---- reading a line ---- */

static int read_subject(struct rate_rule *rule, const char *text, char *why)
{
    static const char mistake[] =
        "a limit's line begins with a service, SERVICE/METHOD, or * for all";
    if (!text)
        return line_complain(why, "%s", mistake);
    if (strcmp(text, "*") == 0)
        return 0;
    struct slice service = slice_of(text), method = slice_make(NULL, 0);
    const char *slash = strchr(text, '/');
    if (slash) {
        service.len = (size_t)(slash - text);
        method = slice_of(slash + 1);
    }
    if (!name_valid_service(service) || (slash && !name_valid(method)))
        return line_complain(why, "\"%.60s\": %s", text, mistake);
    memcpy(rule->service, service.data, service.len);
    if (slash)
        memcpy(rule->method, method.data, method.len);
    return 0;
}

static int read_of(struct rate_rule *rule, const char *text, char *why)
{
    for (unsigned of = 0; of < RATE_OFS; of++) {
        if (strcmp(text, of_texts[of]) == 0) {
            rule->of = (enum rate_of)of;
            return 0;
        }
    }
    return line_complain(why, "of=%.60s: user, tenant or all is needed", text);
}

static int read_tier(struct rate_rule *rule, const char *text, char *why)
{
    if (!name_valid(slice_of(text)))
        return line_complain(why, "tier=%.60s: that is no name", text);
    snprintf(rule->tier, sizeof rule->tier, "%s", text);
    return 0;
}

static int read_rate(uint32_t *out, const char *word, const char *text, char *why)
{
    uint64_t number;
    if (line_number(&number, text, 1, WINDOW_RATE_MAX) < 0)
        return line_complain(why, "%.60s: a number from 1 to %u is needed", word, WINDOW_RATE_MAX);
    *out = (uint32_t)number;
    return 0;
}

/* What follows `key` in the word; NULL: it does not begin with that. */
static const char *after(const char *word, const char *key)
{
    size_t len = strlen(key);
    return strncmp(word, key, len) == 0 ? word + len : NULL;
}

static int read_word(struct rate_rule *rule, const char *word, char *why)
{
    const char *value;
    if ((value = after(word, "of=")))
        return read_of(rule, value, why);
    if ((value = after(word, "tier=")))
        return read_tier(rule, value, why);
    if ((value = after(word, "per-minute=")))
        return read_rate(&rule->rate.per_minute, word, value, why);
    if ((value = after(word, "burst=")))
        return read_rate(&rule->rate.burst, word, value, why);
    return line_complain(why, "\"%.60s\" is none of of=, tier=, per-minute=, burst=", word);
}

static int check(const struct rate_table *table, const char *subject, const struct rate_rule *rule,
                 char *why)
{
    if (!rule->rate.per_minute)
        return line_complain(why, "%s: per-minute= is needed", subject);
    if (table->n == RATE_TABLE_MAX)
        return line_complain(why, "there may be %u lines", RATE_TABLE_MAX);
    for (size_t i = 0; i < table->n; i++) {
        const struct rate_rule *other = &table->list[i];
        if (is_alike(other, rule) && strcmp(other->tier, rule->tier) == 0)
            return line_complain(why, "%s of=%s is there twice", subject, of_texts[rule->of]);
    }
    return 0;
}

static int add(struct rate_table *table, const char *line, char *why)
{
    char text[LINE_MAX_BYTES], *rest = text;
    struct rate_rule rule = {.of = RATE_OF_TENANT};
    if (strlen(line) >= sizeof text)
        return line_complain(why, "the line of a limit is too long");
    snprintf(text, sizeof text, "%s", line);
    const char *subject = strtok_r(rest, LINE_SPACES, &rest);
    if (read_subject(&rule, subject, why) < 0)
        return -EINVAL;
    for (const char *word; (word = strtok_r(NULL, LINE_SPACES, &rest));) {
        if (read_word(&rule, word, why) < 0)
            return -EINVAL;
    }
    if (line_says_once(line, why) < 0 || check(table, subject, &rule, why) < 0)
        return -EINVAL;
    if (!rule.rate.burst)
        rule.rate.burst = rule.rate.per_minute;
    table->list[table->n++] = rule;
    return 0;
}

int rate_table_read(struct rate_table *table, char *const *lines, size_t n, char *why)
{
    struct rate_table made = {.n = 0};
    for (size_t i = 0; i < n; i++) {
        if (add(&made, lines[i], why) < 0)
            return -EINVAL;
    }
    *table = made;
    return 0;
}
