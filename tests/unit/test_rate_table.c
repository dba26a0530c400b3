/* The limits besides those of tiers, as they are configured. */
#include "../testing.h"

#include "policy/rate_table.h"

#include <errno.h>

static struct rate_table table;
static char why[LINE_WHY_BYTES];

static int read_lines(const char *one, const char *two)
{
    char *lines[] = {(char *)(uintptr_t)one, (char *)(uintptr_t)two};
    return rate_table_read(&table, lines, two ? 2 : 1, why);
}

static bool names(size_t i, const char *service, const char *method)
{
    return rate_rule_names(&table.list[i], slice_of(service), slice_of(method));
}

static void what_is_left_out(void **state)
{
    (void)state;
    assert_int_equal(read_lines("* per-minute=60", "\torders/export  of=user burst=2 per-minute=9"),
                     0);
    assert_int_equal(table.list[0].of, RATE_OF_TENANT);
    assert_int_equal(table.list[0].rate.burst, 60);
    assert_string_equal(table.list[0].tier, "");
    assert_int_equal(table.list[1].of, RATE_OF_USER);
    assert_int_equal(table.list[1].rate.per_minute, 9);
    assert_int_equal(table.list[1].rate.burst, 2);
}

static void what_a_line_is_about(void **state)
{
    (void)state;
    assert_int_equal(read_lines("* per-minute=1", "bus.usage per-minute=1"), 0);
    assert_true(names(0, "orders", "export"));
    assert_true(names(1, "bus.usage", "show"));
    assert_false(names(1, "orders", "show"));
    assert_int_equal(read_lines("orders/export per-minute=1", NULL), 0);
    assert_true(names(0, "orders", "export"));
    assert_false(names(0, "orders", "import"));
    assert_false(names(0, "prices", "export"));
}

static void a_tiers_line_stands_in_for_the_usual_one(void **state)
{
    (void)state;
    assert_int_equal(read_lines("orders per-minute=1", "orders tier=pro per-minute=5"), 0);
    assert_true(rate_rule_holds(&table, &table.list[0], "free"));
    assert_false(rate_rule_holds(&table, &table.list[0], "pro"));
    assert_true(rate_rule_holds(&table, &table.list[1], "pro"));
    assert_false(rate_rule_holds(&table, &table.list[1], "free"));
    assert_int_equal(read_lines("orders of=all per-minute=1", "orders tier=pro per-minute=5"), 0);
    assert_true(rate_rule_holds(&table, &table.list[0], "pro"));
}

static void mistakes_are_named_and_change_nothing(void **state)
{
    static const char *const wrong[][2] = {
        {"", "begins with"},
        {"orders/ per-minute=1", "begins with"},
        {"Orders per-minute=1", "begins with"},
        {"*/get per-minute=1", "begins with"},
        {"orders", "per-minute= is needed"},
        {"orders burst=4", "per-minute= is needed"},
        {"orders per-minute=0", "from 1 to 100000000"},
        {"orders per-minute=9 per-minute=9", "twice"},
        {"orders of=user of=user per-minute=9", "of= is there twice"},
        {"orders tier=pro tier=free per-minute=9", "tier= is there twice"},
        {"orders per-minute=9 of=everybody", "user, tenant or all"},
        {"orders per-minute=9 tier=", "no name"},
        {"orders per-minutes=9", "none of"},
    };
    (void)state;
    assert_int_equal(read_lines("* per-minute=60", NULL), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(read_lines(wrong[i][0], NULL), -EINVAL);
        assert_non_null(strstr(why, wrong[i][1]));
        assert_int_equal(table.n, 1);
    }
    assert_int_equal(read_lines("orders per-minute=1", "orders of=tenant per-minute=2"), -EINVAL);
    assert_non_null(strstr(why, "there twice"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_out),
        cmocka_unit_test(what_a_line_is_about),
        cmocka_unit_test(a_tiers_line_stands_in_for_the_usual_one),
        cmocka_unit_test(mistakes_are_named_and_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
