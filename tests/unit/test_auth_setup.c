/* The settings of the login service: what is missing, wrong or contradicts itself is named. */
#include "../testing.h"

#include "auth/setup.h"

static int read(struct setup *setup, const struct module_setting *settings, size_t n,
                struct module_error *why)
{
    const struct module_env env = {.settings = settings, .n_settings = n};
    return setup_read(setup, &env, why);
}

static void what_is_not_said_has_its_default(void **state)
{
    static const struct module_setting said[] = {
        {"store", "users"}, {"keys-file", "keys.json"}, {"token-hours", "2"}};
    struct module_error why = {""};
    struct setup setup;
    (void)state;
    assert_int_equal(read(&setup, said, 3, &why), 0);
    assert_string_equal(setup.store, "users");
    assert_null(setup.secret_file);
    assert_int_equal(setup.token_s, 2 * 3600);
    assert_int_equal(setup.refresh_s, 30 * 86400);
    assert_int_equal(setup.attempts, 5);
    assert_int_equal(setup.lock_ms, 300000);
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        struct module_setting last;
        const char *says;
    } wrong[] = {
        {{"secret-file", "secret"}, "keys-file"}, {{"token-hours", "0"}, "token-hours"},
        {{"token-hours", "1000"}, "token-hours"}, {{"attempts", "many"}, "attempts"},
        {{"attempts", "-1"}, "attempts"},         {{"lock-seconds", "5s"}, "lock-seconds"},
        {{"threads", "17"}, "threads"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct module_setting said[] = {
            {"store", "users"}, {"keys-file", "keys.json"}, wrong[i].last};
        struct module_error why = {""};
        struct setup setup;
        assert_true(read(&setup, said, 3, &why) < 0);
        assert_non_null(strstr(why.text, wrong[i].says));
    }
}

static void a_store_and_a_key_are_needed(void **state)
{
    static const struct module_setting store = {"store", "users"}, secret = {"secret-file", "s"};
    struct module_error why = {""};
    struct setup setup;
    (void)state;
    assert_true(read(&setup, &secret, 1, &why) < 0);
    assert_non_null(strstr(why.text, "auth.store"));
    assert_true(read(&setup, &store, 1, &why) < 0);
    assert_non_null(strstr(why.text, "auth.secret-file"));
}

static void a_key_that_is_not_there_is_named(void **state)
{
    static const struct module_setting said[] = {{"store", "users"},
                                                 {"secret-file", "no/such/secret"}};
    struct module_error why = {""};
    struct setup setup;
    (void)state;
    assert_int_equal(read(&setup, said, 2, &why), 0);
    assert_null(setup_key(&setup, &why));
    assert_non_null(strstr(why.text, "no/such/secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_said_has_its_default),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_store_and_a_key_are_needed),
        cmocka_unit_test(a_key_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
