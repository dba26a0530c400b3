#include "../testing.h"

#include "policy/limiter.h"

#include <stdio.h>

#define SECOND UINT64_C(1000000000)
#define MOST 100u

static const struct window_rate rate = {60, 5};

enum verdict { LIMITER_ADMITTED, LIMITER_REFUSED, LIMITER_FULL };

static enum verdict call(struct limiter *limiter, const char *user, uint64_t now)
{
    struct window_state state;
    struct limited *entry = limiter_user(limiter, slice_of(user), now);
    if (!entry)
        return LIMITER_FULL;
    return limiter_admit(limiter, entry, rate, now, &state) ? LIMITER_ADMITTED : LIMITER_REFUSED;
}

static enum verdict stranger(struct limiter *limiter, unsigned number, uint64_t now)
{
    char name[32];
    snprintf(name, sizeof name, "stranger-%u", number);
    return call(limiter, name, now);
}

static void test_users_do_not_share(void **unused)
{
    struct limiter limiter;
    (void)unused;
    limiter_init(&limiter, MOST);
    for (unsigned i = 0; i < rate.burst; i++)
        assert_int_equal(call(&limiter, "ann", SECOND), LIMITER_ADMITTED);
    assert_int_equal(call(&limiter, "ann", SECOND), LIMITER_REFUSED);
    assert_int_equal(call(&limiter, "bob", SECOND), LIMITER_ADMITTED);
    limiter_finish(&limiter);
}

static void test_strangers_push_nobody_out(void **unused)
{
    struct limiter limiter;
    (void)unused;
    limiter_init(&limiter, MOST);
    for (unsigned i = 0; i < rate.burst; i++)
        assert_int_equal(call(&limiter, "ann", SECOND), LIMITER_ADMITTED);
    for (unsigned i = 1; i < MOST; i++)
        assert_int_equal(stranger(&limiter, i, SECOND), LIMITER_ADMITTED);
    for (unsigned i = MOST; i < 10 * MOST; i++)
        assert_int_equal(stranger(&limiter, i, SECOND + 1), LIMITER_FULL);
    assert_int_equal(limiter.users.count, MOST);
    assert_int_equal(call(&limiter, "ann", SECOND + 2), LIMITER_REFUSED);
    limiter_finish(&limiter);
}

static void test_the_idle_make_room(void **unused)
{
    struct limiter limiter;
    uint64_t later = 2 * SECOND + WINDOW_NS;
    (void)unused;
    limiter_init(&limiter, MOST);
    for (unsigned i = 0; i < MOST; i++)
        assert_int_equal(stranger(&limiter, i, SECOND), LIMITER_ADMITTED);
    assert_int_equal(call(&limiter, "ann", SECOND + 1), LIMITER_FULL);
    for (unsigned i = 0; i < MOST; i++)
        assert_int_equal(stranger(&limiter, MOST + i, later), LIMITER_ADMITTED);
    assert_int_equal(limiter.users.count, MOST);
    limiter_finish(&limiter);
}

/* One of them is the oldest, and given up for the other. */
static void test_room_for_several_is_room_for_all(void **unused)
{
    const struct slice both[] = {slice_of("ann"), slice_of("ann's tenant")};
    struct limiter limiter;
    uint64_t later = 2 * SECOND + WINDOW_NS;
    (void)unused;
    limiter_init(&limiter, MOST);
    assert_int_equal(call(&limiter, "ann", SECOND), LIMITER_ADMITTED);
    for (unsigned i = 1; i < MOST; i++)
        assert_int_equal(stranger(&limiter, i, later), LIMITER_ADMITTED);
    assert_false(limiter_make_room(&limiter, both, 2, later));
    assert_int_equal(stranger(&limiter, MOST, later), LIMITER_ADMITTED);
    assert_false(limiter_make_room(&limiter, both, 2, later));
    later += 2 * WINDOW_NS;
    assert_true(limiter_make_room(&limiter, both, 2, later));
    assert_int_equal(call(&limiter, "ann", later), LIMITER_ADMITTED);
    assert_int_equal(call(&limiter, "ann's tenant", later), LIMITER_ADMITTED);
    limiter_finish(&limiter);
}

static void test_looking_leaves_nothing(void **unused)
{
    struct limiter limiter;
    struct window_state state;
    (void)unused;
    limiter_init(&limiter, MOST);
    limiter_look(&limiter, slice_of("ann"), rate, SECOND, &state);
    assert_int_equal(state.remaining, rate.burst);
    assert_int_equal(limiter.users.count, 0);
    call(&limiter, "ann", SECOND);
    limiter_look(&limiter, slice_of("ann"), rate, SECOND, &state);
    assert_int_equal(state.remaining, rate.burst - 1);
    limiter_finish(&limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users_do_not_share),
        cmocka_unit_test(test_strangers_push_nobody_out),
        cmocka_unit_test(test_the_idle_make_room),
        cmocka_unit_test(test_room_for_several_is_room_for_all),
        cmocka_unit_test(test_looking_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
