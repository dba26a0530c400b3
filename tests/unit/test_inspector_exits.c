#include "../testing.h"

#include "../../inspector/exits.h"
#include "base/buf.h"

#include <string.h>

static bool listed(enum exit_code wanted)
{
    enum exit_code code;
    for (size_t at = 0; exits_at(at, &code); at++)
        if (code == wanted)
            return true;
    return false;
}

static void test_every_outcome_has_its_exit_status(void **state)
{
    (void)state;
    for (int status = 0; status < STATUS_COUNT; status++) {
        enum exit_code code = exits_of(status);
        assert_true(listed(code));
        assert_int_equal(code == EXIT_OK, status == STATUS_OK);
        assert_int_equal(code == EXIT_INTERNAL, status == STATUS_INTERNAL);
    }
    assert_int_equal(exits_of(STATUS_COUNT), EXIT_INTERNAL);
    assert_int_equal(exits_of(-1), EXIT_INTERNAL);
}

/* Scripts repeat a command that ended with 75. */
static void test_only_what_may_be_repeated_is_temporary(void **state)
{
    (void)state;
    for (int status = 0; status < STATUS_COUNT; status++)
        if (exits_of(status) == EXIT_TEMPORARY)
            assert_true(status_retryable((enum status)status));
    assert_int_equal(exits_of(STATUS_RATE_LIMITED), 75);
    assert_int_equal(exits_of(STATUS_QUOTA_EXCEEDED), 77);
    assert_int_equal(exits_of(STATUS_OUTCOME_UNKNOWN), 76);
}

static void test_what_is_not_to_be_repeated_is_not_temporary(void **state)
{
    (void)state;
    for (int status = 0; status < STATUS_COUNT; status++) {
        assert_int_equal(exits_of_reply(status, true), exits_of(status));
        assert_int_not_equal(exits_of_reply(status, false), EXIT_TEMPORARY);
    }
    assert_int_equal(exits_of_reply(STATUS_BREAKER_OPEN, false), 69);
    assert_int_equal(exits_of_reply(STATUS_PERMISSION_DENIED, false), 77);
}

static void test_numbers_are_those_of_sysexits(void **state)
{
    (void)state;
    assert_int_equal(exits_of(STATUS_INVALID_ARGUMENT), 65);
    assert_int_equal(exits_of(STATUS_SERVICE_NOT_FOUND), 69);
    assert_int_equal(exits_of(STATUS_UNAVAILABLE), 69);
    assert_int_equal(exits_of(STATUS_INTERNAL), 70);
    assert_int_equal(exits_of(STATUS_UNAUTHENTICATED), 77);
    assert_int_equal(exits_of(STATUS_PERMISSION_DENIED), 77);
    assert_int_equal(exits_of(STATUS_TENANT_MISMATCH), 77);
    assert_int_equal(exits_of(STATUS_SUBSCRIPTION_EXPIRED), 77);
    assert_int_equal(EXIT_USAGE, 64);
    assert_int_equal(EXIT_NO_INPUT, 66);
    assert_int_equal(EXIT_INTERRUPTED, 130);
}

static void test_exit_statuses_differ_and_explain_themselves(void **state)
{
    (void)state;
    enum exit_code code, other;
    for (size_t at = 0; exits_at(at, &code); at++) {
        assert_true(strlen(exits_text(code)) > 0);
        assert_true(strlen(exits_meaning(code)) > 0);
        for (size_t next = at + 1; exits_at(next, &other); next++) {
            assert_int_not_equal(code, other);
            assert_string_not_equal(exits_text(code), exits_text(other));
        }
    }
    assert_string_equal(exits_text((enum exit_code)99), "unknown");
}

static void expect_row(const char *manual, enum exit_code code)
{
    struct buf row = {0};
    const char *between = " ";
    buf_printf(&row, "\n| %d | %s |", (int)code, exits_meaning(code));
    for (int status = 1; status < STATUS_COUNT; status++) {
        if (exits_of(status) == code) {
            buf_printf(&row, "%s`%s`", between, status_text((enum status)status));
            between = ", ";
        }
    }
    buf_printf(&row, " |\n");
    if (!strstr(manual, (const char *)row.data))
        fail_msg("not in docs/inspector.md: %s", (const char *)row.data);
    buf_finish(&row);
}

static void test_the_documentation_says_the_same(void **state)
{
    (void)state;
    static char manual[65536];
    FILE *file = fopen("docs/inspector.md", "r");
    assert_non_null(file);
    manual[fread(manual, 1, sizeof manual - 1, file)] = '\0';
    fclose(file);
    enum exit_code code;
    for (size_t at = 0; exits_at(at, &code); at++)
        expect_row(manual, code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_outcome_has_its_exit_status),
        cmocka_unit_test(test_only_what_may_be_repeated_is_temporary),
        cmocka_unit_test(test_what_is_not_to_be_repeated_is_not_temporary),
        cmocka_unit_test(test_numbers_are_those_of_sysexits),
        cmocka_unit_test(test_exit_statuses_differ_and_explain_themselves),
        cmocka_unit_test(test_the_documentation_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
