/* duration.h - lengths of time as people write them: "250ms", "30s", "1h30m", "7d";
 * a bare number is seconds. Pure. */
#ifndef INSPECTOR_DURATION_H
#define INSPECTOR_DURATION_H

#include <stdbool.h>
#include <stdint.h>

#define DURATION_MS_MAX (3650ull * 86400ull * 1000ull) /* ten years */

/* False, and `*ms` untouched, unless the whole text is a duration from 1 ms to
 * DURATION_MS_MAX. A fraction is allowed ("1.5s"). */
bool duration_parse(const char *text, uint64_t *ms);

#endif
