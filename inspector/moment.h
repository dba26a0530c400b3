/* moment.h - points in time as people write them: "2026-12-31" (its first instant, UTC),
 * "2026-12-31T18:30Z", "2026-12-31T18:30:15Z", or "never". Pure. */
#ifndef INSPECTOR_MOMENT_H
#define INSPECTOR_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

/* False, and `*unix_ms` untouched, unless the whole text is a moment from 1970 on that exists;
 * 0: never. */
bool moment_parse(const char *text, uint64_t *unix_ms);

#endif
