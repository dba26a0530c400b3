#include "duration.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *suffix; /* "ms" stands before "m" so that the longer is tried first */
    uint64_t ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool read_number(const char **text, double *out)
{
    const char *at = *text;
    double value = 0, step = 1;
    for (; is_digit(*at); at++)
        value = value * 10 + (*at - '0');
    if (at == *text)
        return false;
    if (*at == '.')
        for (at++; is_digit(*at); at++)
            value += (step /= 10) * (*at - '0');
    *text = at;
    *out = value;
    return true;
}

static bool read_unit(const char **text, uint64_t *ms)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t len = strlen(units[i].suffix);
        if (strncmp(*text, units[i].suffix, len) == 0) {
            *text += len;
            *ms = units[i].ms;
            return true;
        }
    }
    return false;
}

bool duration_parse(const char *text, uint64_t *ms)
{
    double total = 0, value = 0;
    const char *at = text;
    do {
        uint64_t unit = 1000;
        if (!read_number(&at, &value))
            return false;
        bool bare = *at == '\0' && total <= 0;
        if (!bare && !read_unit(&at, &unit))
            return false;
        total += value * (double)unit;
        if (total > (double)DURATION_MS_MAX)
            return false;
    } while (*at);
    if (total < 1)
        return false;
    *ms = (uint64_t)(total + 0.5);
    return true;
}
