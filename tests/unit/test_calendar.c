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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hours_are_those_of_the_system),
        cmocka_unit_test(a_beginning_is_told_from_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
