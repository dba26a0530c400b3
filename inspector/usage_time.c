#include "usage_time.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#define A_DAY_S 86400

static const char *print(int64_t unix_s, const char *form, char *room)
{
    time_t at = (time_t)unix_s;
    struct tm utc;
    bool fits = gmtime_r(&at, &utc) && strftime(room, USAGE_TIME_BYTES, form, &utc) > 0;
    return fits ? room : NULL;
}

/* The last day of the month before is in it. */
static int64_t month_before(int64_t unix_s)
{
    time_t at = (time_t)unix_s;
    struct tm utc;
    return gmtime_r(&at, &utc) ? unix_s - (int64_t)utc.tm_mday * A_DAY_S : unix_s;
}

const char *usage_time_read(const char *text, int64_t unix_s, char *room)
{
    if (strcmp(text, "today") == 0)
        return print(unix_s, "%Y-%m-%d", room);
    if (strcmp(text, "yesterday") == 0)
        return print(unix_s - A_DAY_S, "%Y-%m-%d", room);
    if (strcmp(text, "this-month") == 0)
        return print(unix_s, "%Y-%m", room);
    if (strcmp(text, "last-month") == 0)
        return print(month_before(unix_s), "%Y-%m", room);
    return text;
}
