/* Feeds and taps are few: no tenant has them all, and operators find some left. */
#include "../testing.h"

#include "core/state.h"
#include "core_ask.h"

#define FEEDS 8u
#define TAPS 16u

static struct stage stage;

static int open_stage(void **state)
{
    (void)state;
    stage_init(&stage);
    stage.options.limits.max_feeds = FEEDS;
    stage_start(&stage);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

static enum status open_feed(struct actor *who)
{
    static uint64_t id;
    struct buf answer = {0};
    enum status status =
        actor_ask(who, ++id, "bus.feed", "open", "{\"pattern\":\"news\"}", &answer);
    buf_finish(&answer);
    return status;
}

/* An open tap says nothing. */
static enum status open_tap(struct actor *who, uint64_t id)
{
    static const struct wire_request watch = {.service = {(const uint8_t *)"bus.tap", 7},
                                              .method = {(const uint8_t *)"watch", 5},
                                              .stream = true};
    actor_request(who, id, &watch, slice_make(NULL, 0));
    return actor_hears_nothing(who) ? STATUS_OK : actor_outcome(who, id);
}

static struct actor *join(const char *tenant)
{
    char token[64];
    snprintf(token, sizeof token, "%s adm admin:%s/tap subscribe:>", tenant, tenant);
    return stage_join(&stage, token);
}

static void no_tenant_has_all_feeds(void **state)
{
    static const char *const tenants[] = {"acme", "bolt", "cord", "dune"};
    struct actor *one = NULL;
    (void)state;
    struct actor *ops = stage_join(&stage, "infra ops admin:* subscribe:>");
    for (unsigned i = 0; i < 3; i++) {
        one = join(tenants[i]);
        for (unsigned n = 0; n < FEEDS / 4; n++)
            assert_int_equal(open_feed(one), STATUS_OK);
        assert_int_equal(open_feed(one), STATUS_QUOTA_EXCEEDED);
    }
    one = join(tenants[3]);
    assert_int_equal(open_feed(one), STATUS_OK);
    assert_int_equal(open_feed(one), STATUS_OVERLOADED); /* the last is an operator's */
    assert_int_equal(open_feed(ops), STATUS_OK);
    assert_int_equal(open_feed(ops), STATUS_OVERLOADED);
}

static void operators_may_have_what_there_is(void **state)
{
    (void)state;
    struct actor *ops = stage_join(&stage, "infra ops admin:* subscribe:>");
    for (unsigned n = 0; n < FEEDS; n++)
        assert_int_equal(open_feed(ops), STATUS_OK);
    for (unsigned n = 0; n < TAPS; n++)
        assert_int_equal(open_tap(ops, 100 + n), STATUS_OK);
    assert_int_equal(open_tap(ops, 200), STATUS_OVERLOADED);
}

static void no_tenant_has_all_taps(void **state)
{
    static const char *const tenants[] = {"acme", "bolt", "cord", "dune"};
    (void)state;
    struct actor *ops = stage_join(&stage, "infra ops admin:*");
    for (unsigned i = 0; i < 4; i++) {
        struct actor *one = join(tenants[i]);
        for (unsigned n = 0; n < (i < 3 ? TAPS / 4 : 2); n++)
            assert_int_equal(open_tap(one, 1 + n), STATUS_OK);
        assert_int_equal(open_tap(one, 9), i < 3 ? STATUS_QUOTA_EXCEEDED : STATUS_OVERLOADED);
    }
    assert_int_equal(open_tap(ops, 1), STATUS_OK);
    assert_int_equal(open_tap(ops, 2), STATUS_OK);
    assert_int_equal(open_tap(ops, 3), STATUS_OVERLOADED);
}

/* Also when nothing has passed since that they could have shown. */
static void a_tap_that_ended_holds_no_place(void **state)
{
    (void)state;
    struct actor *acme = join("acme");
    for (unsigned n = 0; n < 3 * TAPS; n++) {
        assert_int_equal(open_tap(acme, 1 + n), STATUS_OK);
        actor_cancel(acme, 1 + n);
        assert_int_equal(actor_outcome(acme, 1 + n), STATUS_CANCELLED);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_tenant_has_all_feeds),
        TEST(operators_may_have_what_there_is),
        TEST(no_tenant_has_all_taps),
        TEST(a_tap_that_ended_holds_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
