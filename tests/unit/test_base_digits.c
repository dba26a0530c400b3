/* Numbers as printf() would write them. */
#include "../testing.h"

#include "base/digits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void is_as_printf_says(uint64_t value)
{
    char text[DIGITS_MAX + 1], expected[DIGITS_MAX + 1];
    (void)snprintf(expected, sizeof expected, "%" PRIu64, value);
    text[digits_of(text, value)] = '\0';
    assert_string_equal(text, expected);
}

static void each_length_has_its_digits(void **state)
{
    (void)state;
    is_as_printf_says(0);
    for (uint64_t power = UINT64_C(10000000000000000000); power > 0; power /= 10) {
        is_as_printf_says(power - 1);
        is_as_printf_says(power);
        is_as_printf_says(power + 1);
    }
    is_as_printf_says(UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_length_has_its_digits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
