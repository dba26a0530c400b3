/* performance-analytics' figures: small series by hand, real ones against
 * tests/unit/performance.awk, random ones against brute force. */
#include "performance-analytics/performance.h"

#include "../testing.h"
#include "common/date.h"
#include "market_data.h"

#include <math.h>
#include <stdlib.h>

#define MAX_PRICES 6000u

static int32_t days[MAX_PRICES];
static double closes[MAX_PRICES];

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-11 * fmax(1, fabs(expected))))
        fail_msg("%.15g is not %.15g", value, expected);
}

static struct performance measure(size_t count, double periods_a_year, double risk_free_rate)
{
    struct performance figures;
    const struct prices prices = {days, closes, count, periods_a_year};
    performance_measure(&figures, &prices, risk_free_rate);
    return figures;
}

static size_t fill(const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        days[i] = (int32_t)i;
        closes[i] = values[i];
    }
    return count;
}

static void by_hand(void **state)
{
    (void)state;
    /* Returns 0.5, -0.5, 0.5: mean 1/6, deviation sqrt(1/3). */
    size_t count = fill((const double[]){100, 150, 75, 112.5}, 4);
    struct performance figures = measure(count, 12, 0.12);
    assert_near(figures.total_return, 0.125);
    assert_near(figures.annualised_return, pow(1.125, 365.25 / 3) - 1);
    assert_near(figures.annualised_volatility, 2);
    assert_near(figures.sharpe_ratio, (1.0 / 6 - 0.01) / sqrt(1.0 / 3) * sqrt(12));
    assert_near(figures.max_drawdown.depth, 0.5);
    assert_int_equal(figures.max_drawdown.peak, 1);
    assert_int_equal(figures.max_drawdown.trough, 2);
    assert_false(figures.max_drawdown.recovered);
}

static void a_recovery_is_the_first_close_back_at_the_peak(void **state)
{
    (void)state;
    size_t count = fill((const double[]){10, 20, 10, 15, 20, 30}, 6);
    struct performance figures = measure(count, 12, 0);
    assert_true(figures.max_drawdown.recovered);
    assert_int_equal(figures.max_drawdown.recovery, 4);
}

static void of_equal_drawdowns_the_first_counts(void **state)
{
    (void)state;
    size_t count = fill((const double[]){8, 4, 4, 8, 4, 16}, 6);
    struct performance figures = measure(count, 12, 0);
    assert_int_equal(figures.max_drawdown.peak, 0);
    assert_int_equal(figures.max_drawdown.trough, 1);
    assert_int_equal(figures.max_drawdown.recovery, 3);
}

static void prices_that_never_fall_have_no_drawdown(void **state)
{
    (void)state;
    size_t count = fill((const double[]){1, 2, 2, 3}, 4);
    assert_true(measure(count, 12, 0).max_drawdown.depth == 0);
}

static void what_is_not_defined_is_nan(void **state)
{
    (void)state;
    struct performance two = measure(fill((const double[]){1, 2}, 2), 252, 0);
    assert_near(two.total_return, 1);
    assert_true(isnan(two.annualised_volatility) && isnan(two.sharpe_ratio));
    struct performance flat = measure(fill((const double[]){5, 5, 5}, 3), 252, 0);
    assert_true(flat.annualised_volatility == 0 && isnan(flat.sharpe_ratio));
    struct performance rocket = measure(fill((const double[]){1e-9, 1e9, 1e9}, 3), 252, 0);
    assert_true(isnan(rocket.annualised_return));
}

/* ---- real prices; figures by tests/unit/performance.awk ---- */

struct expected {
    const char *symbol, *from, *to;
    double risk_free_rate;
    size_t bars;
    double total_return, annualised_return, annualised_volatility, sharpe_ratio, depth;
    const char *peak, *trough, *recovery;
};

static void assert_day(int32_t day, const char *expected)
{
    char text[DATE_TEXT_SIZE];
    date_print(day, text);
    assert_string_equal(text, expected);
}

static size_t fill_from(const struct market *market, const struct expected *expected,
                        double *periods_a_year)
{
    const struct series *series = market_find(market, slice_of(expected->symbol));
    int32_t from, to;
    assert_non_null(series);
    assert_true(date_parse(slice_of(expected->from), &from));
    assert_true(date_parse(slice_of(expected->to), &to));
    struct bars_range range = series_between(series, from, to);
    for (size_t i = 0; i < range.count; i++) {
        days[i] = series->bars[range.first + i].day;
        closes[i] = series->bars[range.first + i].close;
    }
    *periods_a_year = series->interval == BARS_DAILY ? 252 : 12;
    return range.count;
}

