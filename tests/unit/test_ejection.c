/* Instances that fail, or are stopped, are left alone for a while. */
#include "../testing.h"

#include "breaker_stage.h"
#include "core/state.h"

#define ANN "acme ann call:* subscribe:bus.>"
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

static unsigned requests(struct actor *host, enum status answer)
{
    struct wire_envelope envelope;
    unsigned n = 0;
    while (actor_next(host, &envelope)) {
        if (envelope.kind != WIRE_REQUEST)
            continue;
        actor_reply(host, envelope.id, answer, "");
        n++;
    }
    return n;
}

/* So many calls, one by one: how many `bad` had, who fails them. */
static unsigned spread(struct actor *caller, struct actor *good, struct actor *bad, unsigned calls)
{
    unsigned had = 0;
    for (unsigned n = 0; n < calls; n++) {
        actor_call(caller, next_id++, "orders", "get");
        had += requests(bad, STATUS_INTERNAL);
        requests(good, STATUS_OK);
        actor_expect(caller, WIRE_REPLY);
    }
    return had;
}

static unsigned ejected(void)
{
    const struct service *service = registry_find(stage.core, nobody, slice_of("orders"));
    unsigned n = 0;
    for (uint32_t i = 0; i < service->n_instances; i++)
        n += service->at[i]->breaker.ejected;
    return n;
}

static void an_instance_that_fails_is_ejected_for_a_while(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN);
    struct actor *good = stage_join(&stage, SERVER), *bad = stage_join(&stage, SERVER);
    actor_register(good, "orders", 10);
    actor_register(bad, "orders", 10);
    assert_in_range(spread(ann, good, bad, 50), 1, 4);
    assert_int_equal(spread(ann, good, bad, 20), 0);
    stage_pass(&stage, 1010);
    assert_int_equal(spread(ann, good, bad, 20), 1); /* a probe */
    stage_pass(&stage, 2010);
    for (unsigned n = 0; n < 20; n++) {
        actor_call(ann, next_id++, "orders", "get");
        requests(good, STATUS_OK);
        requests(bad, STATUS_OK);
        assert_int_equal(actor_expect(ann, WIRE_REPLY).reply.status, STATUS_OK);
    }
    assert_in_range(spread(ann, good, bad, 10), 1, 10);
}

static void the_last_instance_is_not_ejected(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN);
    struct actor *good = stage_join(&stage, SERVER), *bad = stage_join(&stage, SERVER);
    actor_register(bad, "orders", 10);
    fail_orders(ann, bad, 3);
    assert_int_equal(call_orders(ann, bad, STATUS_OK),
                     STATUS_OK); /* 3 of 4: the tenant's breaker… */
    stage_pass(&stage, 20000);
    actor_register(good, "orders", 10);
    spread(ann, good, bad, 50);
    assert_int_equal(spread(ann, good, bad, 5), 0);
    wire_put_control(actor_out(good), 0, 0, WIRE_GOODBYE, NULL);
    actor_say(good);
    assert_int_equal(call_orders(ann, bad, STATUS_OK), STATUS_OK); /* nobody else is there */
}

/* All do badly: then it is not the instance. */
static void what_all_do_is_no_reason_to_eject_one(void **state)
{
    static char *line[] = {"* calls=8"};
    char why[BREAKER_WHY_BYTES];
    struct actor *hosts[4];
    (void)state;
    assert_int_equal(breaker_table_read(&stage.options.limits.breakers, line, 1, why), 0);
    core_reload(stage.core, &stage.options.limits);
    struct actor *ann = stage_join(&stage, ANN);
    for (unsigned i = 0; i < 4; i++) {
        hosts[i] = stage_join(&stage, SERVER);
        actor_register(hosts[i], "orders", 10);
    }
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned n = 0; n < 4; n++)
            actor_call(ann, next_id++, "orders", "get");
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(requests(hosts[i], STATUS_INTERNAL), 1);
        assert_int_equal(ejected(), 0);
    }
}

/* Who waits is given the instance that is to be tried again. */
static void its_time_over_it_gets_those_who_wait(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN);
    struct actor *good = stage_join(&stage, SERVER), *bad = stage_join(&stage, SERVER);
    actor_register(good, "orders", 1);
    actor_register(bad, "orders", 1);
    spread(ann, good, bad, 20);
    assert_int_equal(ejected(), 1);
    for (unsigned n = 0; n < 3; n++)
        actor_call(ann, next_id++, "orders", "get");
    actor_requested(good);
    assert_true(actor_hears_nothing(bad));
    stage_pass(&stage, 1020);
    actor_requested(bad);
}

/* A tenant whose own breaker is not closed blames nobody. */
static void a_tenant_on_trial_ejects_nobody(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN);
    struct actor *one = stage_join(&stage, SERVER), *other = stage_join(&stage, SERVER);
    actor_register(one, "orders", 10);
    fail_orders(ann, one, 4);
    actor_register(other, "orders", 10);
    stage_pass(&stage, 20000);
    actor_call(ann, next_id++, "orders", "get");
    assert_int_equal(requests(one, STATUS_INTERNAL) + requests(other, STATUS_INTERNAL), 1);
    assert_int_equal(ejected(), 0);
}

