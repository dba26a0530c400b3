/* data-bridge's pure parts: dates, CSV, series. */
#include "data-bridge/bars.h"

#include "../testing.h"
#include "common/date.h"
#include "data-bridge/csv.h"
#include "market_data.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int32_t day_of(const char *text)
{
    int32_t day = 0;
    assert_true(date_parse(slice_of(text), &day));
    return day;
}

/* ---- dates ---- */

static void dates_agree_with_the_c_library(void **state)
{
    (void)state;
    for (int32_t day = day_of("0001-01-01"); day <= day_of("9999-12-31"); day += day % 2 ? 1 : 17) {
        time_t seconds = (time_t)day * 86400;
        struct tm tm;
        char text[DATE_TEXT_SIZE], expected[40];
        assert_non_null(gmtime_r(&seconds, &tm));
        date_print(day, text);
        (void)snprintf(expected, sizeof expected, "%04d-%02d-%02d", tm.tm_year + 1900,
                       tm.tm_mon + 1, tm.tm_mday);
        assert_string_equal(text, expected);
        assert_int_equal(day_of(text), day);
    }
}

static void dates_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",           "2020-04-1",  "2020-4-17",  "2020-04-170",
                                        "2020/04/17", "2021-02-29", "1900-02-29", "2020-13-01",
                                        "2020-00-01", "2020-04-31", "2020-04-00", "0000-01-01",
                                        "2020-04- 7", "+020-04-17", "2020-04-1\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int32_t day = 77;
        if (date_parse(slice_of(wrong[i]), &day) || day != 77)
            fail_msg("took '%s'", wrong[i]);
    }
    assert_int_equal(day_of("2000-02-29"), 11016);
}

/* ---- CSV ---- */

static void lines_end_with_lf_crlf_or_the_file(void **state)
{
    (void)state;
    struct slice rest = slice_of("one\ntwo\r\n\nlast"), line;
    static const char *const expected[] = {"one", "two", "", "last"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(csv_line(&rest, &line));
        assert_true(slice_is(line, expected[i]));
    }
    assert_false(csv_line(&rest, &line));
    rest = slice_of("\r\n");
    assert_true(csv_line(&rest, &line));
    assert_int_equal(line.len, 0);
    assert_false(csv_line(&rest, &line));
}

static void fields_are_counted(void **state)
{
    (void)state;
    struct slice fields[3];
    assert_true(csv_fields(slice_of("a,,c"), fields, 3));
    assert_true(slice_is(fields[0], "a") && slice_is(fields[1], "") && slice_is(fields[2], "c"));
    assert_true(csv_fields(slice_of(",,"), fields, 3));
    assert_false(csv_fields(slice_of("a,b"), fields, 3));
    assert_false(csv_fields(slice_of("a,b,c,d"), fields, 3));
    assert_true(csv_fields(slice_of(""), fields, 1));
}

static void only_plain_numbers_are_numbers(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",    "-1",  "+1", "1e3",   "0x10",
        "nan", "inf", " 1", "1 ",    "1,5",
        "0",   "0.0", ".",  "1.2.3", "100000000000000000000000000000000000"};
    double price = 0;
    uint64_t natural = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (csv_price(slice_of(wrong[i]), &price))
            fail_msg("took '%s'", wrong[i]);
    assert_true(csv_price(slice_of("1455.219971"), &price));
    assert_true(price == 1455.219971);
    assert_true(csv_natural(slice_of("18446744073709551615"), &natural));
    assert_true(natural == UINT64_MAX);
    assert_false(csv_natural(slice_of("18446744073709551616"), &natural));
    assert_false(csv_natural(slice_of("1.5"), &natural));
}

static void a_number_stops_where_its_field_does(void **state)
{
    (void)state;
    double price = 0;
    assert_true(csv_price(slice_make("12345", 2), &price));
    assert_true(price == 12);
    assert_false(csv_price(slice_make("1\0002", 3), &price));
}

static void months_may_be_spelt_out(void **state)
{
    (void)state;
    int32_t day = 0;
    assert_true(csv_date(slice_of("Feb 29 2000"), &day));
    assert_int_equal(day, day_of("2000-02-29"));
    assert_true(csv_date(slice_of("2010-03-01"), &day));
    assert_int_equal(day, day_of("2010-03-01"));
    assert_false(csv_date(slice_of("Feb 29 2001"), &day));
    assert_false(csv_date(slice_of("Foo 1 2001"), &day));
    assert_false(csv_date(slice_of("Feb 1"), &day));
    assert_false(csv_date(slice_of("Feb 1 2001 "), &day));
    assert_false(csv_date(slice_of("Feb 4294967297 2001"), &day));
}

/* ---- series ---- */

#define DAILY "date,open,high,low,close,adjclose,volume\n"
#define MONTHLY "symbol,date,price\n"

static void assert_refused(int rc, const struct bars_error *why, const char *because)
{
    assert_int_equal(rc, -EBADMSG);
    if (!strstr(why->text, because))
        fail_msg("'%s' does not say '%s'", why->text, because);
}

