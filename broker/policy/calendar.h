/* calendar.h - hours of UTC as texts that sort as they follow each other, and of which
 * a day or a month is the beginning: "2026-11-24T13". Pure. */
#ifndef POLICY_CALENDAR_H
#define POLICY_CALENDAR_H

#include "base/slice.h"

#include <stdint.h>

#define CALENDAR_HOUR 13u /* bytes of the text */
#define CALENDAR_DAY 10u  /* of these, those that say which day */
#define CALENDAR_MONTH 7u

/* Hours since 1970; up to the year 9999. Writes CALENDAR_HOUR bytes and a NUL. */
void calendar_print(uint64_t hour, char *out);
/* The first hour of the month after this hour's. */
uint64_t calendar_month_ends(uint64_t hour);
/* The beginning of such a text, from the year on: "2026", "2026-11-2" and "2026-11-24T" are fine,
 * "2026-13" and "2026-02-30" are not, because no hour begins like that. */
bool calendar_valid_prefix(struct slice text);

#endif
