/* Who still sees the gateway's counters while the broker is away. */
#include "../testing.h"

#include "../../gateway/shown.h"
#include "base/clock.h"

#include <stdio.h>

static struct shown_mark numbered(unsigned n)
{
    char token[24];
    (void)snprintf(token, sizeof token, "token-%u", n);
    return shown_mark_of(token);
}

static void a_yes_counts_for_an_hour(void **state)
{
    struct shown shown = SHOWN_NOBODY;
    struct shown_mark mark = numbered(1), other = numbered(2);
    uint64_t now = 5 * NS_PER_SEC, end = now + SHOWN_FOR_S * NS_PER_SEC;
    (void)state;
    assert_false(shown_has(&shown, &mark, now));
    shown_add(&shown, &mark, now);
    assert_true(shown_has(&shown, &mark, end - 1));
    assert_false(shown_has(&shown, &mark, end));
    assert_false(shown_has(&shown, &other, now));
    shown_add(&shown, &mark, end);
    assert_true(shown_has(&shown, &mark, end));
}

/* Nobody is known for the zeros that nothing was written to. */
static void nobody_is_nobody(void **state)
{
    struct shown shown = SHOWN_NOBODY;
    struct shown_mark zeros = {{0}};
    (void)state;
    assert_false(shown_has(&shown, &zeros, 0));
}

static void the_last_ones_are_kept(void **state)
{
    struct shown shown = SHOWN_NOBODY;
    (void)state;
    for (unsigned i = 0; i <= SHOWN_MAX; i++) {
        struct shown_mark mark = numbered(i);
        shown_add(&shown, &mark, NS_PER_SEC);
        shown_add(&shown, &mark, NS_PER_SEC); /* takes no second place */
    }
    for (unsigned i = 0; i <= SHOWN_MAX; i++) {
        struct shown_mark mark = numbered(i);
        assert_int_equal(shown_has(&shown, &mark, NS_PER_SEC), i > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_yes_counts_for_an_hour),
        cmocka_unit_test(nobody_is_nobody),
        cmocka_unit_test(the_last_ones_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
