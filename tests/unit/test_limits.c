/* bus.limits: what is left to whom; asking takes nothing of it. */
#include "../testing.h"

#include "core_ask.h"

static struct stage stage;
static struct actor *ann, *admin, *ops, *host;
static struct buf answer;
static uint64_t ids;

static int open_stage(void **state)
{
    char why[TIER_WHY_BYTES];
    struct tiers *tiers = &stage.options.limits.tiers;
    (void)state;
    stage_init(&stage);
    stage.options.limits.max_limited_users = 100;
    assert_int_equal(tiers_add(tiers, "free per-minute=60 burst=10 monthly=100", why), 0);
    assert_int_equal(tiers_add(tiers, "pro per-minute=600 burst=50", why), 0);
    assert_int_equal(tiers_add(tiers, "internal", why), 0);
    stage_start(&stage);
    ann = stage_join(&stage, "acme ann call:*");
    admin = stage_join(&stage, "acme admin admin:acme/limits tier:internal");
    ops = stage_join(&stage, "infra ops admin:* tier:internal");
    host = stage_join(&stage, "infra host serve:* tier:internal");
    actor_register(host, "orders", 10);
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

static enum status ask(struct actor *who, const char *question)
{
    return actor_ask(who, ++ids, "bus.limits", "show", question, &answer);
}

static void assert_says(const char *text)
{
    if (!strstr((const char *)answer.data, text))
        fail_msg("%s does not say %s", (const char *)answer.data, text);
}

static void use(unsigned calls)
{
    for (unsigned n = 0; n < calls; n++) {
        actor_call(ann, ++ids, "orders", "get");
        actor_reply(host, actor_requested(host), STATUS_OK, "");
        assert_int_equal(actor_outcome(ann, ids), STATUS_OK);
    }
}

static void it_says_what_is_left(void **state)
{
    (void)state;
    use(3);
    assert_int_equal(ask(admin, "{\"user\":\"ann\"}"), STATUS_OK);
    assert_says("\"tier\":\"free\",\"status\":\"active\",\"supposed\":true,\"per_minute\":60,"
                "\"burst\":10,\"remaining\":7,\"retry_after_ms\":0,\"monthly\":100,\"soft\":false,"
                "\"used\":3,\"resets_at\":\"2027-02-01T00:00:00Z\"");
    use(7);
    assert_int_equal(ask(admin, "{\"user\":\"ann\"}"), STATUS_OK);
    assert_says("\"remaining\":0,\"retry_after_ms\":1000,");
    assert_says("\"used\":10,");
}

static void asking_takes_nothing(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 100; n++)
        assert_int_equal(ask(ops, "{\"tenant\":\"acme\",\"user\":\"ann\"}"), STATUS_OK);
    assert_says("\"remaining\":10,");
    assert_says("\"used\":0,");
    assert_int_equal(ask(ann, "{}"), STATUS_OK);
    assert_says("\"user\":\"ann\"");
    assert_says("\"remaining\":10,");
}

/* Not for ever: asking has a limit of its own, as great. */
static void whoever_is_refused_can_ask_why(void **state)
{
    (void)state;
    use(10);
    actor_call(ann, ++ids, "orders", "get");
    assert_int_equal(actor_outcome(ann, ids), STATUS_RATE_LIMITED);
    for (unsigned n = 0; n < 9; n++)
        assert_int_equal(ask(ann, "{}"), STATUS_OK);
    assert_says("\"remaining\":0,\"retry_after_ms\":1000,");
    assert_int_equal(actor_ask(ann, ++ids, "bus.explain", "call",
                               "{\"service\":\"orders\",\"method\":\"get\"}", &answer),
                     STATUS_OK);
    assert_says("\"outcome\":\"rate_limited\"");
    assert_int_equal(ask(ann, "{}"), STATUS_RATE_LIMITED);
}

static void what_a_token_says_may_be_supposed(void **state)
{
    (void)state;
    assert_int_equal(ask(ops, "{\"tenant\":\"acme\",\"user\":\"bob\",\"tier\":\"pro\"}"),
                     STATUS_OK);
    assert_says("\"tier\":\"pro\"");
    assert_says("\"supposed\":true,\"per_minute\":600,\"burst\":50,\"remaining\":50,");
    assert_says("\"monthly\":0,");
}

static void others_are_nobodys_business(void **state)
{
    (void)state;
    assert_int_equal(ask(ann, "{\"user\":\"bob\"}"), STATUS_PERMISSION_DENIED);
    assert_int_equal(ask(ann, "{\"tenant\":\"globex\"}"), STATUS_TENANT_MISMATCH);
    assert_int_equal(ask(admin, "{\"tenant\":\"globex\",\"user\":\"ann\"}"),
                     STATUS_TENANT_MISMATCH);
    assert_int_equal(ask(ops, "{\"user\":\"a b\"}"), STATUS_INVALID_ARGUMENT);
    assert_int_equal(ask(ops, "[]"), STATUS_INVALID_ARGUMENT);
}

static void limits_of_tenants_and_services_are_there(void **state)
{
    char why[LINE_WHY_BYTES], line[] = "orders per-minute=60 burst=5",
                              other[] = "orders of=user tier=pro per-minute=60";
    char *lines[] = {line, other};
    (void)state;
    assert_int_equal(ask(admin, "{\"user\":\"ann\"}"), STATUS_OK);
    assert_says("\"limits\":[]");
    assert_int_equal(rate_table_read(&stage.options.limits.rates, lines, 2, why), 0);
    core_reload(stage.core, &stage.options.limits);
    use(2);
    assert_int_equal(ask(admin, "{\"user\":\"ann\"}"), STATUS_OK);
    assert_says("\"limits\":[{\"service\":\"orders\",\"method\":\"*\",\"of\":\"tenant\","
                "\"per_minute\":60,\"burst\":5,\"remaining\":3,\"retry_after_ms\":0}]");
    assert_int_equal(ask(admin, "{\"user\":\"ann\",\"tier\":\"pro\"}"), STATUS_OK);
    assert_says("\"of\":\"user\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_says_what_is_left),
        TEST(asking_takes_nothing),
        TEST(whoever_is_refused_can_ask_why),
        TEST(what_a_token_says_may_be_supposed),
        TEST(limits_of_tenants_and_services_are_there),
        TEST(others_are_nobodys_business),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
