#include "../testing.h"

#include "base/mem.h"
#include "base/wheel.h"

#include <stdlib.h>

#define TIMERS 300u
#define START UINT64_C(123456789012)

/* The model is the timers' own due times: after each advance exactly those that
 * are due must have fired, within a slot, never early. */
struct bench {
    struct wheel wheel;
    struct timer timer[TIMERS];
    uint64_t due[TIMERS]; /* 0: not armed */
    uint64_t now;
    struct rng rng;
    size_t armed, fired;
    bool meddle; /* callbacks arm and disarm others */
};

static void arm(struct bench *bench, size_t i, uint64_t due)
{
    bench->armed += bench->due[i] == 0;
    bench->due[i] = due;
    wheel_arm(&bench->wheel, &bench->timer[i], due);
}

static void disarm(struct bench *bench, size_t i)
{
    bench->armed -= bench->due[i] != 0;
    bench->due[i] = 0;
    wheel_disarm(&bench->wheel, &bench->timer[i]);
}

static uint64_t some_time(struct bench *bench)
{
    static const uint64_t reach[] = {WHEEL_SLOT_NS, 100 * WHEEL_SLOT_NS,
                                     3 * WHEEL_SLOTS * WHEEL_SLOT_NS};
    uint64_t ahead = rng_below(&bench->rng, reach[rng_below(&bench->rng, 3)]);
    bool past = rng_below(&bench->rng, 10) == 0;
    return past ? bench->now - ahead % bench->now : bench->now + ahead;
}

static void on_fire(struct timer *timer, void *arg)
{
    struct bench *bench = arg;
    size_t i = (size_t)(timer - bench->timer);
    assert_int_equal(timer->due, 0);
    assert_true(bench->due[i] != 0);
    assert_true(bench->due[i] <= bench->now);
    bench->due[i] = 0;
    bench->armed--;
    bench->fired++;
    if (bench->meddle && rng_below(&bench->rng, 4) == 0) {
        arm(bench, i, some_time(bench));
        disarm(bench, rng_below(&bench->rng, TIMERS));
        arm(bench, rng_below(&bench->rng, TIMERS), some_time(bench));
    }
}

static struct bench *bench_create(uint64_t seed)
{
    struct bench *bench = mem_zalloc(sizeof(*bench));
    bench->rng.state = seed;
    bench->now = START;
    wheel_init(&bench->wheel, START);
    for (size_t i = 0; i < TIMERS; i++)
        timer_init(&bench->timer[i], on_fire);
    return bench;
}

/* What is overdue by more than a slot must have fired, unless a callback has just
 * armed it for the past. */
static void nothing_is_late(const struct bench *bench)
{
    for (size_t i = 0; i < TIMERS && !bench->meddle; i++)
        assert_false(bench->due[i] != 0 && bench->due[i] <= bench->now - WHEEL_SLOT_NS);
}

static void advance(struct bench *bench, uint64_t now)
{
    uint64_t promised = wheel_next(&bench->wheel);
    size_t before = bench->fired;
    bench->now = now;
    wheel_advance(&bench->wheel, now, bench);
    if (now < promised)
        assert_int_equal(bench->fired, before);
    assert_int_equal(bench->wheel.armed, bench->armed);
    assert_true(wheel_next(&bench->wheel) < UINT64_MAX || bench->armed == 0);
    nothing_is_late(bench);
}

static void random_run(uint64_t seed, bool meddle)
{
    struct bench *bench = bench_create(seed);
    bench->meddle = meddle;
    for (int step = 0; step < 2000; step++) {
        size_t i = rng_below(&bench->rng, TIMERS);
        if (rng_below(&bench->rng, 4) == 0)
            disarm(bench, i);
        else
            arm(bench, i, some_time(bench));
        if (rng_below(&bench->rng, 3) == 0)
            advance(bench, bench->now + rng_below(&bench->rng, 5 * WHEEL_SLOT_NS));
        if (rng_below(&bench->rng, 200) == 0)
            advance(bench, bench->now + rng_below(&bench->rng, 2000 * WHEEL_SLOT_NS));
    }
    bench->meddle = false;
    advance(bench, bench->now + 4 * WHEEL_SLOTS * WHEEL_SLOT_NS);
    assert_int_equal(bench->armed, 0);
    mem_free(bench);
}

