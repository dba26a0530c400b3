#include "moment.h"

#include <string.h>
#include <time.h>

/* Reads as many digits as the form has '0's, and the signs between them. */
static bool matches(const char *text, const char *form)
{
    if (strlen(text) != strlen(form))
        return false;
    for (; *form; text++, form++) {
        bool digit = *text >= '0' && *text <= '9';
        if (*form == '0' ? !digit : *text != *form)
            return false;
    }
    return true;
}

static int number(const char *digits, unsigned n)
{
    int value = 0;
    for (; n > 0; n--)
        value = 10 * value + (*digits++ - '0');
    return value;
}

bool moment_parse(const char *text, uint64_t *unix_ms)
{
    bool seconds = matches(text, "0000-00-00T00:00:00Z");
    bool minutes = seconds || matches(text, "0000-00-00T00:00Z");
    if (strcmp(text, "never") == 0) {
        *unix_ms = 0;
        return true;
    }
    if (!minutes && !matches(text, "0000-00-00"))
        return false;
    const struct tm wanted = {.tm_year = number(text, 4) - 1900,
                              .tm_mon = number(text + 5, 2) - 1,
                              .tm_mday = number(text + 8, 2),
                              .tm_hour = minutes ? number(text + 11, 2) : 0,
                              .tm_min = minutes ? number(text + 14, 2) : 0,
                              .tm_sec = seconds ? number(text + 17, 2) : 0};
    struct tm made = wanted;
    time_t unix_s = timegm(&made); /* carries the 31st of April over into May */
    if (unix_s <= 0 || made.tm_mon != wanted.tm_mon || made.tm_mday != wanted.tm_mday ||
        made.tm_hour != wanted.tm_hour || made.tm_min != wanted.tm_min ||
        made.tm_sec != wanted.tm_sec)
        return false;
    *unix_ms = (uint64_t)unix_s * 1000;
    return true;
}
