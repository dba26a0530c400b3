#include "common/date.h"

/* Years are counted from March, so that the leap day is a year's last: days before
 * month m then are (153 m + 2) / 5, and eras of 400 years all have the same length. */
#define DAYS_OF_ERA 146097
#define DAYS_BEFORE_1970 719468 /* from 0000-03-01 */

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

bool date_make(unsigned year, unsigned month, unsigned mday, int32_t *day)
{
    if (year < 1 || year > 9999 || month < 1 || month > 12 || mday < 1 ||
        mday > days_in_month(year, month))
        return false;
    unsigned from_march = (month + 9) % 12;
    unsigned y = year - (month <= 2);
    unsigned day_of_year = (153 * from_march + 2) / 5 + mday - 1;
    unsigned year_of_era = y % 400;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    *day = (int32_t)(y / 400 * DAYS_OF_ERA + day_of_era) - DAYS_BEFORE_1970;
    return true;
}

static bool read_digits(const uint8_t *text, size_t len, unsigned *out)
{
    unsigned value = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + text[i] - '0';
    }
    *out = value;
    return true;
}

bool date_parse(struct slice text, int32_t *day)
{
    unsigned year, month, mday;
    return text.len == DATE_TEXT_SIZE - 1 && text.data[4] == '-' && text.data[7] == '-' &&
           read_digits(text.data, 4, &year) && read_digits(text.data + 5, 2, &month) &&
           read_digits(text.data + 8, 2, &mday) && date_make(year, month, mday, day);
}

static void write_digits(char *out, unsigned value, unsigned width)
{
    while (width-- > 0) {
        out[width] = (char)('0' + value % 10);
        value /= 10;
    }
}

void date_print(int32_t day, char out[DATE_TEXT_SIZE])
{
    unsigned days = (unsigned)(day + DAYS_BEFORE_1970);
    unsigned day_of_era = days % DAYS_OF_ERA;
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned from_march = (5 * day_of_year + 2) / 153;
    unsigned month = from_march < 10 ? from_march + 3 : from_march - 9;
    write_digits(out, days / DAYS_OF_ERA * 400 + year_of_era + (month <= 2), 4);
    out[4] = out[7] = '-';
    write_digits(out + 5, month, 2);
    write_digits(out + 8, day_of_year - (153 * from_march + 2) / 5 + 1, 2);
    out[DATE_TEXT_SIZE - 1] = '\0';
}
