/* Services that fail are spared: breakers of services and of tenants through the whole core. */
#include "../testing.h"

#include "breaker_stage.h"

#define ANN "acme ann call:*"
#define BOB "globex bob call:*"
#define CARL "initech carl call:*"
#define SERVER "infra host serve:* call:*"

static struct stage stage;
static const struct slice nobody = {0};

static int open_stage(void **state)
{
    (void)state;
    stage_init(&stage);
    stage_breakers(&stage);
    stage_start(&stage);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

/* Four calls of each fail: the first opens its own breaker, the second that of the service. */
static void fail_for_two(struct actor *one, struct actor *other, struct actor *host)
{
    fail_orders(one, host, 4);
    fail_orders(other, host, 4);
}

/* ---- tenants and the service ---- */

static void what_fails_for_one_tenant_is_spared_from_that_one(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    struct actor *bob = stage_join(&stage, BOB);
    actor_register(host, "orders", 10);
    fail_orders(ann, host, 4);
    struct wire_reply reply = orders_refused(ann);
    assert_string_equal(reply_detail(&reply, "breaker"), "tenant");
    assert_string_equal(reply_detail(&reply, "state"), "open");
    assert_true(reply.retryable);
    assert_in_range(reply.retry_after_ms, 900, 1000);
    for (unsigned n = 0; n < 20; n++)
        assert_int_equal(call_orders(bob, host, STATUS_OK), STATUS_OK);
    /* However long it goes on: they fail, time and again, and nobody else does. */
    for (unsigned n = 0; n < 20; n++) {
        stage_pass(&stage, 4000);
        fail_orders(ann, host, 1);
        assert_int_equal(call_orders(bob, host, STATUS_OK), STATUS_OK);
    }
    assert_true(actor_hears_nothing(host));
}

static void what_fails_for_several_is_spared_from_all(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    struct actor *bob = stage_join(&stage, BOB), *carl = stage_join(&stage, CARL);
    actor_register(host, "orders", 10);
    fail_for_two(ann, bob, host);
    struct wire_reply reply = orders_refused(carl);
    assert_string_equal(reply_detail(&reply, "breaker"), "service");
    assert_true(actor_hears_nothing(host));
}

/* Of the others fewer fail than it takes. */
static void one_failure_of_another_does_not_make_it_the_service(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    struct actor *bob = stage_join(&stage, BOB);
    actor_register(host, "orders", 10);
    fail_orders(ann, host, 4);
    fail_orders(bob, host, 3);
    assert_int_equal(call_orders(bob, host, STATUS_OK), STATUS_OK);
}

/* What the tenant's breaker counted is its own, also once that has closed. */
static void a_tenant_that_has_recovered_is_no_evidence(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    struct actor *bob = stage_join(&stage, BOB), *carl = stage_join(&stage, CARL);
    actor_register(host, "orders", 10);
    fail_orders(ann, host, 4);
    stage_pass(&stage, 1000);
    assert_int_equal(call_orders(ann, host, STATUS_OK), STATUS_OK);
    assert_int_equal(call_orders(ann, host, STATUS_OK), STATUS_OK);
    fail_orders(bob, host, 1);
    assert_int_equal(call_orders(carl, host, STATUS_OK), STATUS_OK);
}

static void saying_no_is_no_failure(void **state)
{
    static const enum status answers[] = {
        STATUS_INVALID_ARGUMENT,
        STATUS_PERMISSION_DENIED,
        STATUS_SUBSCRIPTION_INSUFFICIENT,
        STATUS_RATE_LIMITED,
        STATUS_SUBSCRIPTION_EXPIRED,
        STATUS_TENANT_MISMATCH,
        STATUS_METHOD_NOT_FOUND,
        STATUS_SERVICE_NOT_FOUND,
        STATUS_QUOTA_EXCEEDED,
        STATUS_CONFLICT,
        STATUS_TOO_LARGE,
        STATUS_UNAUTHENTICATED,
    };
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        for (unsigned n = 0; n < 6; n++)
            assert_int_equal(call_orders(ann, host, answers[i]), answers[i]);
    }
}

static void failing_is(void **state)
{
    static const enum status answers[] = {STATUS_INTERNAL, STATUS_UNAVAILABLE, STATUS_OVERLOADED};
    struct actor *host = stage_join(&stage, SERVER);
    static const char *const callers[] = {"a ann call:*", "b bob call:*", "c carl call:*"};
    (void)state;
    actor_register(host, "orders", 10);
    for (size_t i = 0; i < 3; i++) {
        struct actor *caller = stage_join(&stage, callers[i]);
        stage_pass(&stage, 20000);
        for (unsigned n = 0; n < 4; n++)
            assert_int_equal(call_orders(caller, host, answers[i]), answers[i]);
        orders_refused(caller);
    }
}

