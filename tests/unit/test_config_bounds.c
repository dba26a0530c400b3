/* bus.config: how much there may be of it. */
#include "../testing.h"

#include "core/state.h"
#include "core/values.h"
#include "core_ask.h"

static struct stage stage;
static struct actor *ops;
static struct buf answer, question;

static int put_nowhere(void *arg, const char *table, struct slice key, struct slice value)
{
    (void)arg;
    (void)table;
    (void)key;
    (void)value;
    return 0;
}

static int append_nowhere(void *arg, struct slice block, uint64_t *sequence)
{
    static uint64_t last;
    (void)arg;
    (void)block;
    *sequence = ++last;
    return 0;
}

static int trim_nothing(void *arg, uint64_t sequence)
{
    (void)arg;
    (void)sequence;
    return 0;
}

/* The stage's own store and ledger are small. */
static void keep_nothing(void)
{
    stage.core->io.put = put_nowhere;
    stage.core->io.ledger_append = append_nowhere;
    stage.core->io.ledger_trim = trim_nothing;
}

static int open_stage(void **state)
{
    (void)state;
    stage_init(&stage);
    stage.options.limits.max_payload_bytes = WIRE_PAYLOAD_MAX;
    stage_start(&stage);
    ops = stage_join(&stage, "infra ops admin:*");
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    buf_finish(&answer);
    buf_finish(&question);
    answer = question = (struct buf){0};
    stage_finish(&stage);
    return 0;
}

static enum status ask(const char *method, const char *json)
{
    static uint64_t id;
    return actor_ask(ops, ++id, "bus.config", method, json, &answer);
}

/* A text of so many digits, as the value of key kN. */
static enum status set(unsigned n, unsigned digits)
{
    question.len = 0;
    buf_printf(&question, "{\"key\":\"k%u\",\"value\":\"%0*d\"}", n, (int)digits, 0);
    buf_append(&question, "", 1);
    return ask("set", (const char *)question.data);
}

static unsigned times(const char *text)
{
    unsigned n = 0;
    for (const char *at = (const char *)answer.data; (at = strstr(at, text)); at++)
        n++;
    return n;
}

/* A text's head is three bytes. */
static void a_value_has_a_size(void **state)
{
    (void)state;
    assert_int_equal(set(0, VALUE_BYTES_MAX - 3), STATUS_OK);
    assert_int_equal(set(0, VALUE_BYTES_MAX - 2), STATUS_TOO_LARGE);
}

static void a_scope_has_so_many_keys(void **state)
{
    (void)state;
    keep_nothing();
    for (unsigned n = 0; n < VALUES_OF_A_SCOPE; n++)
        assert_int_equal(set(n, 1), STATUS_OK);
    assert_int_equal(set(VALUES_OF_A_SCOPE, 1), STATUS_QUOTA_EXCEEDED);
    assert_int_equal(set(0, 2), STATUS_OK);
    assert_int_equal(ask("set", "{\"key\":\"k\",\"value\":1,\"tenant\":\"acme\"}"), STATUS_OK);
    assert_int_equal(ask("delete", "{\"key\":\"k7\"}"), STATUS_OK);
    assert_int_equal(set(VALUES_OF_A_SCOPE, 1), STATUS_OK);
}

static void a_scope_has_so_many_bytes(void **state)
{
    const unsigned full = VALUES_BYTES_OF_A_SCOPE / VALUE_BYTES_MAX;
    (void)state;
    keep_nothing();
    for (unsigned n = 0; n < full; n++)
        assert_int_equal(set(n, VALUE_BYTES_MAX - 3), STATUS_OK);
    assert_int_equal(set(full, 1), STATUS_QUOTA_EXCEEDED);
    assert_int_equal(set(0, VALUE_BYTES_MAX - 100), STATUS_OK);
    assert_int_equal(set(full, 1), STATUS_OK);
}

/* Of the revisions before the newest; of it itself there is always one. */
static void a_history_has_so_many_bytes(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 8; n++)
        assert_int_equal(set(0, VALUE_HISTORY_BYTES / 4), STATUS_OK);
    assert_int_equal(ask("history", "{\"key\":\"k0\"}"), STATUS_OK);
    assert_in_range(times("\"revision\":"), 2, 4);
    assert_int_equal(set(0, VALUE_BYTES_MAX - 3), STATUS_OK);
    assert_int_equal(ask("history", "{\"key\":\"k0\"}"), STATUS_OK);
    assert_int_equal(times("\"revision\":"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_value_has_a_size),
        TEST(a_scope_has_so_many_keys),
        TEST(a_scope_has_so_many_bytes),
        TEST(a_history_has_so_many_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