static void wrong_rows_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *because;
    } daily[] =
        {
            {"", "line 1"},
            {"Date,Open\n", "line 1: not the header"},
            {DAILY "2000-01-03,1,2,1,2,2,5\n2000-01-03,1,2,1,2,2,5\n",
             "line 3: dates do not ascend"},
            {DAILY "2000-01-04,1,2,1,2,2,5\n2000-01-03,1,2,1,2,2,5\n",
             "line 3: dates do not ascend"},
            {DAILY "2000-01-32,1,2,1,2,2,5\n", "line 2: not a date"},
            {DAILY "2000-01-03,1,2,1,0,2,5\n", "line 2: not a price"},
            {DAILY "2000-01-03,1,1,2,1,1,5\n", "line 2: the high is below the low"},
            {DAILY "2000-01-03,1,2,1,2,2,-5\n", "line 2: not a volume"},
            {DAILY, "line 1: no bars"},
            {DAILY "2000-01-03,1,2,1,2,2\n", "line 2: not 7 fields"},
            {DAILY "2000-01-03,1,2,1,2,2,5\n\n", "line 3: not 7 fields"},
        },
      monthly[] = {
          {MONTHLY "A,Jan 1 2000\n", "line 2: not 3 fields"},
          {MONTHLY "A,Jan 1 2000,x\n", "line 2: not a price"},
          {MONTHLY "A,Jan 2000,1\n", "line 2: not a date"},
          {MONTHLY "A.B,Jan 1 2000,1\n", "line 2: not a symbol"},
          {MONTHLY ",Jan 1 2000,1\n", "line 2: not a symbol"},
          {MONTHLY "ABCDEFGHIJKLMNOPQ,Jan 1 2000,1\n", "line 2: not a symbol"},
          {MONTHLY "A,Jan 1 2000,1\nB,Jan 1 2000,1\nA,Feb 1 2000,1\n", "line 4: not a symbol"},
      };
    struct bars_error why;
    for (size_t i = 0; i < sizeof daily / sizeof *daily; i++) {
        struct market market = {0};
        assert_refused(market_read_daily(&market, "x", slice_of(daily[i].text), &why), &why,
                       daily[i].because);
        market_finish(&market);
    }
    for (size_t i = 0; i < sizeof monthly / sizeof *monthly; i++) {
        struct market market = {0};
        assert_refused(market_read_monthly(&market, slice_of(monthly[i].text), &why), &why,
                       monthly[i].because);
        market_finish(&market);
    }
}

static void a_symbol_is_taken_once(void **state)
{
    (void)state;
    struct market market = {0};
    struct bars_error why;
    struct slice text = slice_of(DAILY "2000-01-03,1,2,1,2,2,5\n");
    assert_int_equal(market_read_daily(&market, "x", text, &why), 0);
    assert_refused(market_read_daily(&market, "X", text, &why), &why, "taken");
    market_finish(&market);
}

static void reads_the_real_files(void **state)
{
    (void)state;
    struct market market = {0};
    market_data_read(&market);
    assert_int_equal(market.count, 6);
    const struct series *sp500 = market_find(&market, slice_of("SP500"));
    assert_non_null(sp500);
    assert_int_equal(sp500->interval, BARS_DAILY);
    assert_int_equal(sp500->count, 5105);
    const struct bar *last = &sp500->bars[5104];
    assert_int_equal(last->day, day_of("2020-04-17"));
    assert_true(last->open == 2842.429932 && last->high == 2879.219971);
    assert_true(last->low == 2830.879883 && last->close == 2874.560059);
    assert_true(last->volume == 5792140000);
    const struct series *goog = market_find(&market, slice_of("Goog"));
    assert_non_null(goog);
    assert_string_equal(goog->symbol, "goog");
    assert_int_equal(goog->interval, BARS_MONTHLY);
    assert_int_equal(goog->count, 68);
    assert_int_equal(goog->bars[0].day, day_of("2004-08-01"));
    assert_true(goog->bars[0].close == 102.37);
    assert_null(market_find(&market, slice_of("goo")));
    assert_null(market_find(&market, slice_of("googleplexgoogleplex")));
    market_finish(&market);
}

static void ranges_agree_with_counting(void **state)
{
    (void)state;
    struct bar bars[] = {{.day = 2}, {.day = 3}, {.day = 5}, {.day = 9}};
    struct series series = {.bars = bars, .count = 4};
    for (int32_t from = 0; from < 11; from++)
        for (int32_t to = 0; to < 11; to++) {
            size_t count = 0;
            for (size_t i = 0; i < 4; i++)
                count += bars[i].day >= from && bars[i].day <= to;
            struct bars_range range = series_between(&series, from, to);
            assert_int_equal(range.count, count);
            if (count > 0)
                assert_true(bars[range.first].day >= from && bars[range.first].day <= to);
        }
    assert_int_equal(series_between(&series, DATE_FIRST, DATE_LAST).count, 4);
}

static void the_last_bar_at_or_before_a_day(void **state)
{
    (void)state;
    struct bar bars[] = {{.day = 2}, {.day = 3}, {.day = 5}};
    const struct series series = {.bars = bars, .count = 3}, empty = {0};
    assert_null(series_at(&series, 1));
    assert_ptr_equal(series_at(&series, 2), &bars[0]);
    assert_ptr_equal(series_at(&series, 4), &bars[1]);
    assert_ptr_equal(series_at(&series, DATE_LAST), &bars[2]);
    assert_null(series_at(&empty, DATE_LAST));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_agree_with_the_c_library),
        cmocka_unit_test(dates_that_do_not_exist_are_refused),
        cmocka_unit_test(lines_end_with_lf_crlf_or_the_file),
        cmocka_unit_test(fields_are_counted),
        cmocka_unit_test(only_plain_numbers_are_numbers),
        cmocka_unit_test(a_number_stops_where_its_field_does),
        cmocka_unit_test(months_may_be_spelt_out),
        cmocka_unit_test(wrong_rows_are_named),
        cmocka_unit_test(a_symbol_is_taken_once),
        cmocka_unit_test(reads_the_real_files),
        cmocka_unit_test(ranges_agree_with_counting),
        cmocka_unit_test(the_last_bar_at_or_before_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
