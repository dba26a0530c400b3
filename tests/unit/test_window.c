#include "../testing.h"

#include "base/mem.h"
#include "policy/window.h"

#define ARRIVALS 1200000u
#define SECOND UINT64_C(1000000000)
#define RATES 6u

/* The rules as they are told, by brute force over every call that was let through. */
struct oracle {
    uint64_t *at;
    size_t n;
    size_t relevant; /* those before are too old to matter */
};

static bool window_allows(const struct oracle *oracle, struct window_rate rate, uint64_t now)
{
    uint32_t used = 0;
    for (size_t i = oracle->n; i-- > 0 && now - oracle->at[i] < WINDOW_NS;)
        used++;
    return used < rate.per_minute;
}

/* A bucket never runs dry if no stretch of calls, from whichever on, takes more than it holds and
 * gets meanwhile. */
static bool bucket_allows(const struct oracle *oracle, struct window_rate rate, uint64_t now)
{
    for (size_t i = oracle->n; i-- > oracle->relevant;) {
        uint64_t room = rate.burst * WINDOW_NS + (now - oracle->at[i]) * rate.per_minute;
        if ((oracle->n - i + 1) * WINDOW_NS > room)
            return false;
    }
    return true;
}

/* Even a bucket emptied by them is full again. */
static void shorten(struct oracle *oracle, struct window_rate rate, uint64_t now)
{
    uint64_t full = rate.burst * WINDOW_NS / rate.per_minute + 1;
    while (oracle->relevant < oracle->n && now - oracle->at[oracle->relevant] > full + WINDOW_NS)
        oracle->relevant++;
}

static uint64_t some_pause(struct rng *rng, struct window_rate rate)
{
    uint64_t fair = WINDOW_NS / rate.per_minute;
    switch (rng_below(rng, 8)) {
    case 0:
    case 1:
        return 0;
    case 2:
        return 1;
    case 3:
        return fair;
    case 4:
        return rng_below(rng, 2 * fair + 1);
    case 5:
        return fair - 1;
    case 6:
        return rng_below(rng, fair / 4 + 1);
    default:
        return rng_below(rng, 200) == 0 ? rng_below(rng, 2 * WINDOW_NS) : rng_below(rng, fair);
    }
}

static void compare(struct rng *rng, struct window_rate rate, size_t arrivals)
{
    struct window window = {0};
    struct oracle oracle = {.at = mem_alloc(arrivals * sizeof(uint64_t))};
    uint64_t now = rng_below(rng, 1000 * SECOND);
    for (size_t i = 0; i < arrivals; i++) {
        struct window_state state;
        now += some_pause(rng, rate);
        shorten(&oracle, rate, now);
        bool expected = window_allows(&oracle, rate, now) && bucket_allows(&oracle, rate, now);
        assert_int_equal(window_admit(&window, rate, now, &state), expected);
        if (expected)
            oracle.at[oracle.n++] = now;
        assert_true(expected || state.retry_after > 0);
    }
    assert_true(oracle.n > 0 && oracle.n < arrivals);
    mem_free(oracle.at);
    window_finish(&window);
}

static void test_agrees_with_brute_force(void **unused)
{
    static const struct window_rate rates[RATES] = {{100, 10}, {1000, 100}, {60, 60},
                                                    {7, 3},    {1, 1},      {90, 200}};
    struct rng rng = {20261123};
    (void)unused;
    for (size_t i = 0; i < RATES; i++)
        compare(&rng, rates[i], ARRIVALS / RATES);
}

static void test_retry_after_is_neither_early_nor_late(void **unused)
{
    static const struct window_rate rates[] = {{100, 10}, {7, 3}, {30, 30}, {1, 1}};
    struct rng rng = {3};
    (void)unused;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct window window = {0};
        struct window_state state;
        uint64_t now = SECOND;
        for (unsigned calls = 0; calls < 3000; calls++) {
            now += rng_below(&rng, WINDOW_NS / rates[i].per_minute / 2);
            if (window_admit(&window, rates[i], now, &state))
                continue;
            uint64_t back = now + state.retry_after;
            assert_false(window_admit(&window, rates[i], back - 1, &state));
            assert_int_equal(state.retry_after, 1);
            assert_true(window_admit(&window, rates[i], back, &state));
            now = back;
        }
        window_finish(&window);
    }
}

static void test_what_remains_can_be_used_and_no_more(void **unused)
{
    const struct window_rate rate = {100, 10};
    struct window window = {0};
    struct window_state state;
    (void)unused;
    window_look(&window, rate, SECOND, &state);
    assert_int_equal(state.remaining, 10);
    for (unsigned left = 10; left-- > 0;) {
        assert_true(window_admit(&window, rate, SECOND, &state));
        assert_int_equal(state.remaining, left);
    }
    assert_false(window_admit(&window, rate, SECOND, &state));
    assert_int_equal(state.retry_after, WINDOW_NS / 100);
    window_finish(&window);
}

