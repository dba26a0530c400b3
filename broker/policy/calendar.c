#include "policy/calendar.h"

/* Years are counted from March, so that the leap day is a year's last: days before
 * month m then are (153 m + 2) / 5, and eras of 400 years all have the same length. */
#define DAYS_OF_ERA 146097u
#define DAYS_BEFORE_1970 719468u /* from 0000-03-01 */

static void write_digits(char *out, uint64_t value, unsigned width)
{
    while (width-- > 0) {
        out[width] = (char)('0' + value % 10);
        value /= 10;
    }
}

void calendar_print(uint64_t hour, char *out)
{
    uint64_t days = hour / 24 + DAYS_BEFORE_1970, day_of_era = days % DAYS_OF_ERA;
    uint64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t from_march = (5 * day_of_year + 2) / 153;
    uint64_t month = from_march < 10 ? from_march + 3 : from_march - 9;
    memcpy(out, "0000-00-00T00", CALENDAR_HOUR + 1);
    write_digits(out, days / DAYS_OF_ERA * 400 + year_of_era + (month <= 2), 4);
    write_digits(out + 5, month, 2);
    write_digits(out + 8, day_of_year - (153 * from_march + 2) / 5 + 1, 2);
    write_digits(out + 11, hour % 24, 2);
}

static bool has_form(struct slice text)
{
    static const char form[] = "0000-00-00T00";
    if (text.len > CALENDAR_HOUR)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool digit = text.data[i] >= '0' && text.data[i] <= '9';
        if (form[i] == '0' ? !digit : text.data[i] != (uint8_t)form[i])
            return false;
    }
    return true;
}

/* Whether a number in that range begins with those of its digits that are there. */
static bool may_be_within(struct slice text, size_t at, size_t digits, unsigned min, unsigned max)
{
    unsigned low = 0, high = 0;
    for (size_t i = at; i < at + digits; i++) {
        bool there = i < text.len;
        low = 10 * low + (there ? (unsigned)(text.data[i] - '0') : 0);
        high = 10 * high + (there ? (unsigned)(text.data[i] - '0') : 9);
    }
    return low <= max && high >= min;
}

static unsigned number_at(struct slice text, size_t at, size_t digits)
{
    unsigned value = 0;
    for (size_t i = at; i < at + digits; i++)
        value = 10 * value + (unsigned)(text.data[i] - '0');
    return value;
}

static unsigned days_of(unsigned year, unsigned month)
{
    bool leaps = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month == 2)
        return leaps ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

bool calendar_valid_prefix(struct slice text)
{
    unsigned days = 31;
    if (!has_form(text))
        return false;
    if (text.len >= CALENDAR_MONTH)
        days = days_of(number_at(text, 0, 4), number_at(text, 5, 2));
    return may_be_within(text, 5, 2, 1, 12) && may_be_within(text, 8, 2, 1, days) &&
           may_be_within(text, 11, 2, 0, 23);
}

uint64_t calendar_month_ends(uint64_t hour)
{
    char this[CALENDAR_HOUR + 1], other[CALENDAR_HOUR + 1];
    calendar_print(hour, this);
    hour -= hour % 24;
    do
        calendar_print(hour += 24, other);
    while (memcmp(this, other, CALENDAR_MONTH) == 0);
    return hour;
}
