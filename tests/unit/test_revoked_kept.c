/* Revocations are kept: over the broker's death, no longer than there is something to refuse, and
 * no more than there is room for. */
#include "../testing.h"

#include "core_ask.h"

#include "core/state.h"

#define OPS "infra ops admin:* ends:9999999"
#define ANN "acme ann call:* id:a1 ends:9999999"

static struct stage stage;
static struct actor *ops;
static struct buf answer;
static uint64_t ids;

static int open_stage(void **state)
{
    (void)state;
    stage_init(&stage);
    stage_start(&stage);
    ops = stage_join(&stage, OPS);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    buf_finish(&answer);
    answer = (struct buf){0};
    stage_finish(&stage);
    return 0;
}

static enum status ask(const char *method, const char *question)
{
    return actor_ask(ops, ++ids, "bus.tokens", method, question, &answer);
}

static enum status join(const char *token)
{
    enum status status = STATUS_OK;
    (void)stage_try_join(&stage, token, &status);
    return status;
}

static bool lists(const char *text)
{
    assert_int_equal(ask("list", "{}"), STATUS_OK);
    return strstr((const char *)answer.data, text) != NULL;
}

static void restart(void)
{
    stage_restart(&stage);
    ops = stage_join(&stage, OPS);
}

static void a_restart_takes_nothing_back(void **state)
{
    (void)state;
    assert_int_equal(ask("revoke", "{\"id\":\"a1\"}"), STATUS_OK);
    assert_int_equal(ask("revoke", "{\"tenant\":\"acme\",\"user\":\"bob\"}"), STATUS_OK);
    for (unsigned round = 0; round < 2; round++) {
        restart();
        assert_int_equal(join(ANN), STATUS_UNAUTHENTICATED);
        assert_int_equal(join("acme bob issued:1799999999"), STATUS_UNAUTHENTICATED);
        assert_true(
            lists("{\"id\":\"a1\",\"until_ms\":0,\"at_ms\":1800000000000,\"by\":\"infra/ops\"}"));
        assert_true(
            lists("{\"tenant\":\"acme\",\"user\":\"bob\",\"issued_before_ms\":1800000000000,"));
    }
}

/* The broker is killed before the books have written anything. */
static void nor_does_a_death_before_the_books_have_it(void **state)
{
    (void)state;
    assert_int_equal(ask("revoke", "{\"id\":\"a1\"}"), STATUS_OK);
    for (unsigned i = 0; i < stage.n_records; i++)
        stage.records[i].value.len = 0; /* as if it was not there */
    restart();
    assert_int_equal(join(ANN), STATUS_UNAUTHENTICATED);
    assert_true(lists("\"a1\""));
}

/* A full disk lets nobody in again. */
static void nor_do_books_that_refuse(void **state)
{
    (void)state;
    assert_int_equal(ask("revoke", "{\"id\":\"a1\"}"), STATUS_OK);
    assert_int_equal(stage_lose(&stage, REVOKED_TABLE), 1);
    stage.store_fails = true;
    restart();
    assert_int_equal(join(ANN), STATUS_UNAUTHENTICATED);
    assert_int_equal(ask("revoke", "{\"id\":\"a2\"}"), STATUS_UNAVAILABLE);
    stage.store_fails = false;
    stage_pass(&stage, 1000);
    restart();
    assert_int_equal(join(ANN), STATUS_UNAUTHENTICATED);
    assert_true(lists("\"a1\""));
}

/* The books, which refuse once what the ledger has, do not take it after what is newer. */
static void nor_do_books_that_take_it_late(void **state)
{
    (void)state;
    assert_int_equal(ask("revoke", "{\"id\":\"a1\",\"expires_ms\":1800000010000}"), STATUS_OK);
    stage.store_refuses = 1;
    restart();
    assert_int_equal(stage.store_refuses, 0);
    assert_int_equal(ask("revoke", "{\"id\":\"a1\",\"expires_ms\":1800000020000}"), STATUS_OK);
    stage_pass(&stage, 1000);
    stage_lose_ledger(&stage); /* the books alone tell what came last */
    restart();
    assert_true(lists("\"id\":\"a1\",\"until_ms\":1800000020000"));
}