static void test_a_minute_is_a_minute(void **unused)
{
    const struct window_rate rate = {5, 5};
    struct window window = {0};
    struct window_state state;
    (void)unused;
    for (unsigned i = 0; i < 5; i++)
        assert_true(window_admit(&window, rate, SECOND, &state));
    assert_false(window_admit(&window, rate, SECOND + WINDOW_NS - 1, &state));
    assert_true(window_admit(&window, rate, SECOND + WINDOW_NS, &state));
    window_finish(&window);
}

static void test_a_lower_rate_counts_what_was(void **unused)
{
    const struct window_rate high = {100, 100}, low = {10, 10};
    struct window window = {0};
    struct window_state state;
    (void)unused;
    for (unsigned i = 0; i < 50; i++)
        assert_true(window_admit(&window, high, SECOND + i, &state));
    window_look(&window, low, SECOND + 50, &state);
    assert_int_equal(state.remaining, 0);
    assert_true(state.retry_after >= WINDOW_NS - 50);
    window_look(&window, high, SECOND + 50, &state);
    assert_int_equal(state.remaining, 50);
    window_finish(&window);
}

/* However much more the higher one allowed. */
static void test_a_lower_rate_locks_nobody_out(void **unused)
{
    static const struct window_rate lowered[][2] = {
        {{10000, 1000}, {100, 10}}, {{10000, 10000}, {1, 1}}, {{10000, 5000}, {6000, 10}}};
    (void)unused;
    for (size_t i = 0; i < sizeof lowered / sizeof *lowered; i++) {
        const struct window_rate high = lowered[i][0], low = lowered[i][1];
        struct window window = {0};
        struct window_state state;
        for (unsigned n = 0; n < high.burst; n++)
            assert_true(window_admit(&window, high, SECOND, &state));
        assert_false(window_admit(&window, low, SECOND + 1, &state));
        assert_in_range(state.retry_after, 1, WINDOW_NS);
        uint64_t back = SECOND + 1 + state.retry_after;
        assert_false(window_admit(&window, low, back - 1, &state));
        assert_true(window_admit(&window, low, back, &state));
        window_finish(&window);
    }
}

/* Nor is it more of the higher one, for whoever has both. */
static void test_a_lower_rate_is_no_refill_of_the_higher(void **unused)
{
    const struct window_rate high = {10000, 1000}, low = {100, 10};
    struct window window = {0};
    struct window_state state;
    (void)unused;
    for (unsigned n = 0; n < high.burst; n++)
        assert_true(window_admit(&window, high, SECOND, &state));
    assert_false(window_admit(&window, low, SECOND, &state));
    assert_false(window_admit(&window, high, SECOND, &state));
    window_finish(&window);
}

static void test_a_restored_window_refuses_the_same(void **unused)
{
    const struct window_rate rate = {20, 10};
    struct window lived = {0}, restored = {0};
    struct window_state state;
    struct rng rng = {9};
    uint64_t now = SECOND;
    (void)unused;
    for (unsigned i = 0; i < 400; i++) {
        now += rng_below(&rng, 4 * SECOND);
        if (window_admit(&lived, rate, now, &state))
            window_restore(&restored, rate, now, 1);
    }
    struct window_state other;
    window_look(&lived, rate, now, &state);
    window_look(&restored, rate, now, &other);
    assert_int_equal(other.remaining, state.remaining);
    assert_int_equal(other.retry_after, state.retry_after);
    window_finish(&lived);
    window_finish(&restored);
}

static void test_knows_when_it_may_be_forgotten(void **unused)
{
    const struct window_rate rate = {10, 30};
    struct window window = {0};
    struct window_state state;
    uint64_t now = SECOND;
    (void)unused;
    for (unsigned i = 0; i < 10; i++)
        assert_true(window_admit(&window, rate, now, &state));
    now = window_forgets(&window, rate);
    window_look(&window, rate, now, &state);
    assert_int_equal(window.used, 0);
    assert_int_equal(window.debt, 0);
    window_finish(&window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_brute_force),
        cmocka_unit_test(test_retry_after_is_neither_early_nor_late),
        cmocka_unit_test(test_what_remains_can_be_used_and_no_more),
        cmocka_unit_test(test_a_minute_is_a_minute),
        cmocka_unit_test(test_a_lower_rate_counts_what_was),
        cmocka_unit_test(test_a_lower_rate_locks_nobody_out),
        cmocka_unit_test(test_a_lower_rate_is_no_refill_of_the_higher),
        cmocka_unit_test(test_a_restored_window_refuses_the_same),
        cmocka_unit_test(test_knows_when_it_may_be_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
