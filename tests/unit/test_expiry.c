/* What is opened with a token other than the session's own ends when that token does. */
#include "../testing.h"

#include "base/mem.h"
#include "builtin/packing.h"
#include "core_stage.h"

#define GATEWAY "infra gate subscribe:> publish:> admin:tap"
#define BRIEF "acme ann subscribe:> admin:acme/tap ends:20"
#define LONGER "acme ann subscribe:> ends:60"
#define NARROWER "acme ann subscribe:other ends:60"

static struct stage stage;
static struct actor *gate, *bob;

static int open_stage(void **state)
{
    (void)state;
    stage_init(&stage);
    stage_start(&stage);
    gate = stage_join(&stage, GATEWAY);
    bob = stage_join(&stage, "acme bob publish:>");
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

static void pass(uint64_t ms)
{
    for (uint64_t step; ms > 0; ms -= step) {
        step = ms < 5000 ? ms : 5000;
        stage_pass(&stage, step);
        actor_say(gate);
        actor_say(bob);
    }
}

static uint32_t put_token(struct wire_out *out, const char *token)
{
    const struct wire_credential credential = {.token = slice_of(token)};
    struct arena arena;
    arena_init(&arena);
    uint32_t index = wire_put_credential(out, wire_write_credential(&credential, &arena));
    arena_finish(&arena);
    return index;
}

static enum status subscribe(uint64_t id, const char *token)
{
    Farebox__V1__Subscribe wanted = FAREBOX__V1__SUBSCRIBE__INIT;
    wanted.pattern = (char *)(uintptr_t) "news";
    struct wire_out *out = actor_out(gate);
    wire_put_control(out, id, put_token(out, token), WIRE_SUBSCRIBE, &wanted.base);
    actor_say(gate);
    return (enum status)actor_expect(gate, WIRE_ACKNOWLEDGE).acknowledge->status;
}

static void a_subscription_ends_with_its_token(void **state)
{
    (void)state;
    assert_int_equal(subscribe(7, BRIEF), STATUS_OK);
    pass(19000);
    assert_int_equal(actor_publish(bob, "news", "one"), STATUS_OK);
    assert_int_equal(actor_expect(gate, WIRE_DELIVERY).id, 7);
    pass(2000);
    struct wire_envelope told = actor_expect(gate, WIRE_ACKNOWLEDGE);
    assert_int_equal(told.id, 7);
    assert_int_equal(told.acknowledge->status, STATUS_UNAUTHENTICATED);
    assert_int_equal(stage_gauges(&stage).subscriptions, 0);
    assert_int_equal(actor_publish(bob, "news", "two"), STATUS_OK);
    assert_true(actor_hears_nothing(gate));
    assert_int_equal(subscribe(7, BRIEF), STATUS_UNAUTHENTICATED);
    assert_int_equal(subscribe(7, LONGER), STATUS_OK); /* the id is free */
}

static void one_that_was_ended_before_is_not_told_of(void **state)
{
    (void)state;
    assert_int_equal(subscribe(7, BRIEF), STATUS_OK);
    wire_put_control(actor_out(gate), 7, 0, WIRE_UNSUBSCRIBE, NULL);
    actor_say(gate);
    actor_expect(gate, WIRE_ACKNOWLEDGE);
    pass(22000);
    assert_true(actor_hears_nothing(gate));
}

/* ---- feeds ---- */

/* Opens a feed, or with an id renews it. */
static struct wire_reply feed(const char *method, const char *key, struct slice value,
                              const char *token)
{
    struct buf payload = {0};
    msgpack_packer packer;
    packing_init(&packer, &payload);
    bool opens = strcmp(method, "open") == 0;
    msgpack_pack_map(&packer, opens ? 2 : 1);
    pack_pair_text(&packer, key, value);
    if (opens)
        pack_pair_uint(&packer, "lease_ms", 40000);
    const struct wire_request request = {.service = slice_of("bus.feed"),
                                         .method = slice_of(method),
                                         .payload = buf_slice(&payload)};
    struct wire_out *out = actor_out(gate);
    wire_put_request(out, 50, put_token(out, token), &request);
    actor_say(gate);
    buf_finish(&payload);
    return actor_expect(gate, WIRE_REPLY).reply;
}

/* A text of 32 bytes. */
static struct slice feed_id(struct slice opened)
{
    static const char key[] = "\xa2id\xd9\x20";
    const uint8_t *at = memmem(opened.data, opened.len, key, sizeof key - 1);
    assert_non_null(at);
    return slice_make(at + sizeof key - 1, 32);
}

static void a_feed_ends_with_its_token(void **state)
{
    (void)state;
    assert_int_equal(feed("open", "pattern", slice_of("news"), BRIEF).status, STATUS_OK);
    pass(19000);
    assert_int_equal(stage_gauges(&stage).feeds, 1);
    pass(2000);
    assert_int_equal(stage_gauges(&stage).feeds, 0);
}

static void a_feed_lives_on_by_a_newer_token(void **state)
{
    (void)state;
    struct slice id = feed_id(feed("open", "pattern", slice_of("news"), BRIEF).payload);
    pass(10000);
    assert_int_equal(feed("renew", "id", id, NARROWER).status, STATUS_PERMISSION_DENIED);
    assert_int_equal(feed("renew", "id", id, LONGER).status, STATUS_OK);
    pass(39000);
    assert_int_equal(stage_gauges(&stage).feeds, 1);
    assert_int_equal(feed("renew", "id", id, LONGER).status, STATUS_OK);
    pass(22000);
    assert_int_equal(stage_gauges(&stage).feeds, 0);
}

/* ---- taps ---- */

static void a_tap_ends_with_its_token(void **state)
{
    const struct wire_request request = {
        .service = slice_of("bus.tap"), .method = slice_of("watch"), .stream = true};
    (void)state;
    struct wire_out *out = actor_out(gate);
    wire_put_request(out, 60, put_token(out, BRIEF), &request);
    actor_say(gate);
    pass(19000);
    assert_int_equal(actor_publish(bob, "news", "one"), STATUS_OK);
    actor_expect(gate, WIRE_PART);
    pass(2000);
    assert_int_equal(actor_outcome(gate, 60), STATUS_DEADLINE_EXCEEDED);
    stage_is_idle(&stage);
}

/* Its timer looks no further ahead than a day. */
static void a_tap_lasts_longer_than_a_day(void **state)
{
    enum { HOUR_MS = 3600000, STEP_MS = 5000 };
    const struct wire_request request = {
        .service = slice_of("bus.tap"), .method = slice_of("watch"), .stream = true};
    (void)state;
    gate = stage_join(&stage, GATEWAY " ends:300000");
    struct wire_out *out = actor_out(gate);
    wire_put_request(out, 61, put_token(out, "acme ann admin:acme/tap ends:90000"), &request);
    actor_say(gate);
    for (unsigned ms = 0; ms < 24 * HOUR_MS + STEP_MS; ms += STEP_MS) {
        stage_pass(&stage, STEP_MS);
        actor_say(gate);
    }
    assert_int_equal(stage_gauges(&stage).calls, 1);
    for (unsigned ms = 0; ms < HOUR_MS; ms += STEP_MS) {
        stage_pass(&stage, STEP_MS);
        actor_say(gate);
    }
    assert_int_equal(actor_outcome(gate, 61), STATUS_DEADLINE_EXCEEDED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_subscription_ends_with_its_token), TEST(one_that_was_ended_before_is_not_told_of),
        TEST(a_feed_ends_with_its_token),         TEST(a_feed_lives_on_by_a_newer_token),
        TEST(a_tap_ends_with_its_token),          TEST(a_tap_lasts_longer_than_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