static void it_is_forgotten_when_the_token_is_over_anyhow(void **state)
{
    (void)state;
    assert_int_equal(ask("revoke", "{\"id\":\"a1\",\"expires_ms\":1800000010000}"), STATUS_OK);
    assert_int_equal(ask("revoke", "{\"id\":\"a2\",\"expires_ms\":1800000010000}"), STATUS_OK);
    assert_int_equal(ask("revoke", "{\"id\":\"a2\",\"expires_ms\":1800000020000}"), STATUS_OK);
    assert_int_equal(ask("revoke", "{\"id\":\"a2\",\"expires_ms\":1800000005000}"), STATUS_OK);
    for (unsigned n = 0; n < 11; n++) {
        stage_pass(&stage, 1000);
        actor_say(ops);
    }
    assert_false(lists("\"a1\""));
    assert_true(lists("\"a2\""));
    restart();
    assert_false(lists("\"a1\""));
    assert_int_equal(join("acme ann id:a2"), STATUS_UNAUTHENTICATED);
}

static void there_are_only_so_many(void **state)
{
    char question[64];
    (void)state;
    for (unsigned n = 0; n < 16; n++) {
        snprintf(question, sizeof question, "{\"id\":\"t%u\",\"expires_ms\":1800000010000}", n);
        assert_int_equal(ask("revoke", question), STATUS_OK);
    }
    assert_int_equal(ask("revoke", "{\"id\":\"a1\"}"), STATUS_OVERLOADED);
    assert_int_equal(ask("revoke", "{\"id\":\"t1\"}"), STATUS_OK); /* is there */
    assert_int_equal(join(ANN), STATUS_OK);
    stage_pass(&stage, 9000);
    actor_say(ops);
    stage_pass(&stage, 2000);
    assert_int_equal(ask("revoke", "{\"id\":\"a1\"}"), STATUS_OK);
}

static void what_the_books_refuse_was_not_revoked(void **state)
{
    (void)state;
    stage.store_fails = true;
    assert_int_equal(ask("revoke", "{\"id\":\"a1\"}"), STATUS_UNAVAILABLE);
    assert_int_equal(join(ANN), STATUS_OK);
}

/* Where tokens may last only so long, no revocation has to be kept for ever. */
static void tokens_that_last_too_long_are_none(void **state)
{
    (void)state;
    stage.options.limits.max_token_days = 2;
    core_reload(stage.core, &stage.options.limits);
    assert_int_equal(join("acme ann id:a2 ends:172801"), STATUS_UNAUTHENTICATED);
    assert_int_equal(join("acme ann id:a3 ends:172800"), STATUS_OK);
    ops = stage_join(&stage, "infra ops admin:*");
    assert_int_equal(ask("revoke", "{\"tenant\":\"acme\",\"user\":\"ann\"}"), STATUS_OK);
    assert_true(lists("\"until_ms\":1800172800000"));
}

static void a_long_list_has_pages(void **state)
{
    enum { TOKENS = 12 };
    static char id[REVOKED_ID_MAX + 1], question[400];
    (void)state;
    for (unsigned n = 0; n < TOKENS; n++) {
        memset(id, 'a' + (int)n, sizeof id - 1);
        snprintf(question, sizeof question, "{\"id\":\"%s\"}", id);
        assert_int_equal(ask("revoke", question), STATUS_OK);
    }
    snprintf(question, sizeof question, "{\"after\":\"id/%s\"}", id);
    assert_int_equal(ask("list", question), STATUS_OK);
    assert_string_equal((const char *)answer.data, "{\"revoked\":[],\"next\":\"\"}");
    memset(id, 'a' + TOKENS - 2, sizeof id - 1);
    snprintf(question, sizeof question, "{\"after\":\"id/%s\"}", id);
    assert_int_equal(ask("list", question), STATUS_OK);
    assert_null(strstr((const char *)answer.data, id));
    assert_non_null(strstr((const char *)answer.data, "\"llll"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_restart_takes_nothing_back),
        TEST(nor_does_a_death_before_the_books_have_it),
        TEST(nor_do_books_that_refuse),
        TEST(nor_do_books_that_take_it_late),
        TEST(it_is_forgotten_when_the_token_is_over_anyhow),
        TEST(there_are_only_so_many),
        TEST(what_the_books_refuse_was_not_revoked),
        TEST(tokens_that_last_too_long_are_none),
        TEST(a_long_list_has_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
