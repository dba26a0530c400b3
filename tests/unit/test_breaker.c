#include "../testing.h"

#include "policy/breaker.h"

#include <string.h>

#define MS UINT64_C(1000000)
#define START (UINT64_C(1000000) * MS)

static const struct breaker_rules rules = {
    .window_ms = 10000,
    .minimum_calls = 10,
    .failure_percent = 50,
    .slow_percent = 80,
    .open_ms = 1000,
    .open_most_ms = 4000,
    .probes = 2,
};

static bool call(struct breaker *breaker, uint64_t now, enum breaker_outcome outcome)
{
    struct breaker_pass pass;
    uint64_t retry_after;
    assert_true(breaker_admit(breaker, &rules, now, &pass, &retry_after));
    return breaker_tell(breaker, &rules, now, pass, outcome);
}

static void fail_open(struct breaker *breaker, uint64_t now)
{
    while (breaker->state == BREAKER_CLOSED)
        call(breaker, now, BREAKER_FAILED);
}

static void test_too_few_calls_say_nothing(void **unused)
{
    struct breaker breaker = {0};
    (void)unused;
    for (unsigned i = 1; i < rules.minimum_calls; i++)
        assert_false(call(&breaker, START, BREAKER_FAILED));
    assert_true(call(&breaker, START, BREAKER_FAILED));
    assert_int_equal(breaker.state, BREAKER_OPEN);
}

static void test_opens_at_its_share_of_failures(void **unused)
{
    struct breaker breaker = {0};
    (void)unused;
    for (unsigned i = 0; i < 100; i++)
        assert_false(call(&breaker, START, BREAKER_GOOD));
    for (unsigned i = 0; i < 99; i++)
        assert_false(call(&breaker, START, BREAKER_FAILED));
    assert_true(call(&breaker, START, BREAKER_FAILED));
}

static void test_opens_for_slowness(void **unused)
{
    struct breaker breaker = {0};
    (void)unused;
    for (unsigned i = 0; i < 2; i++)
        call(&breaker, START, BREAKER_GOOD);
    for (unsigned i = 0; i < 7; i++)
        assert_false(call(&breaker, START, BREAKER_SLOW));
    assert_true(call(&breaker, START, BREAKER_SLOW));
}

static void test_what_is_old_does_not_count(void **unused)
{
    struct breaker breaker = {0};
    (void)unused;
    for (unsigned i = 0; i < 9; i++)
        call(&breaker, START, BREAKER_FAILED);
    assert_int_equal(breaker_counts(&breaker, &rules, START).failed, 9);
    uint64_t later = START + (rules.window_ms + 1000) * MS;
    assert_int_equal(breaker_counts(&breaker, &rules, later).calls, 0);
    assert_false(call(&breaker, later, BREAKER_FAILED));
}

static void test_refuses_until_it_is_time_for_probes(void **unused)
{
    struct breaker breaker = {0};
    struct breaker_pass pass;
    uint64_t retry_after;
    (void)unused;
    fail_open(&breaker, START);
    assert_false(breaker_admit(&breaker, &rules, START + 400 * MS, &pass, &retry_after));
    assert_int_equal(retry_after, 600 * MS);
    assert_true(breaker_admit(&breaker, &rules, START + 1000 * MS, &pass, &retry_after));
    assert_true(pass.probe);
    assert_int_equal(breaker.state, BREAKER_HALF_OPEN);
}

static void test_lets_through_so_many_probes_and_no_more(void **unused)
{
    struct breaker breaker = {0};
    struct breaker_pass pass;
    uint64_t retry_after, now = START + 1000 * MS;
    (void)unused;
    fail_open(&breaker, START);
    for (unsigned i = 0; i < rules.probes; i++)
        assert_true(breaker_admit(&breaker, &rules, now, &pass, &retry_after));
    assert_false(breaker_admit(&breaker, &rules, now, &pass, &retry_after));
    assert_false(breaker_tell(&breaker, &rules, now, pass, BREAKER_UNKNOWN));
    assert_true(breaker_admit(&breaker, &rules, now, &pass, &retry_after));
}

static void test_good_probes_close_it(void **unused)
{
    struct breaker breaker = {0};
    uint64_t now = START + 1000 * MS;
    (void)unused;
    fail_open(&breaker, START);
    assert_false(call(&breaker, now, BREAKER_GOOD));
    assert_true(call(&breaker, now, BREAKER_GOOD));
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    assert_int_equal(breaker_counts(&breaker, &rules, now).calls, 0);
}

static void test_a_failed_probe_opens_it_for_twice_as_long(void **unused)
{
    static const uint64_t waits[] = {2000, 4000, 4000};
    struct breaker breaker = {0};
    uint64_t now = START;
    (void)unused;
    fail_open(&breaker, now);
    for (size_t i = 0; i < 3; i++) {
        now = breaker.until;
        assert_true(call(&breaker, now, BREAKER_FAILED));
        assert_int_equal(breaker.until - now, waits[i] * MS);
    }
    now = breaker.until;
    call(&breaker, now, BREAKER_GOOD);
    call(&breaker, now, BREAKER_GOOD);
    fail_open(&breaker, now);
    assert_int_equal(breaker.until - now, 1000 * MS);
}

