/* bus.tenants: changes that would do nothing, or harm, are refused. */
#include "../testing.h"

#include "builtin/packing.h"
#include "core/state.h"
#include "core_ask.h"
#include "wire/json.h"

#define A_SAVE_MS 250u

static struct stage stage;
static struct actor *ops;
static struct buf answer;

static int open_stage(void **state)
{
    char why[TIER_WHY_BYTES];
    (void)state;
    stage_init(&stage);
    assert_int_equal(tiers_add(&stage.options.limits.tiers, "free", why), 0);
    stage_start(&stage);
    ops = stage_join(&stage, "infra ops admin:*");
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
    static uint64_t id;
    return actor_ask(ops, ++id, "bus.tenants", method, question, &answer);
}

static bool says(const char *text)
{
    return strstr((const char *)answer.data, text) != NULL;
}

/* Resuming it would leave it as expired as it was. */
static void what_has_ended_is_not_resumed(void **state)
{
    static const char *const statuses[] = {"active", "suspended"};
    char question[128];
    (void)state;
    assert_int_equal(ask("create", "{\"tenant\":\"acme\",\"tier\":\"free\",\"expires_ms\":1}"),
                     STATUS_OK);
    for (size_t i = 0; i < 2; i++) {
        snprintf(question, sizeof question, "{\"tenant\":\"acme\",\"status\":\"%s\"}", statuses[i]);
        assert_int_equal(ask("update", question), STATUS_OK);
        assert_int_equal(ask("resume", "{\"tenant\":\"acme\"}"), STATUS_CONFLICT);
    }
    assert_int_equal(ask("update", "{\"tenant\":\"acme\",\"expires_ms\":0}"), STATUS_OK);
    assert_int_equal(ask("resume", "{\"tenant\":\"acme\"}"), STATUS_OK);
    assert_true(says("\"status\":\"active\""));
    assert_int_equal(ask("update", "{\"tenant\":\"acme\",\"status\":\"expired\"}"), STATUS_OK);
    assert_int_equal(ask("resume", "{\"tenant\":\"acme\"}"), STATUS_OK);
}

/* Whoever reads them expects text. */
static void names_are_text(void **state)
{
    static const char *const keys[] = {"name", "billing_customer"};
    static const struct slice bad[] = {{(const uint8_t *)"\xff", 1}, {(const uint8_t *)"a\0b", 3}};
    (void)state;
    assert_int_equal(ask("create", "{\"tenant\":\"acme\",\"tier\":\"free\",\"name\":\"Ärmel\"}"),
                     STATUS_OK);
    for (size_t i = 0; i < 4; i++) {
        struct buf payload = {0};
        msgpack_packer packer;
        packing_init(&packer, &payload);
        msgpack_pack_map(&packer, 2);
        pack_pair_text(&packer, "tenant", slice_of("acme"));
        pack_pair_text(&packer, keys[i / 2], bad[i % 2]);
        const struct wire_request request = {.service = slice_of("bus.tenants"),
                                             .method = slice_of("update"),
                                             .payload = buf_slice(&payload)};
        actor_request(ops, 500 + i, &request, slice_make(NULL, 0));
        buf_finish(&payload);
        assert_int_equal(actor_outcome(ops, 500 + i), STATUS_INVALID_ARGUMENT);
    }
}

/* Nobody hears of a change that a failing system takes back. */
static void where_it_has_to_be_on_disk_it_is_first(void **state)
{
    static const char *const methods[] = {"create", "update", "suspend", "resume", "delete"};
    enum { QUESTION = 500 };
    (void)state;
    stage.core->limits.durability = DURABILITY_POWER;
    for (unsigned i = 0; i < sizeof methods / sizeof *methods; i++) {
        stage.store_lags = true;
        actor_question(ops, QUESTION + i, "bus.tenants", methods[i],
                       i == 0   ? "{\"tenant\":\"acme\",\"tier\":\"free\"}"
                       : i == 1 ? "{\"tenant\":\"acme\",\"name\":\"Acme\"}"
                                : "{\"tenant\":\"acme\"}");
        stage_pass(&stage, 1000);
        assert_true(actor_hears_nothing(ops));
        stage.store_lags = false;
        stage_pass(&stage, 1000);
        assert_int_equal(actor_outcome(ops, QUESTION + i), STATUS_OK);
    }
}

static void announces(struct actor *listener, const char *event)
{
    struct buf payload = {0};
    struct slice told = actor_expect(listener, WIRE_DELIVERY).delivery.payload;
    assert_int_equal(json_from_msgpack(&payload, told, NULL), 0);
    buf_append(&payload, "", 1);
    if (!strstr((const char *)payload.data, event))
        fail_msg("%s is no %s", (const char *)payload.data, event);
    buf_finish(&payload);
}

/* Whoever audits looks for what was done. */
static void what_changes_nothing_is_no_event(void **state)
{
    static const char *const fields[] = {
        "\"tier\":\"free\"",          "\"name\":\"Acme\"",    "\"billing_customer\":\"c1\"",
        "\"features\":[\"a\",\"b\"]", "\"features\":[\"b\"]", "\"expires_ms\":99999999999999",
        "\"per_minute\":7",           "\"burst\":3",          "\"status\":\"past_due\""};
    char question[128];
    (void)state;
    struct actor *listener = stage_join(&stage, "infra eve subscribe:*/bus.>");
    assert_int_equal(actor_subscribe(listener, 1, "bus.tenant.acme", NULL, "*"), STATUS_OK);
    assert_int_equal(ask("create", "{\"tenant\":\"acme\",\"tier\":\"free\"}"), STATUS_OK);
    announces(listener, "\"event\":\"created\"");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        snprintf(question, sizeof question, "{\"tenant\":\"acme\",%s}", fields[i]);
        assert_int_equal(ask("update", question), STATUS_OK);
        if (i > 0)
            announces(listener, "\"event\":\"updated\"");
        assert_int_equal(ask("update", question), STATUS_OK);
        assert_true(says(fields[i]));
        assert_true(actor_hears_nothing(listener));
    }
    assert_int_equal(ask("suspend", "{\"tenant\":\"acme\"}"), STATUS_OK);
    announces(listener, "\"event\":\"suspended\"");
    assert_int_equal(ask("suspend", "{\"tenant\":\"acme\"}"), STATUS_OK);
    assert_true(actor_hears_nothing(listener));
}

