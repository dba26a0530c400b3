/* The rules of breakers as they are configured. */
#include "../testing.h"

#include "policy/breaker_table.h"

#include <errno.h>

static struct breaker_table table;
static char why[BREAKER_WHY_BYTES];

static int read_lines(const char *one, const char *two)
{
    char *lines[] = {(char *)(uintptr_t)one, (char *)(uintptr_t)two};
    return breaker_table_read(&table, lines, two ? 2 : 1, why);
}

static const struct breaker_setting *of(const char *service)
{
    return breaker_table_find(&table, slice_of(service));
}

static void without_lines_there_are_rules(void **state)
{
    (void)state;
    assert_int_equal(breaker_table_read(&table, NULL, 0, why), 0);
    assert_int_equal(of("orders")->rules.minimum_calls, 20);
    assert_int_equal(of("orders")->rules.failure_percent, 50);
    assert_int_equal(of("orders")->eject_percent, 50);
}

static void without_a_table_nothing_opens(void **state)
{
    static const struct breaker_table none;
    const struct breaker_counts all = {.calls = 1000, .failed = 1000};
    (void)state;
    const struct breaker_setting *setting = breaker_table_find(&none, slice_of("orders"));
    assert_false(breaker_bad(&all, &setting->rules));
    assert_true(setting->rules.window_ms > 0);
}

static void a_line_begins_with_what_holds_for_all(void **state)
{
    (void)state;
    assert_int_equal(read_lines("* calls=7 open-ms=100", "orders failures=10 slow-ms=5 eject=0"),
                     0);
    assert_int_equal(of("orders")->rules.minimum_calls, 7);
    assert_int_equal(of("orders")->rules.failure_percent, 10);
    assert_int_equal(of("orders")->rules.slow_ms, 5);
    assert_int_equal(of("orders")->eject_percent, 0);
    assert_int_equal(of("other")->rules.failure_percent, 50);
    assert_int_equal(of("other")->rules.minimum_calls, 7);
}

static void off_is_never(void **state)
{
    (void)state;
    assert_int_equal(read_lines("orders off", NULL), 0);
    assert_int_equal(of("orders")->rules.failure_percent, 0);
    assert_int_equal(of("orders")->rules.slow_percent, 0);
}

static void mistakes_are_named(void **state)
{
    static const char *const wrong[][2] = {
        {"* calls=0", "calls=0"},
        {"* calls=", "calls="},
        {"* calls=12x", "calls=12x"},
        {"* failures=101", "from 0 to 100"},
        {"* open-ms=99999", "open-most-ms="},
        {"* sometimes", "sometimes"},
        {"no/name off", "no/name"},
        {"", "begins with"},
        {"* calls=3 slow=9 calls=4", "calls= is there twice"},
        {"* off off", "off is there twice"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(read_lines(wrong[i][0], NULL), -EINVAL);
        assert_non_null(strstr(why, wrong[i][1]));
    }
    assert_int_equal(read_lines("orders off", "orders calls=3"), -EINVAL);
    assert_non_null(strstr(why, "twice"));
    assert_int_equal(read_lines("* off", "* calls=3"), -EINVAL);
    assert_non_null(strstr(why, "* is there twice"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_lines_there_are_rules),
        cmocka_unit_test(without_a_table_nothing_opens),
        cmocka_unit_test(a_line_begins_with_what_holds_for_all),
        cmocka_unit_test(off_is_never),
        cmocka_unit_test(mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
