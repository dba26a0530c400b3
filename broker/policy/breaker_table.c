#include "policy/breaker_table.h"

#include "base/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 256u
#define HOUR_MS 3600000u

static const struct breaker_setting usual = {
    .service = "*",
    .rules = {.window_ms = 10000,
              .minimum_calls = 20,
              .failure_percent = 50,
              .slow_percent = 80,
              .slow_ms = 10000,
              .open_ms = 5000,
              .open_most_ms = 60000,
              .probes = 3},
    .eject_percent = 50,
};

/* What stands in for a table that nobody has filled in. */
static const struct breaker_setting never = {
    .service = "*",
    .rules = {.window_ms = 10000,
              .minimum_calls = 1,
              .slow_ms = HOUR_MS,
              .open_ms = 5000,
              .open_most_ms = 60000,
              .probes = 3},
};

const struct breaker_setting *breaker_table_find(const struct breaker_table *table,
                                                 struct slice service)
{
    for (size_t i = 0; i < table->n; i++) {
        if (slice_is(service, table->list[i].service))
            return &table->list[i];
    }
    return table->usual.rules.window_ms ? &table->usual : &never;
}

/* ---- reading a line ---- */

static int read_word(struct breaker_setting *setting, const char *word, char *why)
{
    struct breaker_rules *rules = &setting->rules;
    const struct {
        const char *key;
        uint32_t *number, least, most;
    } numbers[] = {
        {"window-ms=", &rules->window_ms, 100, HOUR_MS},
        {"calls=", &rules->minimum_calls, 1, 1000000},
        {"failures=", &rules->failure_percent, 0, 100},
        {"slow=", &rules->slow_percent, 0, 100},
        {"slow-ms=", &rules->slow_ms, 1, HOUR_MS},
        {"open-ms=", &rules->open_ms, 1, HOUR_MS},
        {"open-most-ms=", &rules->open_most_ms, 1, HOUR_MS},
        {"probes=", &rules->probes, 1, 1000},
        {"eject=", &setting->eject_percent, 0, 100},
    };
    if (strcmp(word, "off") == 0) {
        rules->failure_percent = rules->slow_percent = 0;
        return 0;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        size_t len = strlen(numbers[i].key);
        if (strncmp(word, numbers[i].key, len) != 0)
            continue;
        uint64_t number;
        if (line_number(&number, word + len, numbers[i].least, numbers[i].most) == 0) {
            *numbers[i].number = (uint32_t)number;
            return 0;
        }
        return line_complain(why, "%.60s: a number from %u to %u is needed", word, numbers[i].least,
                             numbers[i].most);
    }
    return line_complain(why, "\"%.60s\" is nothing a breaker can be told", word);
}

static int check(const struct breaker_table *table, const char *name,
                 const struct breaker_setting *setting, char *why)
{
    if (!name || strlen(name) > BREAKER_NAME_MAX)
        return line_complain(why, "a breaker's line begins with a service, or with *");
    if (strcmp(name, "*") != 0 && !name_valid(slice_of(name)))
        return line_complain(why, "\"%.60s\" is not the name of a service", name);
    if (strcmp(name, "*") == 0 && table->usual_told)
        return line_complain(why, "* is there twice");
    if (table->n == BREAKER_TABLE_MAX)
        return line_complain(why, "there may be %u lines", BREAKER_TABLE_MAX);
    for (size_t i = 0; i < table->n; i++) {
        if (strcmp(name, table->list[i].service) == 0)
            return line_complain(why, "%s is there twice", name);
    }
    if (setting->rules.open_most_ms < setting->rules.open_ms)
        return line_complain(why, "%s: open-most-ms= is less than open-ms=", name);
    return 0;
}

static int add(struct breaker_table *table, const char *line, char *why)
{
    char text[LINE_MAX_BYTES], *rest = text;
    struct breaker_setting wanted = table->usual;
    if (strlen(line) >= sizeof text)
        return line_complain(why, "the line of a breaker is too long");
    snprintf(text, sizeof text, "%s", line);
    const char *name = strtok_r(rest, LINE_SPACES, &rest);
    for (const char *word; (word = strtok_r(NULL, LINE_SPACES, &rest));) {
        if (read_word(&wanted, word, why) < 0)
            return -EINVAL;
    }
    if (line_says_once(line, why) < 0 || check(table, name, &wanted, why) < 0)
        return -EINVAL;
    if (strcmp(name, "*") == 0) {
        table->usual = wanted;
        table->usual_told = true;
        return 0;
    }
    snprintf(wanted.service, sizeof wanted.service, "%s", name);
    table->list[table->n++] = wanted;
    return 0;
}

int breaker_table_read(struct breaker_table *table, char *const *lines, size_t n, char *why)
{
    struct breaker_table made = {.usual = usual};
    for (size_t i = 0; i < n; i++) {
        if (add(&made, lines[i], why) < 0)
            return -EINVAL;
    }
    *table = made;
    return 0;
}
