/* Whoever goes on calling though it is too often is told so in few frames. */
#include "../testing.h"

#include "core_stage.h"

#define APART_MS 5u
#define LATEST_MS 16u /* a slot of the wheel later, and a turn */

static struct stage stage;
static struct actor *ann, *host;

/* Ann has had what she may have for now. */
static int open_stage(void **state)
{
    char why[TIER_WHY_BYTES];
    (void)state;
    stage_init(&stage);
    stage.options.limits.max_limited_users = 100;
    assert_int_equal(tiers_add(&stage.options.limits.tiers, "free per-minute=60 burst=1", why), 0);
    assert_int_equal(tiers_add(&stage.options.limits.tiers, "internal", why), 0);
    stage_start(&stage);
    ann = stage_join(&stage, "acme ann call:* subscribe:news serve:anns");
    host = stage_join(&stage, "infra host serve:* call:* publish:*/news tier:internal");
    actor_register(host, "orders", 10);
    actor_call(ann, 1, "orders", "get");
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

static void call(uint64_t id)
{
    actor_call(ann, id, "orders", "get");
}

/* It has come already. */
static void was_refused(uint64_t id)
{
    struct wire_envelope reply;
    assert_true(actor_next(ann, &reply));
    assert_int_equal(reply.kind, WIRE_REPLY);
    assert_int_equal(reply.id, id);
    assert_int_equal(reply.reply.status, STATUS_RATE_LIMITED);
}

static void the_first_is_told_at_once_and_others_together(void **state)
{
    (void)state;
    call(2);
    was_refused(2);
    for (uint64_t id = 3; id < 9; id++)
        call(id);
    assert_true(actor_hears_nothing(ann));
    stage_pass(&stage, LATEST_MS);
    for (uint64_t id = 3; id < 9; id++)
        was_refused(id);
    assert_true(actor_hears_nothing(ann));
}

static void whoever_waits_a_little_is_told_at_once(void **state)
{
    (void)state;
    for (uint64_t id = 2; id < 9; id++) {
        call(id);
        was_refused(id);
        stage_pass(&stage, APART_MS);
    }
}

static void tell_ann(void)
{
    const struct wire_publish event = {.topic = slice_of("news"), .tenant = slice_of("acme")};
    wire_put_publish(actor_out(host), 0, 0, &event);
    actor_say(host);
}

static void they_go_with_what_does_not_wait(void **state)
{
    struct wire_envelope envelope;
    (void)state;
    assert_int_equal(actor_subscribe(ann, 50, "news", NULL, NULL), STATUS_OK);
    call(2);
    was_refused(2);
    call(3);
    assert_true(actor_hears_nothing(ann));
    tell_ann();
    was_refused(3);
    assert_true(actor_next(ann, &envelope));
    assert_int_equal(envelope.kind, WIRE_DELIVERY);
    stage_pass(&stage, LATEST_MS);
    assert_true(actor_hears_nothing(ann));
}

static void what_found_no_exchange_does_not_wait_for_them(void **state)
{
    struct wire_envelope envelope;
    (void)state;
    assert_int_equal(actor_subscribe(ann, 50, "news", NULL, NULL), STATUS_OK);
    call(2);
    was_refused(2);
    ann->silent = true;
    for (unsigned more = ann->parked + 1; more > 0; more--)
        tell_ann();
    while (actor_next(ann, &envelope))
        assert_int_equal(envelope.kind, WIRE_DELIVERY);
    call(3);
    assert_true(actor_next(ann, &envelope));
    assert_int_equal(envelope.kind, WIRE_DELIVERY);
    was_refused(3);
}

/* A tenant that makes a service call too often does not hold up its answers to others. */
static void those_of_a_service_do_not_wait(void **state)
{
    (void)state;
    actor_register(ann, "anns", 1);
    for (uint64_t id = 2; id < 5; id++) {
        call(id);
        was_refused(id);
    }
}

/* Or another's answer would wait for exchanges that are not answered. */
static void those_for_other_users_of_a_session_do_not_wait(void **state)
{
    const struct wire_request request = {.service = slice_of("orders"), .method = slice_of("get")};
    (void)state;
    actor_call(ann, 2, "orders", "get");
    was_refused(2);
    struct actor *gate = stage_join(&stage, "infra gate tier:internal");
    struct arena arena;
    arena_init(&arena);
    const struct wire_credential anns = {.token = slice_of("acme ann call:*")};
    for (uint64_t id = 1; id < 5; id++) {
        struct wire_envelope reply;
        actor_request(gate, id, &request, wire_write_credential(&anns, &arena));
        assert_true(actor_next(gate, &reply));
        assert_int_equal(reply.reply.status, STATUS_RATE_LIMITED);
    }
    arena_finish(&arena);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_is_told_at_once_and_others_together),
        TEST(whoever_waits_a_little_is_told_at_once),
        TEST(they_go_with_what_does_not_wait),
        TEST(what_found_no_exchange_does_not_wait_for_them),
        TEST(those_of_a_service_do_not_wait),
        TEST(those_for_other_users_of_a_session_do_not_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