static void assert_expected(const struct market *market, const struct expected *expected)
{
    double periods_a_year;
    size_t count = fill_from(market, expected, &periods_a_year);
    struct performance figures = measure(count, periods_a_year, expected->risk_free_rate);
    assert_int_equal(count, expected->bars);
    assert_near(figures.total_return, expected->total_return);
    assert_near(figures.annualised_return, expected->annualised_return);
    assert_near(figures.annualised_volatility, expected->annualised_volatility);
    assert_near(figures.sharpe_ratio, expected->sharpe_ratio);
    assert_near(figures.max_drawdown.depth, expected->depth);
    assert_day(figures.max_drawdown.peak, expected->peak);
    assert_day(figures.max_drawdown.trough, expected->trough);
    assert_int_equal(figures.max_drawdown.recovered, expected->recovery != NULL);
    if (expected->recovery)
        assert_day(figures.max_drawdown.recovery, expected->recovery);
}

static void real_prices_give_the_awk_figures(void **state)
{
    (void)state;
    static const struct expected expected[] = {
        {"sp500", "2000-01-01", "2020-12-31", 0, 5105, 0.975344014159, 0.034124133779,
         0.198914306207, 0.268604628972, 0.567753877503, "2007-10-09", "2009-03-09", "2013-03-28"},
        {"sp500", "2003-01-01", "2013-12-31", 0.02, 2769, 1.033332151891, 0.066672622095,
         0.201118953674, 0.322505651747, 0.567753877503, "2007-10-09", "2009-03-09", "2013-03-28"},
        {"aapl", "2000-01-01", "2010-12-31", 0.03, 123, 7.597532767926, 0.235775746057,
         0.506050249313, 0.638561671272, 0.791752577320, "2000-03-01", "2003-03-01", "2005-01-01"},
        {"goog", "2000-01-01", "2010-12-31", 0.03, 68, 4.472208654879, 0.356105194445,
         0.414558422519, 0.861338472266, 0.585629420085, "2007-10-01", "2008-11-01", NULL},
        {"msft", "2000-01-01", "2010-12-31", 0.03, 123, -0.276563677468, -0.031353308141,
         0.343942278134, -0.010207455211, 0.634197130958, "2000-03-01", "2009-02-01", NULL},
    };
    struct market market = {0};
    market_data_read(&market);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_expected(&market, &expected[i]);
    market_finish(&market);
}

/* ---- random prices ---- */

static double deepest_fall(size_t count)
{
    double depth = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i; j < count; j++)
            depth = fmax(depth, 1 - closes[j] / closes[i]);
    return depth;
}

static void drawdowns_agree_with_brute_force(void **state)
{
    (void)state;
    struct rng rng = {2020};
    for (int round = 0; round < 2000; round++) {
        size_t count = 2 + rng_below(&rng, 40);
        for (size_t i = 0; i < count; i++) {
            days[i] = (int32_t)i;
            closes[i] = 1 + (double)rng_below(&rng, 10);
        }
        struct drawdown fall = measure(count, 252, 0).max_drawdown;
        assert_near(fall.depth, deepest_fall(count));
        assert_near(fall.depth, 1 - closes[fall.trough] / closes[fall.peak]);
        if (fall.depth > 0)
            assert_true(fall.peak < fall.trough);
        int32_t back = fall.trough;
        while (back < (int32_t)count && closes[back] < closes[fall.peak])
            back++;
        assert_int_equal(fall.recovered, fall.depth > 0 && back < (int32_t)count);
        if (fall.recovered)
            assert_int_equal(fall.recovery, back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(a_recovery_is_the_first_close_back_at_the_peak),
        cmocka_unit_test(of_equal_drawdowns_the_first_counts),
        cmocka_unit_test(prices_that_never_fall_have_no_drawdown),
        cmocka_unit_test(what_is_not_defined_is_nan),
        cmocka_unit_test(real_prices_give_the_awk_figures),
        cmocka_unit_test(drawdowns_agree_with_brute_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
