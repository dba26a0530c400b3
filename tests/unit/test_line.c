/* The line in front of a saturated service, through the whole core: who is served next, who is
 * turned away, and what is not tried a second time. */
#include "../testing.h"

#include "core_stage.h"
#include "policy/budget.h"

#define NOISY "noisy ned call:*"
#define QUIET "quiet kim call:*"
#define RICH "rich roy call:* tier:gold"
#define SERVER "infra host serve:* call:*"

static struct stage stage;
static const struct slice nobody = {0};

static int open_stage(void **state)
{
    char why[TIER_WHY_BYTES];
    (void)state;
    stage_init(&stage);
    struct limits *limits = &stage.options.limits;
    limits->max_calls = 5000;
    limits->queue_length = 2000;
    limits->tiers = (struct tiers){0};
    assert_int_equal(tiers_add(&limits->tiers, "free", why), 0);
    assert_int_equal(tiers_add(&limits->tiers, "gold weight=3", why), 0);
    stage_start(&stage);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

static void set_length(uint32_t length)
{
    stage.options.limits.queue_length = length;
    core_reload(stage.core, &stage.options.limits);
}

static struct actor *serve(uint32_t capacity)
{
    struct actor *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", capacity);
    return host;
}

static void call_for(struct actor *caller, uint64_t id, uint32_t timeout_ms, bool idempotent)
{
    const struct wire_request request = {.service = slice_of("orders"),
                                         .method = slice_of("get"),
                                         .timeout_ms = timeout_ms,
                                         .idempotent = idempotent};
    actor_request(caller, id, &request, nobody);
}

static void serve_one(struct actor *host)
{
    actor_reply(host, actor_requested(host), STATUS_OK, "");
}

static void a_thousand_calls_delay_another_tenant_by_one(void **state)
{
    (void)state;
    struct actor *host = serve(1), *ned = stage_join(&stage, NOISY);
    for (unsigned n = 1; n <= 1001; n++)
        actor_call(ned, n, "orders", "get");
    assert_int_equal(stage_gauges(&stage).queued, 1000);
    struct actor *kim = stage_join(&stage, QUIET);
    actor_call(kim, 1, "orders", "get");
    serve_one(host); /* what was under way */
    serve_one(host); /* one turn of the other */
    serve_one(host);
    assert_int_equal(actor_outcome(kim, 1), STATUS_OK);
}

static void turns_follow_the_weights(void **state)
{
    unsigned rich = 0;
    struct wire_envelope reply;
    (void)state;
    struct actor *host = serve(1), *ned = stage_join(&stage, NOISY);
    struct actor *roy = stage_join(&stage, RICH);
    actor_call(ned, 1, "orders", "get");
    for (unsigned n = 1; n <= 100; n++) {
        actor_call(ned, n + 1, "orders", "get");
        actor_call(roy, n, "orders", "get");
    }
    serve_one(host);
    for (unsigned n = 0; n < 40; n++)
        serve_one(host);
    while (actor_next(roy, &reply))
        rich += reply.kind == WIRE_REPLY;
    assert_int_equal(rich, 30);
}

static void within_a_tenant_first_come_first_served(void **state)
{
    (void)state;
    struct actor *host = serve(1), *ned = stage_join(&stage, NOISY);
    struct actor *kim = stage_join(&stage, QUIET);
    for (unsigned n = 1; n <= 20; n++) {
        actor_call(ned, n, "orders", "get");
        actor_call(kim, n, "orders", "get");
    }
    for (unsigned n = 1; n <= 40; n++)
        serve_one(host);
    for (unsigned n = 1; n <= 20; n++) {
        assert_int_equal(actor_outcome(ned, n), STATUS_OK);
        assert_int_equal(actor_outcome(kim, n), STATUS_OK);
    }
    stage_is_idle(&stage);
}

static void a_full_line_makes_room_for_who_waits_little(void **state)
{
    (void)state;
    set_length(10);
    struct actor *host = serve(1), *ned = stage_join(&stage, NOISY);
    for (unsigned n = 1; n <= 12; n++)
        actor_call(ned, n, "orders", "get");
    assert_int_equal(actor_outcome(ned, 12), STATUS_OVERLOADED); /* its own lane is the longest */
    struct actor *kim = stage_join(&stage, QUIET);
    actor_call(kim, 1, "orders", "get");
    assert_int_equal(actor_outcome(ned, 11), STATUS_OVERLOADED); /* the newest there was */
    assert_int_equal(stage_gauges(&stage).queued, 10);
    for (unsigned n = 1; n <= 11; n++)
        serve_one(host);
    assert_int_equal(actor_outcome(kim, 1), STATUS_OK);
    for (unsigned n = 1; n <= 10; n++)
        assert_int_equal(actor_outcome(ned, n), STATUS_OK);
    stage_is_idle(&stage);
}

static void teach_the_pace(struct actor *caller, struct actor *host, unsigned calls, uint64_t ms)
{
    for (unsigned n = 1; n <= calls; n++) {
        call_for(caller, n, 0, false);
        stage_pass(&stage, ms);
        serve_one(host);
        assert_int_equal(actor_outcome(caller, n), STATUS_OK);
    }
}

static void what_cannot_be_in_time_is_refused_at_once(void **state)
{
    (void)state;
    struct actor *host = serve(1), *ned = stage_join(&stage, NOISY);
    teach_the_pace(ned, host, 40, 100);
    for (unsigned n = 101; n <= 111; n++)
        call_for(ned, n, 0, false);
    call_for(ned, 112, 900, false); /* ten are before it, 100 ms each */
    struct wire_envelope refused = actor_expect(ned, WIRE_REPLY);
    assert_int_equal(refused.id, 112);
    assert_int_equal(refused.reply.status, STATUS_OVERLOADED);
    assert_int_equal(refused.reply.retry_after_ms, 100);
    struct actor *kim = stage_join(&stage, QUIET);
    call_for(kim, 1, 900, false); /* has a lane of its own */
    call_for(ned, 113, 1100, false);
    assert_true(actor_hears_nothing(kim));
    assert_true(actor_hears_nothing(ned));
    assert_int_equal(stage_gauges(&stage).queued, 12);
}

static void few_answers_refuse_nobody(void **state)
{
    (void)state;
    struct actor *host = serve(1), *ned = stage_join(&stage, NOISY);
    teach_the_pace(ned, host, 31, 100);
    for (unsigned n = 101; n <= 111; n++)
        call_for(ned, n, 0, false);
    call_for(ned, 112, 100, false);
    assert_true(actor_hears_nothing(ned));
}

/* One slow answer a moment ago says nothing once they are quick again. */
static void a_stall_that_is_over_refuses_nobody(void **state)
{
    (void)state;
    struct actor *host = serve(1), *ned = stage_join(&stage, NOISY);
    teach_the_pace(ned, host, 40, 5000);
    teach_the_pace(ned, host, 1, 5);
    for (unsigned n = 101; n <= 111; n++)
        call_for(ned, n, 0, false);
    call_for(ned, 112, 100, false);
    assert_true(actor_hears_nothing(ned));
}

static void the_quicker_instance_gets_more(void **state)
{
    (void)state;
    struct actor *slow = serve(100), *ned = stage_join(&stage, NOISY);
    call_for(ned, 1, 0, false);
    stage_pass(&stage, 100);
    serve_one(slow);
    struct actor *quick = serve(100);
    call_for(ned, 2, 0, false); /* one to each: the newcomer is taken for an average one */
    call_for(ned, 3, 0, false);
    stage_pass(&stage, 10);
    serve_one(quick);
    for (unsigned n = 4; n <= 8; n++) {
        call_for(ned, n, 0, false);
        actor_requested(quick);
    }
    stage_pass(&stage, 10000); /* long ago: the slow one may have recovered */
    for (unsigned n = 9; n <= 11; n++)
        call_for(ned, n, 0, false);
    actor_requested(slow);
    actor_requested(slow);
}

static void of_many_instances_none_is_left_out_or_flooded(void **state)
{
    struct actor *hosts[12];
    (void)state;
    struct actor *ned = stage_join(&stage, NOISY);
    for (unsigned i = 0; i < 12; i++)
        hosts[i] = serve(10);
    for (unsigned n = 1; n <= 121; n++)
        call_for(ned, n, 0, false);
    assert_int_equal(stage_gauges(&stage).in_flight, 120);
    assert_int_equal(stage_gauges(&stage).queued, 1); /* only when none of them has room */
    for (unsigned i = 0; i < 12; i++)
        actor_requested(hosts[i]);
}

static bool answers(struct actor *host)
{
    struct wire_envelope request;
    if (!actor_next(host, &request) || request.kind != WIRE_REQUEST)
        return false;
    actor_reply(host, request.id, STATUS_OK, "");
    return true;
}

static void calls_one_by_one_reach_every_instance(void **state)
{
    unsigned served[3] = {0}; /* the third: by nobody */
    (void)state;
    struct actor *first = serve(10), *second = serve(10), *ned = stage_join(&stage, NOISY);
    for (unsigned n = 1; n <= 100; n++) {
        call_for(ned, n, 0, false);
        stage_pass(&stage, 1 + n % 2); /* neither is ever just as quick */
        served[answers(first) ? 0 : answers(second) ? 1 : 2]++;
    }
    assert_in_range(served[0], 25, 75);
    assert_int_equal(served[0] + served[1], 100);
}

static void retries_have_a_budget(void **state)
{
    const unsigned calls = 200, budget = BUDGET_ALWAYS + calls * BUDGET_PERCENT / 100;
    unsigned lost = 0;
    struct wire_envelope reply;
    (void)state;
    struct actor *host = serve(1000), *ned = stage_join(&stage, NOISY);
    for (unsigned n = 1; n <= calls; n++)
        call_for(ned, n, 0, true);
    serve(1000);
    wire_put_control(actor_out(host), 0, 0, WIRE_GOODBYE, NULL);
    actor_say(host);
    while (actor_next(ned, &reply))
        lost += reply.kind == WIRE_REPLY && reply.reply.status == STATUS_OUTCOME_UNKNOWN;
    assert_in_range(calls - lost, budget, budget + budget / 4); /* a retry is a call, too */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_thousand_calls_delay_another_tenant_by_one),
        TEST(turns_follow_the_weights),
        TEST(within_a_tenant_first_come_first_served),
        TEST(a_full_line_makes_room_for_who_waits_little),
        TEST(what_cannot_be_in_time_is_refused_at_once),
        TEST(few_answers_refuse_nobody),
        TEST(a_stall_that_is_over_refuses_nobody),
        TEST(the_quicker_instance_gets_more),
        TEST(of_many_instances_none_is_left_out_or_flooded),
        TEST(calls_one_by_one_reach_every_instance),
        TEST(retries_have_a_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
