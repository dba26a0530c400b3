/* What the benchmark of a noisy tenant finds over a limit, and what it does not. */
#include "../../bench/allowance.h"
#include "../testing.h"

#include "base/clock.h"
#include "base/mem.h"
#include "policy/window.h"

#define PER_MINUTE 6000u
#define BURST 100u
#define GAP_NS (60 * NS_PER_SEC / PER_MINUTE)
#define CALLS 20000u
#define WAY_NS (200 * UINT64_C(1000)) /* there, and back */

static struct let_through *calls;
static size_t n;

static int set_up(void **state)
{
    (void)state;
    calls = mem_zalloc(CALLS * sizeof *calls);
    n = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mem_free(calls);
    return 0;
}

static void let_through(uint64_t judged)
{
    calls[n++] = (struct let_through){judged - WAY_NS, judged + WAY_NS};
}

static uint64_t over(void)
{
    return allowance_exceeded(calls, n, PER_MINUTE, BURST);
}

/* A caller who asks all the time in every other two seconds, and is let through as the limit says.
 */
static void what_the_limit_lets_through_is_allowed(void **state)
{
    const struct window_rate rate = {PER_MINUTE, BURST};
    struct window window = {0};
    struct window_state found;
    (void)state;
    for (uint64_t now = NS_PER_SEC; now < 150 * NS_PER_SEC; now += GAP_NS / 10) {
        if (now / NS_PER_SEC % 4 < 2 && window_admit(&window, rate, now, &found))
            let_through(now);
    }
    window_finish(&window);
    assert_true(n > PER_MINUTE);
    assert_int_equal(over(), 0);
}

static void the_limit_itself_is_allowed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BURST; i++)
        let_through(NS_PER_SEC);
    for (unsigned i = 1; i <= PER_MINUTE - BURST; i++)
        let_through(NS_PER_SEC + i * GAP_NS);
    assert_int_equal(over(), 0);
}

/* Time in which nothing is asked for is no room for later: one call more than the burst is. */
static void a_pause_saves_nothing_up(void **state)
{
    (void)state;
    let_through(NS_PER_SEC);
    for (unsigned i = 0; i < BURST + 1; i++)
        let_through(100 * NS_PER_SEC);
    assert_int_equal(over(), 1);
}

static void a_rate_that_is_too_fast_is_seen(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 12000; i++)
        let_through(NS_PER_SEC + i * (GAP_NS - GAP_NS / 50));
    assert_true(over() > BURST);
}

/* As the burst allows, and yet more than a minute's: a bucket alone would let that through. */
static void a_minute_has_no_more_than_its_calls(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BURST; i++)
        let_through(NS_PER_SEC);
    for (unsigned i = 1; i < PER_MINUTE; i++)
        let_through(NS_PER_SEC + i * GAP_NS);
    assert_int_equal(over(), BURST - 1);
}

static void answers_may_overtake_each_other(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BURST; i++)
        calls[n++] = (struct let_through){NS_PER_SEC + (i ^ 1) * NS_PER_MS,
                                          NS_PER_SEC + (i + 2) * NS_PER_MS};
    assert_int_equal(over(), 0);
    assert_int_equal(allowance_exceeded(calls, 0, PER_MINUTE, BURST), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_limit_lets_through_is_allowed),
        TEST(the_limit_itself_is_allowed),
        TEST(a_pause_saves_nothing_up),
        TEST(a_rate_that_is_too_fast_is_seen),
        TEST(a_minute_has_no_more_than_its_calls),
        TEST(answers_may_overtake_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
