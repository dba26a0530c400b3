/* usage_time.h - the times of usage as people say them. Pure. */
#ifndef INSPECTOR_USAGE_TIME_H
#define INSPECTOR_USAGE_TIME_H

#include <stdint.h>

#define USAGE_TIME_BYTES (sizeof "2026-11-24")

/* "today", "yesterday", "this-month" and "last-month", in UTC and seen from `unix_s`, as the day or
 * month it is, written into `room` (USAGE_TIME_BYTES); any other text as it is. Returns one of the
 * two; NULL: there is no such day. */
const char *usage_time_read(const char *text, int64_t unix_s, char *room);

#endif