static void give(struct actor *caller, uint32_t timeout_ms)
{
    const struct wire_request request = {
        .service = slice_of("orders"), .method = slice_of("get"), .timeout_ms = timeout_ms};
    actor_request(caller, next_id++, &request, nobody);
}

static void impatience_and_change_of_mind_say_nothing(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 100);
    for (unsigned n = 0; n < 10; n++) {
        give(ann, 900); /* what takes a second is slow: less says nothing of a service unknown */
        stage_pass(&stage, 910);
        actor_requested(host);
        assert_int_equal(actor_expect(ann, WIRE_REPLY).reply.status, STATUS_DEADLINE_EXCEEDED);
        give(ann, 5000);
        stage_pass(&stage, 2000);
        actor_requested(host);
        actor_cancel(ann, next_id - 1);
        assert_int_equal(actor_expect(ann, WIRE_REPLY).reply.status, STATUS_CANCELLED);
    }
    assert_int_equal(call_orders(ann, host, STATUS_OK), STATUS_OK);
}

static void time_out(struct actor *caller, struct actor *host, uint32_t timeout_ms, unsigned times)
{
    for (unsigned n = 0; n < times; n++)
        give(caller, timeout_ms);
    stage_pass(&stage, timeout_ms + 10);
    for (unsigned n = 0; n < times; n++) {
        actor_requested(host);
        assert_int_equal(actor_expect(caller, WIRE_REPLY).reply.status, STATUS_DEADLINE_EXCEEDED);
    }
}

static void patience_does(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 100);
    time_out(ann, host, 1500, 4);
    orders_refused(ann);
}

/* It is known to answer at once: whoever waits a fifth of a second has waited. */
static void patience_is_measured_by_what_is_usual(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 100);
    call_orders(ann, host, STATUS_OK);
    time_out(ann, host, 50, 4);
    call_orders(ann, host, STATUS_OK);
    time_out(ann, host, 200, 4);
    orders_refused(ann);
}

static void slow_answers_open_it_too(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 100);
    for (unsigned n = 0; n < 4; n++) {
        actor_call(ann, next_id, "orders", "get");
        stage_pass(&stage, 1100);
        actor_reply(host, actor_requested(host), STATUS_OK, "");
        assert_int_equal(actor_outcome(ann, next_id++), STATUS_OK);
    }
    orders_refused(ann);
}

/* ---- and back ---- */

static void a_few_are_let_through_to_see(void **state)
{
    uint64_t probes[2];
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    struct actor *bob = stage_join(&stage, BOB), *carl = stage_join(&stage, CARL);
    actor_register(host, "orders", 10);
    fail_for_two(ann, bob, host);
    stage_pass(&stage, 1000);
    for (unsigned n = 0; n < 2; n++) {
        actor_call(carl, next_id++, "orders", "get");
        probes[n] = actor_requested(host);
    }
    struct wire_reply reply = orders_refused(bob);
    assert_string_equal(reply_detail(&reply, "state"), "half_open");
    orders_refused(carl);
    for (unsigned n = 0; n < 2; n++) {
        actor_reply(host, probes[n], STATUS_OK, "");
        assert_int_equal(actor_expect(carl, WIRE_REPLY).reply.status, STATUS_OK);
    }
    for (unsigned n = 0; n < 10; n++)
        assert_int_equal(call_orders(bob, host, STATUS_OK), STATUS_OK);
}

static void probes_that_fail_for_one_open_it_for_that_one(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    struct actor *bob = stage_join(&stage, BOB), *carl = stage_join(&stage, CARL);
    actor_register(host, "orders", 10);
    fail_for_two(ann, bob, host);
    stage_pass(&stage, 1000);
    fail_orders(carl, host, 1);
    struct wire_reply reply = orders_refused(carl);
    assert_string_equal(reply_detail(&reply, "breaker"), "tenant");
    assert_int_equal(call_orders(bob, host, STATUS_OK), STATUS_OK);
    assert_int_equal(call_orders(bob, host, STATUS_OK), STATUS_OK);
    for (unsigned n = 0; n < 10; n++)
        assert_int_equal(call_orders(bob, host, STATUS_OK), STATUS_OK);
}

static void probes_that_fail_for_two_open_it_again_for_longer(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    struct actor *bob = stage_join(&stage, BOB), *carl = stage_join(&stage, CARL);
    actor_register(host, "orders", 10);
    fail_for_two(ann, bob, host);
    stage_pass(&stage, 1000);
    fail_orders(carl, host, 1);
    fail_orders(bob, host, 1);
    struct wire_reply reply = orders_refused(bob);
    assert_string_equal(reply_detail(&reply, "breaker"), "service");
    assert_in_range(reply.retry_after_ms, 1900, 2000);
}