static void test_late_outcomes_are_not_counted(void **unused)
{
    struct breaker breaker = {0};
    struct breaker_pass early, late;
    uint64_t retry_after, now = START + 1000 * MS;
    (void)unused;
    assert_true(breaker_admit(&breaker, &rules, START, &early, &retry_after));
    fail_open(&breaker, START);
    assert_false(breaker_tell(&breaker, &rules, START, early, BREAKER_GOOD));
    assert_true(breaker_admit(&breaker, &rules, now, &late, &retry_after));
    call(&breaker, now, BREAKER_FAILED);
    assert_false(breaker_tell(&breaker, &rules, now, late, BREAKER_GOOD));
    assert_int_equal(breaker.state, BREAKER_OPEN);
    assert_int_equal(breaker.trying, 0);
}

static void test_forced_open_stays_until_reset(void **unused)
{
    struct breaker breaker = {0};
    (void)unused;
    breaker_force_open(&breaker, START, 0);
    assert_true(breaker_refuses(&breaker, &rules, START + 1000000 * MS));
    breaker_reset(&breaker, START);
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    assert_false(breaker_refuses(&breaker, &rules, START));
}

static void test_forced_closed_lets_everything_through(void **unused)
{
    struct breaker breaker = {0};
    (void)unused;
    fail_open(&breaker, START);
    breaker_force_close(&breaker, START);
    for (unsigned i = 0; i < 100; i++)
        assert_false(call(&breaker, START, BREAKER_FAILED));
    breaker_reset(&breaker, START);
    fail_open(&breaker, START);
}

static void note_some(struct breaker *breaker, uint64_t now, unsigned calls)
{
    while (calls-- > 0)
        breaker_note(breaker, &rules, now, BREAKER_FAILED);
}

static void test_a_part_is_taken_out_of_the_whole(void **unused)
{
    struct breaker whole = {0}, part = {0}, other = {0};
    (void)unused;
    for (unsigned second = 0; second < 15; second++) {
        uint64_t now = START + second * 1000 * MS;
        note_some(&whole, now, second < 12 ? 3 : 1);
        note_some(&part, now, second < 12 ? 2 : 0);
    }
    uint64_t now = START + 14000 * MS;
    assert_int_equal(breaker_counts(&whole, &rules, now).calls, 7 * 3 + 3);
    breaker_discount(&whole, &part, &rules, now);
    assert_int_equal(breaker_counts(&whole, &rules, now).calls, 7 + 3);
    assert_int_equal(breaker_counts(&whole, &rules, now).failed, 7 + 3);
    breaker_discount(&whole, &other, &rules, now);
    assert_int_equal(breaker_counts(&whole, &rules, now).calls, 7 + 3);
    now += 20000 * MS;
    breaker_discount(&whole, &part, &rules, now);
    assert_int_equal(breaker_counts(&whole, &rules, now).calls, 0);
}

#define UNDER_WAY 32u

/* Whatever happens in whatever order: never more probes than allowed, never a closed breaker
 * that refuses, and once everything is answered it can be closed again. */
static void test_any_order_of_events(void **unused)
{
    struct rng rng = {11};
    struct breaker breaker = {0};
    struct breaker_pass under_way[UNDER_WAY];
    unsigned n = 0, opened = 0;
    uint64_t now = START, retry_after;
    (void)unused;
    for (unsigned step = 0; step < 200000; step++) {
        now += rng_below(&rng, 300 * MS);
        if (n < UNDER_WAY && rng_below(&rng, 2)) {
            bool refuses = breaker_refuses(&breaker, &rules, now);
            bool admitted = breaker_admit(&breaker, &rules, now, &under_way[n], &retry_after);
            assert_int_equal(admitted, !refuses);
            assert_true(admitted || retry_after > 0);
            n += admitted;
        } else if (n > 0) {
            unsigned which = (unsigned)rng_below(&rng, n);
            enum breaker_outcome outcome = (enum breaker_outcome)rng_below(&rng, 4);
            opened += breaker_tell(&breaker, &rules, now, under_way[which], outcome) &&
                      breaker.state == BREAKER_OPEN;
            under_way[which] = under_way[--n];
        }
        assert_true(breaker.trying <= rules.probes);
        assert_true(breaker.state != BREAKER_CLOSED || breaker.trying == 0);
    }
    assert_true(opened > 100);
    while (n > 0)
        breaker_tell(&breaker, &rules, now, under_way[--n], BREAKER_UNKNOWN);
    now += rules.open_most_ms * MS;
    while (breaker.state != BREAKER_CLOSED)
        call(&breaker, now, BREAKER_GOOD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_too_few_calls_say_nothing),
        cmocka_unit_test(test_opens_at_its_share_of_failures),
        cmocka_unit_test(test_opens_for_slowness),
        cmocka_unit_test(test_what_is_old_does_not_count),
        cmocka_unit_test(test_refuses_until_it_is_time_for_probes),
        cmocka_unit_test(test_lets_through_so_many_probes_and_no_more),
        cmocka_unit_test(test_good_probes_close_it),
        cmocka_unit_test(test_a_failed_probe_opens_it_for_twice_as_long),
        cmocka_unit_test(test_late_outcomes_are_not_counted),
        cmocka_unit_test(test_forced_open_stays_until_reset),
        cmocka_unit_test(test_forced_closed_lets_everything_through),
        cmocka_unit_test(test_a_part_is_taken_out_of_the_whole),
        cmocka_unit_test(test_any_order_of_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