/* How many requests have come to `host` and are left as they are. */
static unsigned unanswered(struct actor *host)
{
    struct wire_envelope envelope;
    unsigned n = 0;
    while (actor_next(host, &envelope))
        n += envelope.kind == WIRE_REQUEST;
    return n;
}

static void a_stalled_instance_is_avoided(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN);
    struct actor *good = stage_join(&stage, SERVER), *stopped = stage_join(&stage, SERVER);
    actor_register(good, "orders", 1000);
    actor_register(stopped, "orders", 1000);
    for (unsigned n = 0; n < 20; n++)
        actor_call(ann, next_id++, "orders", "get");
    requests(good, STATUS_OK);
    requests(stopped, STATUS_OK);
    for (unsigned n = 0; n < 50; n++) { /* four at a time, each answered in 5 ms */
        for (unsigned i = 0; i < 4; i++)
            actor_call(ann, next_id++, "orders", "get");
        stage_pass(&stage, 5);
        requests(good, STATUS_OK);
    }
    assert_in_range(unanswered(stopped), 0, 8);
}

/* The machine is busy and all are late: who has been silent longest is still who is stopped. */
static void a_stalled_instance_is_avoided_though_the_others_pause(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN);
    struct actor *good = stage_join(&stage, SERVER), *stopped = stage_join(&stage, SERVER);
    actor_register(good, "orders", 1000);
    actor_register(stopped, "orders", 1000);
    for (unsigned n = 0; n < 20; n++)
        actor_call(ann, next_id++, "orders", "get");
    requests(good, STATUS_OK);
    requests(stopped, STATUS_OK);
    for (unsigned n = 0; n < 200; n++) { /* until it is known */
        actor_call(ann, next_id++, "orders", "get");
        stage_pass(&stage, 5);
        requests(good, STATUS_OK);
    }
    assert_in_range(unanswered(stopped), 1, 4);
    for (unsigned n = 0; n < 100; n++) { /* nobody answers for a tenth of a second */
        actor_call(ann, next_id++, "orders", "get");
        stage_pass(&stage, 1);
    }
    assert_int_equal(unanswered(stopped), 0);
    assert_int_equal(requests(good, STATUS_OK), 100);
}

/* Rather than nobody. */
static void a_stalled_instance_is_used_when_the_others_are_full(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN);
    struct actor *good = stage_join(&stage, SERVER), *stalled = stage_join(&stage, SERVER);
    actor_register(stalled, "orders", 10);
    actor_call(ann, next_id++, "orders", "get");
    actor_register(good, "orders", 10);
    stage_pass(&stage, 1000);
    for (unsigned n = 0; n < 12; n++)
        actor_call(ann, next_id++, "orders", "get");
    assert_int_equal(requests(good, STATUS_OK), 10);
    assert_int_equal(unanswered(stalled), 3);
}

/* A process that is well is late at times, and takes its share. */
static void a_short_silence_keeps_no_calls_away(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN);
    struct actor *late = stage_join(&stage, SERVER), *other = stage_join(&stage, SERVER);
    actor_register(late, "orders", 100);
    for (unsigned n = 0; n < 10; n++) {
        actor_call(ann, next_id++, "orders", "get");
        stage_pass(&stage, 5);
        assert_int_equal(requests(late, STATUS_OK), 1);
    }
    actor_call(ann, next_id++, "orders", "get");
    actor_register(other, "orders", 100);
    stage_pass(&stage, 15);
    for (unsigned n = 0; n < 20; n++)
        actor_call(ann, next_id++, "orders", "get");
    assert_in_range(unanswered(late), 5, 11);
}

/* What a stream leaves open for long is no sign of it. */
static void a_quiet_stream_does_not_keep_calls_away(void **state)
{
    const struct wire_request stream = {
        .service = slice_of("orders"), .method = slice_of("get"), .stream = true};
    (void)state;
    struct actor *ann = stage_join(&stage, ANN);
    struct actor *one = stage_join(&stage, SERVER), *other = stage_join(&stage, SERVER);
    actor_register(one, "orders", 10);
    actor_request(ann, next_id++, &stream, nobody);
    actor_requested(one);
    actor_register(other, "orders", 10);
    stage_pass(&stage, 5000);
    for (unsigned n = 0; n < 6; n++)
        actor_call(ann, next_id++, "orders", "get");
    assert_in_range(requests(one, STATUS_OK), 2, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_instance_that_fails_is_ejected_for_a_while),
        TEST(the_last_instance_is_not_ejected),
        TEST(its_time_over_it_gets_those_who_wait),
        TEST(what_all_do_is_no_reason_to_eject_one),
        TEST(a_tenant_on_trial_ejects_nobody),
        TEST(a_stalled_instance_is_avoided),
        TEST(a_stalled_instance_is_avoided_though_the_others_pause),
        TEST(a_stalled_instance_is_used_when_the_others_are_full),
        TEST(a_short_silence_keeps_no_calls_away),
        TEST(a_quiet_stream_does_not_keep_calls_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