static void random_timers_fire_in_time(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++)
        random_run(seed, false);
}

static void callbacks_may_arm_and_disarm_anything(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++)
        random_run(seed, true);
}

static void never_early_at_most_a_slot_late(void **state)
{
    (void)state;
    for (uint64_t offset = 0; offset < 3 * WHEEL_SLOT_NS; offset += WHEEL_SLOT_NS / 7) {
        struct bench *bench = bench_create(0);
        uint64_t due = START + offset;
        arm(bench, 0, due);
        if (offset > 0) {
            advance(bench, due - 1);
            assert_int_equal(bench->fired, 0);
        }
        advance(bench, due + WHEEL_SLOT_NS);
        assert_int_equal(bench->fired, 1);
        mem_free(bench);
    }
}

static void the_past_fires_at_the_next_advance(void **state)
{
    (void)state;
    struct bench *bench = bench_create(0);
    advance(bench, START + 1);
    arm(bench, 0, START - 5);
    arm(bench, 1, 1);
    assert_true(wheel_next(&bench->wheel) <= bench->now);
    advance(bench, START + 1);
    assert_int_equal(bench->fired, 2);
    mem_free(bench);
}

static void re_arm_for_the_past(struct timer *timer, void *arg)
{
    struct wheel *wheel = arg;
    wheel_arm(wheel, timer, 1);
}

static void re_arming_for_the_past_does_not_spin(void **state)
{
    (void)state;
    struct bench *bench = bench_create(0);
    struct timer timer;
    timer_init(&timer, re_arm_for_the_past);
    wheel_arm(&bench->wheel, &timer, START);
    wheel_advance(&bench->wheel, START + WHEEL_SLOT_NS, &bench->wheel);
    assert_int_equal(bench->wheel.armed, 1);
    wheel_disarm(&bench->wheel, &timer);
    mem_free(bench);
}

struct owned {
    struct timer timer;
    int *freed;
};

static void free_itself(struct timer *timer, void *arg)
{
    struct owned *owned = (struct owned *)(void *)timer;
    (void)arg;
    (*owned->freed)++;
    mem_free(owned);
}

static void callbacks_may_free_their_timer(void **state)
{
    (void)state;
    struct bench *bench = bench_create(0);
    int freed = 0;
    for (int i = 0; i < 10; i++) {
        struct owned *owned = mem_alloc(sizeof(*owned));
        timer_init(&owned->timer, free_itself);
        owned->freed = &freed;
        wheel_arm(&bench->wheel, &owned->timer, START + 1);
    }
    wheel_advance(&bench->wheel, START + 2 * WHEEL_SLOT_NS, NULL);
    assert_int_equal(freed, 10);
    mem_free(bench);
}

static void time_standing_still_or_going_back_is_harmless(void **state)
{
    (void)state;
    struct bench *bench = bench_create(0);
    arm(bench, 0, START + 10 * WHEEL_SLOT_NS);
    wheel_advance(&bench->wheel, START, bench);
    wheel_advance(&bench->wheel, 0, bench);
    assert_int_equal(bench->fired, 0);
    advance(bench, START + 11 * WHEEL_SLOT_NS);
    assert_int_equal(bench->fired, 1);
    mem_free(bench);
}

static void the_farthest_time_is_a_time(void **state)
{
    (void)state;
    struct bench *bench = bench_create(0);
    arm(bench, 0, UINT64_MAX);
    advance(bench, START + 5000 * WHEEL_SLOTS * WHEEL_SLOT_NS);
    assert_int_equal(bench->fired, 0);
    disarm(bench, 0);
    disarm(bench, 0);
    assert_true(wheel_next(&bench->wheel) == UINT64_MAX);
    mem_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_timers_fire_in_time),
        cmocka_unit_test(callbacks_may_arm_and_disarm_anything),
        cmocka_unit_test(never_early_at_most_a_slot_late),
        cmocka_unit_test(the_past_fires_at_the_next_advance),
        cmocka_unit_test(re_arming_for_the_past_does_not_spin),
        cmocka_unit_test(callbacks_may_free_their_timer),
        cmocka_unit_test(time_standing_still_or_going_back_is_harmless),
        cmocka_unit_test(the_farthest_time_is_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
