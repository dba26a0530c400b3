/* date.h - calendar days as numbers: days since 1970-01-01, Gregorian. Pure. */
#ifndef SERVICES_COMMON_DATE_H
#define SERVICES_COMMON_DATE_H

#include "base/slice.h"

#define DATE_TEXT_SIZE 11u /* "2020-04-17" and its terminator */
#define DATE_FIRST INT32_MIN
#define DATE_LAST INT32_MAX

/* Years 1 to 9999; false and `*day` untouched for a day that is in no calendar. */
bool date_make(unsigned year, unsigned month, unsigned mday, int32_t *day);
/* Exactly YYYY-MM-DD. */
bool date_parse(struct slice text, int32_t *day);
/* `day` within years 1 to 9999. */
void date_print(int32_t day, char out[DATE_TEXT_SIZE]);

#endif