/* Of a probe that says nothing the place is free again. */
static void a_probe_that_is_called_back_makes_room(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    struct actor *bob = stage_join(&stage, BOB);
    actor_register(host, "orders", 100);
    fail_for_two(ann, bob, host);
    stage_pass(&stage, 1000);
    for (unsigned n = 0; n < 20; n++) {
        actor_call(bob, next_id, "orders", "get");
        actor_requested(host);
        actor_cancel(bob, next_id);
        assert_int_equal(actor_outcome(bob, next_id++), STATUS_CANCELLED);
    }
    assert_int_equal(call_orders(bob, host, STATUS_OK), STATUS_OK);
    assert_int_equal(call_orders(bob, host, STATUS_OK), STATUS_OK);
    assert_int_equal(call_orders(ann, host, STATUS_OK), STATUS_OK);
}

/* What has been answered before is answered again, though the service is spared. */
static void answers_are_given_again_all_the_same(void **state)
{
    const struct wire_request request = {.service = slice_of("orders"),
                                         .method = slice_of("get"),
                                         .idempotency_key = slice_of("once")};
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    actor_request(ann, next_id++, &request, nobody);
    actor_reply(host, actor_requested(host), STATUS_OK, "done");
    actor_expect(ann, WIRE_REPLY);
    fail_orders(ann, host, 4);
    orders_refused(ann);
    actor_request(ann, next_id++, &request, nobody);
    assert_true(slice_is(actor_expect(ann, WIRE_REPLY).reply.payload, "done"));
}

/* ---- restarts ---- */

static void it_stays_open_over_a_restart(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    struct actor *bob = stage_join(&stage, BOB);
    actor_register(host, "orders", 10);
    fail_for_two(ann, bob, host);
    stage_restart(&stage);
    stage_pass(&stage, 500);
    ann = stage_join(&stage, ANN), host = stage_join(&stage, SERVER);
    bob = stage_join(&stage, BOB);
    actor_register(host, "orders", 10);
    struct wire_reply reply = orders_refused(bob);
    assert_in_range(reply.retry_after_ms, 400, 501);
    stage_pass(&stage, 510);
    for (unsigned n = 0; n < 10; n++)
        assert_int_equal(call_orders(bob, host, STATUS_OK), STATUS_OK);
    for (unsigned n = 0; n < 10; n++)
        assert_int_equal(call_orders(ann, host, STATUS_OK), STATUS_OK);
    stage_restart(&stage);
    bob = stage_join(&stage, BOB), host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    assert_int_equal(call_orders(bob, host, STATUS_OK), STATUS_OK);
    stage_pass(&stage, 20000);
    fail_for_two(stage_join(&stage, ANN), bob, host);
    reply = orders_refused(bob);
    assert_string_equal(reply_detail(&reply, "breaker"), "service");
}

/* Until when is a date: a clock that is set back does not make it hours. */
static void a_clock_that_is_set_back_keeps_nothing_open(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    struct actor *bob = stage_join(&stage, BOB);
    actor_register(host, "orders", 10);
    fail_for_two(ann, bob, host);
    stage.now.unix_ms -= 3600000;
    stage_restart(&stage);
    bob = stage_join(&stage, BOB), host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    assert_in_range(orders_refused(bob).retry_after_ms, 3900, 4001);
    stage_pass(&stage, 4010);
    assert_int_equal(call_orders(bob, host, STATUS_OK), STATUS_OK);
}

/* A broker that stops ends calls: that is not the services' doing. */
static void stopping_opens_nothing(void **state)
{
    (void)state;
    struct actor *host = stage_join(&stage, SERVER), *ann = stage_join(&stage, ANN);
    actor_register(host, "orders", 100);
    for (unsigned n = 0; n < 20; n++)
        actor_call(ann, next_id++, "orders", "get");
    stage_restart(&stage);
    ann = stage_join(&stage, ANN), host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    assert_int_equal(call_orders(ann, host, STATUS_OK), STATUS_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_fails_for_one_tenant_is_spared_from_that_one),
        TEST(what_fails_for_several_is_spared_from_all),
        TEST(one_failure_of_another_does_not_make_it_the_service),
        TEST(a_tenant_that_has_recovered_is_no_evidence),
        TEST(saying_no_is_no_failure),
        TEST(failing_is),
        TEST(impatience_and_change_of_mind_say_nothing),
        TEST(patience_does),
        TEST(patience_is_measured_by_what_is_usual),
        TEST(slow_answers_open_it_too),
        TEST(a_few_are_let_through_to_see),
        TEST(probes_that_fail_for_one_open_it_for_that_one),
        TEST(probes_that_fail_for_two_open_it_again_for_longer),
        TEST(a_probe_that_is_called_back_makes_room),
        TEST(answers_are_given_again_all_the_same),
        TEST(it_stays_open_over_a_restart),
        TEST(a_clock_that_is_set_back_keeps_nothing_open),
        TEST(stopping_opens_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
