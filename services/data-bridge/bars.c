#include "bars.h"

#include "base/mem.h"
#include "base/name.h"
#include "csv.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

static int refuse(struct bars_error *why, size_t line, const char *what)
{
    (void)snprintf(why->text, sizeof why->text, "line %zu: %s", line, what);
    return -EBADMSG;
}

void market_finish(struct market *market)
{
    for (size_t i = 0; i < market->count; i++)
        mem_free(market->series[i].bars);
    mem_free(market->series);
    *market = (struct market){0};
}

/* False: too long. */
static bool lower_symbol(struct slice symbol, char out[BARS_SYMBOL_MAX])
{
    if (symbol.len >= BARS_SYMBOL_MAX)
        return false;
    for (size_t i = 0; i < symbol.len; i++)
        out[i] = (char)tolower(symbol.data[i]);
    out[symbol.len] = '\0';
    return true;
}

struct series *market_find(const struct market *market, struct slice symbol)
{
    char lower[BARS_SYMBOL_MAX];
    if (!lower_symbol(symbol, lower))
        return NULL;
    for (size_t i = 0; i < market->count; i++)
        if (strcmp(market->series[i].symbol, lower) == 0)
            return &market->series[i];
    return NULL;
}

/* NULL: not a name for a series, or one that is taken. Invalidates earlier pointers. */
static struct series *market_add(struct market *market, struct slice symbol,
                                 enum bars_interval interval)
{
    struct series series = {.interval = interval};
    if (!lower_symbol(symbol, series.symbol) || !name_valid(slice_of(series.symbol)) ||
        market_find(market, symbol))
        return NULL;
    market->series = mem_realloc(market->series, (market->count + 1) * sizeof series);
    market->series[market->count] = series;
    return &market->series[market->count++];
}

/* NULL if fine, else what is wrong. */
static const char *series_append(struct series *series, const struct bar *bar)
{
    if (series->count > 0 && bar->day <= series->bars[series->count - 1].day)
        return "dates do not ascend";
    if (series->count == series->cap) {
        series->cap = series->cap ? 2 * series->cap : 128;
        series->bars = mem_realloc(series->bars, series->cap * sizeof *bar);
    }
    series->bars[series->count++] = *bar;
    return NULL;
}

static const char *read_daily_bar(struct slice line, struct bar *bar)
{
    struct slice fields[7];
    if (!csv_fields(line, fields, 7))
        return "not 7 fields";
    if (!csv_date(fields[0], &bar->day))
        return "not a date";
    if (!csv_price(fields[1], &bar->open) || !csv_price(fields[2], &bar->high) ||
        !csv_price(fields[3], &bar->low) || !csv_price(fields[4], &bar->close))
        return "not a price";
    if (bar->high < bar->low)
        return "the high is below the low";
    if (!csv_natural(fields[6], &bar->volume))
        return "not a volume";
    return NULL;
}

static bool header_is(struct slice *text, const char *expected)
{
    struct slice line;
    return csv_line(text, &line) && slice_is(line, expected);
}

int market_read_daily(struct market *market, const char *symbol, struct slice text,
                      struct bars_error *why)
{
    if (!header_is(&text, "date,open,high,low,close,adjclose,volume"))
        return refuse(why, 1, "not the header of daily bars");
    struct series *series = market_add(market, slice_of(symbol), BARS_DAILY);
    if (!series)
        return refuse(why, 1, "not a symbol, or one that is taken");
    const char *wrong = NULL;
    size_t line_number = 1;
    for (struct slice line; !wrong && csv_line(&text, &line);) {
        struct bar bar = {0};
        line_number++;
        wrong = read_daily_bar(line, &bar);
        if (!wrong)
            wrong = series_append(series, &bar);
    }
    if (!wrong && series->count == 0)
        wrong = "no bars";
    return wrong ? refuse(why, line_number, wrong) : 0;
}

static const char *read_monthly_bar(struct market *market, struct slice line)
{
    struct slice fields[3];
    struct bar bar = {0};
    if (!csv_fields(line, fields, 3))
        return "not 3 fields";
    if (!csv_date(fields[1], &bar.day))
        return "not a date";
    if (!csv_price(fields[2], &bar.close))
        return "not a price";
    struct series *series = market_find(market, fields[0]);
    if (!series || series != &market->series[market->count - 1])
        series = market_add(market, fields[0], BARS_MONTHLY);
    return series ? series_append(series, &bar) : "not a symbol, or one that is taken";
}

int market_read_monthly(struct market *market, struct slice text, struct bars_error *why)
{
    if (!header_is(&text, "symbol,date,price"))
        return refuse(why, 1, "not the header of monthly prices");
    const char *wrong = NULL;
    size_t line_number = 1;
    for (struct slice line; !wrong && csv_line(&text, &line);) {
        line_number++;
        wrong = read_monthly_bar(market, line);
    }
    return wrong ? refuse(why, line_number, wrong) : 0;
}

/* How many bars lie before that day. */
static size_t bars_before(const struct series *series, int32_t day)
{
    size_t low = 0, high = series->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (series->bars[middle].day < day)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t bars_until(const struct series *series, int32_t day)
{
    return day == INT32_MAX ? series->count : bars_before(series, day + 1);
}

struct bars_range series_between(const struct series *series, int32_t from, int32_t to)
{
    size_t first = bars_before(series, from), end = bars_until(series, to);
    return (struct bars_range){first, end > first ? end - first : 0};
}

const struct bar *series_at(const struct series *series, int32_t day)
{
    size_t count = bars_until(series, day);
    return count > 0 ? &series->bars[count - 1] : NULL;
}
