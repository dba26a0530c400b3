/* market_data.h - the data files as they were copied into the build, for tests.
 * Whatever does not work fails the test. */
#ifndef TESTS_UNIT_MARKET_DATA_H
#define TESTS_UNIT_MARKET_DATA_H

#include "../testing.h"
#include "data-bridge/bars.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define MARKET_DATA_MAX 1000000u

/* The test lies in <build>/tests/unit. */
static inline FILE *market_data_open(const char *name)
{
    char program[PATH_MAX], path[PATH_MAX + 64];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    assert_true(len > 0);
    program[len] = '\0';
    for (int up = 0; up < 3; up++)
        *strrchr(program, '/') = '\0';
    (void)snprintf(path, sizeof path, "%s/share/farebox/data/%s", program, name);
    FILE *file = fopen(path, "re");
    if (!file)
        fail_msg("cannot read %s", path);
    return file;
}

/* One whole file, NUL-terminated; free with free(). */
static inline char *market_data_file(const char *name)
{
    FILE *file = market_data_open(name);
    char *text = malloc(MARKET_DATA_MAX);
    assert_non_null(text);
    size_t len = fread(text, 1, MARKET_DATA_MAX - 1, file);
    assert_true(len > 0 && feof(file));
    text[len] = '\0';
    (void)fclose(file);
    return text;
}

/* Reads both files. Finish with market_finish(). */
static inline void market_data_read(struct market *market)
{
    struct bars_error why;
    char *daily = market_data_file("sp500-2000.csv");
    char *monthly = market_data_file("stocks.csv");
    assert_int_equal(market_read_daily(market, "sp500", slice_of(daily), &why), 0);
    assert_int_equal(market_read_monthly(market, slice_of(monthly), &why), 0);
    free(monthly);
    free(daily);
}

#endif
