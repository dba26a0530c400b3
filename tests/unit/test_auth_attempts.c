/* Failed logins: how many there may be, by account and by address. */
#include "../testing.h"

#include "auth/attempts.h"
#include "auth/origin.h"

#define LIMIT 3u
#define SPAN 1000u

static struct slice key(const char *text)
{
    return slice_of(text);
}

static void after_so_many_failures_a_key_is_barred(void **state)
{
    struct attempts *attempts = attempts_create(LIMIT, SPAN, 100);
    (void)state;
    assert_false(attempts_failed(attempts, key("a"), 0));
    assert_false(attempts_failed(attempts, key("a"), 10));
    assert_int_equal(attempts_barred_ms(attempts, key("a"), 20), 0);
    assert_true(attempts_failed(attempts, key("a"), 20));
    assert_int_equal(attempts_barred_ms(attempts, key("a"), 20), SPAN);
    assert_int_equal(attempts_barred_ms(attempts, key("a"), 30), SPAN - 10);
    assert_int_equal(attempts_barred_ms(attempts, key("b"), 20), 0);
    attempts_destroy(attempts);
}

/* Otherwise whoever goes on trying keeps the owner out for ever. */
static void nobody_can_keep_a_key_barred(void **state)
{
    struct attempts *attempts = attempts_create(LIMIT, SPAN, 100);
    (void)state;
    for (unsigned i = 0; i < LIMIT; i++)
        (void)attempts_failed(attempts, key("a"), 0);
    for (uint64_t at = 0; at < SPAN; at += 10) {
        assert_false(attempts_failed(attempts, key("a"), at));
        assert_int_equal(attempts_barred_ms(attempts, key("a"), at), SPAN - at);
    }
    assert_int_equal(attempts_barred_ms(attempts, key("a"), SPAN), 0);
    assert_int_equal(attempts_known(attempts), 0);
    attempts_destroy(attempts);
}

static void failures_far_apart_and_forgiven_ones_do_not_add_up(void **state)
{
    struct attempts *attempts = attempts_create(LIMIT, SPAN, 100);
    (void)state;
    for (uint64_t i = 0; i < 10; i++)
        assert_false(attempts_failed(attempts, key("a"), i * SPAN));
    for (unsigned i = 0; i < 10; i++) {
        assert_false(attempts_failed(attempts, key("b"), 0));
        attempts_forgive(attempts, key("b"));
    }
    attempts_destroy(attempts);
}

static void memory_is_bounded_and_the_oldest_goes_first(void **state)
{
    struct attempts *attempts = attempts_create(1, SPAN, 100);
    char name[16];
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "key-%u", i);
        assert_true(attempts_failed(attempts, key(name), 0));
        assert_true(attempts_known(attempts) <= 100);
    }
    assert_int_equal(attempts_barred_ms(attempts, key("key-999"), 0), SPAN);
    assert_int_equal(attempts_barred_ms(attempts, key("key-900"), 0), SPAN);
    assert_int_equal(attempts_barred_ms(attempts, key("key-899"), 0), 0);
    attempts_destroy(attempts);
}

static void an_address_is_that_of_a_customer(void **state)
{
    static const char *const known[][2] = {
        {"192.0.2.7", "192.0.2.7"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
        {"2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"},
        {"2001:db8:1:3::1", "2001:db8:1:3::/64"},
        {"unix", "unix"},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct origin origin;
        origin_of_address(&origin, known[i][0]);
        assert_string_equal(origin.text, known[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_so_many_failures_a_key_is_barred),
        cmocka_unit_test(nobody_can_keep_a_key_barred),
        cmocka_unit_test(failures_far_apart_and_forgiven_ones_do_not_add_up),
        cmocka_unit_test(memory_is_bounded_and_the_oldest_goes_first),
        cmocka_unit_test(an_address_is_that_of_a_customer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
