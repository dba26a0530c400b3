#include "csv.h"

#include "common/date.h"

#include <errno.h>
#include <stdlib.h>

#define NUMBER_MAX 32u

bool csv_line(struct slice *rest, struct slice *line)
{
    if (rest->len == 0)
        return false;
    const uint8_t *end = memchr(rest->data, '\n', rest->len);
    size_t len = end ? (size_t)(end - rest->data) : rest->len;
    size_t taken = end ? len + 1 : len;
    bool crlf = end && end > rest->data && end[-1] == '\r';
    *line = slice_make(rest->data, crlf ? len - 1 : len);
    *rest = slice_make(rest->data + taken, rest->len - taken);
    return true;
}

/* Up to the separator or the end; `*rest` continues behind the separator. */
static struct slice take_until(struct slice *rest, char separator)
{
    const uint8_t *end = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->data) : rest->len;
    size_t taken = end ? len + 1 : len;
    struct slice field = slice_make(rest->data, len);
    *rest = slice_make(rest->data + taken, rest->len - taken);
    return field;
}

bool csv_fields(struct slice line, struct slice *fields, size_t n)
{
    size_t separators = 0;
    for (size_t i = 0; i < line.len; i++)
        separators += line.data[i] == ',';
    if (separators + 1 != n)
        return false;
    for (size_t i = 0; i < n; i++)
        fields[i] = take_until(&line, ',');
    return true;
}

/* strtod and strtoull take signs, spaces, hexadecimal and names as well. */
static bool copy_plain_number(struct slice field, const char *allowed, char out[NUMBER_MAX])
{
    if (field.len == 0 || field.len >= NUMBER_MAX)
        return false;
    for (size_t i = 0; i < field.len; i++)
        if (field.data[i] == '\0' || !strchr(allowed, field.data[i]))
            return false;
    memcpy(out, field.data, field.len);
    out[field.len] = '\0';
    return true;
}

bool csv_price(struct slice field, double *out)
{
    char text[NUMBER_MAX], *end;
    if (!copy_plain_number(field, "0123456789.", text))
        return false;
    double value = strtod(text, &end);
    if (*end != '\0' || !(value > 0))
        return false;
    *out = value;
    return true;
}

bool csv_natural(struct slice field, uint64_t *out)
{
    char text[NUMBER_MAX];
    if (!copy_plain_number(field, "0123456789", text))
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, NULL, 10);
    if (errno != 0)
        return false;
    *out = value;
    return true;
}

static bool read_month(struct slice name, unsigned *month)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (unsigned i = 0; i < 12; i++)
        if (slice_equal(name, slice_make(names + (size_t)3 * i, 3))) {
            *month = i + 1;
            return true;
        }
    return false;
}

static bool read_spoken_date(struct slice field, int32_t *out)
{
    uint64_t mday, year;
    unsigned month;
    struct slice name = take_until(&field, ' '), day = take_until(&field, ' ');
    return read_month(name, &month) && csv_natural(day, &mday) && csv_natural(field, &year) &&
           mday <= 31 && year <= 9999 && date_make((unsigned)year, month, (unsigned)mday, out);
}

bool csv_date(struct slice field, int32_t *out)
{
    return date_parse(field, out) || read_spoken_date(field, out);
}
