#include "../testing.h"

#include "policy/calendar.h"

#include <time.h>

static void hours_are_those_of_the_system(void **state)
{
    char ours[CALENDAR_HOUR + 1], theirs[32];
    (void)state;
    for (uint64_t hour = 0; hour < 24 * 366 * 500; hour += 17) {
        time_t seconds = (time_t)(hour * 3600);
        struct tm parts;
        gmtime_r(&seconds, &parts);
        strftime(theirs, sizeof theirs, "%Y-%m-%dT%H", &parts);
        calendar_print(hour, ours);
        assert_string_equal(ours, theirs);
    }
}

static void a_beginning_is_told_from_what_is_none(void **state)
{
    (void)state;
    assert_true(calendar_valid_prefix(slice_of("")));
    assert_true(calendar_valid_prefix(slice_of("2026")));
    assert_true(calendar_valid_prefix(slice_of("2026-11")));
    assert_true(calendar_valid_prefix(slice_of("2026-11-24T13")));
    assert_false(calendar_valid_prefix(slice_of("2026-11-24T13:00")));
    assert_false(calendar_valid_prefix(slice_of("2026/11")));
    assert_false(calendar_valid_prefix(slice_of("x")));
    assert_false(calendar_valid_prefix(slice_of("2026-11-24 13")));
}

/* Every beginning of a real hour is one; with any other digits it is not. */
static void only_what_exists_begins_an_hour(void **state)
{
    static const char *const impossible[] = {
        "2026-13",    "2026-00",    "2026-2",     "2026-02-30",    "2026-02-3",  "2026-02-29",
        "2100-02-29", "2026-04-31", "2026-11-00", "2026-11-30T24", "2026-01-32", "2026-11-30T3"};
    char hour[CALENDAR_HOUR + 1];
    (void)state;
    for (uint64_t at = 0; at < 24 * 366 * 150; at += 7) {
        calendar_print(at, hour);
        for (size_t len = 0; len <= CALENDAR_HOUR; len++)
            assert_true(calendar_valid_prefix(slice_make(hour, len)));
    }
    assert_true(calendar_valid_prefix(slice_of("2028-02-29")));
    assert_true(calendar_valid_prefix(slice_of("2000-02-29")));
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++)
        assert_false(calendar_valid_prefix(slice_of(impossible[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hours_are_those_of_the_system),
        cmocka_unit_test(a_beginning_is_told_from_what_is_none),
        cmocka_unit_test(only_what_exists_begins_an_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
