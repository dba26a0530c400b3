/* bus.me: whoever asks is told who they are to the bus. */
#include "../testing.h"

#include "core_ask.h"

static struct stage stage;
static struct buf answer;

static int open_stage(void **state)
{
    char why[TIER_WHY_BYTES];
    struct tiers *tiers = &stage.options.limits.tiers;
    (void)state;
    stage_init(&stage);
    stage.options.limits.max_limited_users = 100;
    assert_int_equal(tiers_add(tiers, "free per-minute=60 burst=10 monthly=100", why), 0);
    assert_int_equal(tiers_add(tiers, "pro feature=sso allow=call:reports.*", why), 0);
    stage_start(&stage);
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

static void show(struct actor *who)
{
    assert_int_equal(actor_ask(who, 1, "bus.me", "show", "{}", &answer), STATUS_OK);
}

static void assert_says(const char *text)
{
    if (!strstr((const char *)answer.data, text))
        fail_msg("%s does not say %s", (const char *)answer.data, text);
}

static void who_has_nothing_but_a_token_is_told_what_it_says(void **state)
{
    (void)state;
    show(stage_join(&stage, "acme ann call:orders ends:60"));
    assert_says("{\"tenant\":\"acme\",\"user\":\"ann\",\"tier\":\"free\",\"subscription_status\":"
                "\"active\",\"subscription_ends_ms\":0,\"billing_customer\":\"\",\"features\":[],"
                "\"permissions\":[\"call:"
                "orders\",\"ends:60\"],");
    assert_says("\"token_id\":\"");
    assert_says("\"limits\":{\"tenant\":\"acme\",\"user\":\"ann\",\"tier\":\"free\"");
    assert_says("\"supposed\":false,\"per_minute\":60,\"burst\":10,\"remaining\":10,");
    char expires[64];
    snprintf(expires, sizeof expires, "\"expires_ms\":%llu,",
             (unsigned long long)(stage.now.unix_ms / 1000 + 60) * 1000);
    assert_says(expires);
}

static void the_record_and_the_tier_say_more(void **state)
{
    (void)state;
    struct actor *ops = stage_join(&stage, "infra ops admin:*");
    struct actor *ann = stage_join(&stage, "acme ann call:orders");
    assert_int_equal(actor_ask(ops, 1, "bus.tenants", "create",
                               "{\"tenant\":\"acme\",\"tier\":\"pro\",\"status\":\"past_due\","
                               "\"features\":[\"audit\"],\"billing_customer\":\"cus_7\"}",
                               &answer),
                     STATUS_OK);
    show(ann);
    assert_says("\"tier\":\"pro\",\"subscription_status\":\"past_due\",\"subscription_ends_ms\":0,"
                "\"billing_customer\":\"cus_7\","
                "\"features\":[\"audit\",\"sso\"],"
                "\"permissions\":[\"call:orders\",\"call:reports.*\"],");
    assert_says("\"limits\":{\"tenant\":\"acme\",\"user\":\"ann\",\"tier\":\"pro\",\"status\":"
                "\"past_due\"");
}

/* Of a tenant's end and a user's own, the first. */
static void when_a_subscription_ends_is_told(void **state)
{
    unsigned long long now_ms = (unsigned long long)stage.now.unix_ms;
    char text[128];
    (void)state;
    struct actor *ops = stage_join(&stage, "infra ops admin:*");
    struct actor *ann = stage_join(&stage, "acme ann call:orders");
    struct actor *bob = stage_join(&stage, "acme bob call:orders");
    snprintf(text, sizeof text, "{\"tenant\":\"acme\",\"tier\":\"pro\",\"expires_ms\":%llu}",
             now_ms + 9000);
    assert_int_equal(actor_ask(ops, 1, "bus.tenants", "create", text, &answer), STATUS_OK);
    snprintf(text, sizeof text, "{\"tenant\":\"acme\",\"user\":\"bob\",\"expires_ms\":%llu}",
             now_ms + 5000);
    assert_int_equal(actor_ask(ops, 2, "bus.tenants", "create", text, &answer), STATUS_OK);
    show(ann);
    snprintf(text, sizeof text, "\"subscription_ends_ms\":%llu,", now_ms + 9000);
    assert_says(text);
    show(bob);
    snprintf(text, sizeof text, "\"subscription_ends_ms\":%llu,", now_ms + 5000);
    assert_says(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_has_nothing_but_a_token_is_told_what_it_says),
        TEST(the_record_and_the_tier_say_more),
        TEST(when_a_subscription_ends_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