static void refuses(const char *method, const char *question, enum status status, const char *text)
{
    static uint64_t id = 1000;
    actor_question(ops, ++id, "bus.tenants", method, question);
    const struct wire_reply reply = actor_expect(ops, WIRE_REPLY).reply;
    assert_int_equal(reply.status, status);
    assert_true(slice_is(reply.message, text));
}

static void a_refusal_says_of_whom(void **state)
{
    static const char *const existing[] = {"show", "update", "suspend", "resume", "delete"};
    (void)state;
    for (size_t i = 0; i < sizeof existing / sizeof *existing; i++) {
        refuses(existing[i], "{\"tenant\":\"acme\"}", STATUS_INVALID_ARGUMENT,
                "there is no record of tenant acme");
        refuses(existing[i], "{\"tenant\":\"acme\",\"user\":\"ann\"}", STATUS_INVALID_ARGUMENT,
                "there is no record of user ann of tenant acme");
    }
    refuses("create", "{\"tenant\":\"acme\",\"user\":\"ann\"}", STATUS_INVALID_ARGUMENT,
            "tenant acme has no record");
    assert_int_equal(ask("create", "{\"tenant\":\"acme\",\"tier\":\"free\"}"), STATUS_OK);
    refuses("create", "{\"tenant\":\"acme\",\"tier\":\"free\"}", STATUS_CONFLICT,
            "there is a record of tenant acme already");
}

static void nobody_is_called_as_the_broker(void **state)
{
    static const char *const questions[] = {"{\"tenant\":\"bus\",\"tier\":\"free\"}",
                                            "{\"tenant\":\"bus.tenant\",\"tier\":\"free\"}"};
    (void)state;
    for (size_t i = 0; i < 2; i++)
        refuses("create", questions[i], STATUS_INVALID_ARGUMENT,
                "tenant: bus and what begins with bus. is the broker's own");
    assert_int_equal(ask("create", "{\"tenant\":\"buses\",\"tier\":\"free\"}"), STATUS_OK);
}

/* The books refuse once what the ledger has, and take all after it. */
static void restart_refused_once(void)
{
    stage.store_refuses = 1;
    stage_restart(&stage);
    assert_int_equal(stage.store_refuses, 0);
    ops = stage_join(&stage, "infra ops admin:*");
}

/* The books alone tell what came last. */
static void restart_without_the_ledger(void)
{
    stage_pass(&stage, A_SAVE_MS);
    stage_lose_ledger(&stage);
    stage_restart(&stage);
    ops = stage_join(&stage, "infra ops admin:*");
}

/* The books may take late what the process before changed, but not after what this one changes. */
static void what_the_ledger_has_comes_first(void **state)
{
    (void)state;
    assert_int_equal(ask("create", "{\"tenant\":\"acme\",\"tier\":\"free\"}"), STATUS_OK);
    stage.store_fails = true;
    stage_restart(&stage);
    ops = stage_join(&stage, "infra ops admin:*");
    assert_int_equal(ask("suspend", "{\"tenant\":\"acme\"}"), STATUS_UNAVAILABLE);
    assert_int_equal(ask("delete", "{\"tenant\":\"acme\"}"), STATUS_UNAVAILABLE);
    stage.store_fails = false;
    assert_int_equal(ask("suspend", "{\"tenant\":\"acme\"}"), STATUS_OK);
    restart_without_the_ledger();
    assert_int_equal(ask("show", "{\"tenant\":\"acme\"}"), STATUS_OK);
    assert_true(says("\"status\":\"suspended\""));
}

static void the_ledgers_changes_keep_their_order(void **state)
{
    (void)state;
    assert_int_equal(ask("create", "{\"tenant\":\"acme\",\"tier\":\"free\"}"), STATUS_OK);
    assert_int_equal(ask("suspend", "{\"tenant\":\"acme\"}"), STATUS_OK);
    restart_refused_once();
    restart_without_the_ledger();
    assert_int_equal(ask("show", "{\"tenant\":\"acme\"}"), STATUS_OK);
    assert_true(says("\"status\":\"suspended\""));
}

static void what_was_deleted_does_not_come_back(void **state)
{
    (void)state;
    assert_int_equal(ask("create", "{\"tenant\":\"acme\",\"tier\":\"free\"}"), STATUS_OK);
    restart_refused_once();
    assert_int_equal(ask("delete", "{\"tenant\":\"acme\"}"), STATUS_OK);
    restart_without_the_ledger();
    assert_int_equal(ask("show", "{\"tenant\":\"acme\"}"), STATUS_INVALID_ARGUMENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_changes_nothing_is_no_event),
        TEST(what_has_ended_is_not_resumed),
        TEST(names_are_text),
        TEST(a_refusal_says_of_whom),
        TEST(nobody_is_called_as_the_broker),
        TEST(where_it_has_to_be_on_disk_it_is_first),
        TEST(what_the_ledger_has_comes_first),
        TEST(the_ledgers_changes_keep_their_order),
        TEST(what_was_deleted_does_not_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
