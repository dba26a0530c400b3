/* Calls at their service: which instance, waiting for one, trying another, and every way
 * to end. */
#include "../testing.h"

#include "core/call.h"
#include "core_stage.h"

#define CALLER "acme ann call:*"
#define SERVER "infra host serve:* call:*"

static struct stage stage;
static const struct slice nobody = {0};

static int open_stage(void **state)
{
    (void)state;
    stage_init(&stage);
    stage_start(&stage);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

static void change_limits(void (*change)(struct limits *limits))
{
    change(&stage.options.limits);
    core_reload(stage.core, &stage.options.limits);
}

/* ---- placing and waiting ---- */

static void the_least_busy_is_chosen(void **state)
{
    struct actor *hosts[3];
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER);
    for (unsigned i = 0; i < 3; i++) {
        hosts[i] = stage_join(&stage, SERVER);
        actor_register(hosts[i], "orders", 10);
    }
    for (unsigned n = 1; n <= 9; n++)
        actor_call(ann, n, "orders", "echo");
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned n = 0; n < 3; n++)
            actor_requested(hosts[i]);
        assert_true(actor_hears_nothing(hosts[i]));
    }
}

static void calls_wait_in_line(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 1);
    for (unsigned n = 1; n <= 4; n++)
        actor_call(ann, n, "orders", "echo");
    assert_int_equal(stage_gauges(&stage).queued, 3);
    for (unsigned n = 1; n <= 4; n++) {
        actor_reply(host, actor_requested(host), STATUS_OK, "");
        assert_int_equal(actor_outcome(ann, n), STATUS_OK); /* in the order they came */
    }
    stage_is_idle(&stage);
}

static void a_waiting_call_can_end_in_line(void **state)
{
    const struct wire_request request = {
        .service = slice_of("orders"), .method = slice_of("echo"), .timeout_ms = 100};
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 1);
    actor_call(ann, 1, "orders", "echo");
    uint64_t first = actor_requested(host);
    actor_request(ann, 2, &request, nobody);
    actor_call(ann, 3, "orders", "echo");
    actor_call(ann, 4, "orders", "echo");
    stage_pass(&stage, 120);
    assert_int_equal(actor_outcome(ann, 2), STATUS_DEADLINE_EXCEEDED);
    actor_cancel(ann, 3);
    assert_int_equal(actor_outcome(ann, 3), STATUS_CANCELLED);
    actor_reply(host, first, STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 4), STATUS_OK);
    stage_is_idle(&stage);
}

/* The deadline has passed, its timer has not fired: the turn with the answer comes first. */
static void a_call_past_its_deadline_is_not_placed(void **state)
{
    const struct wire_request request = {
        .service = slice_of("orders"), .method = slice_of("echo"), .timeout_ms = 100};
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 1);
    actor_call(ann, 1, "orders", "echo");
    uint64_t first = actor_requested(host);
    actor_request(ann, 2, &request, nobody);
    stage.now.mono_ns += 500 * NS_PER_MS; /* the broker was stopped */
    stage.now.unix_ms += 500;
    actor_reply(host, first, STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    assert_int_equal(actor_outcome(ann, 2), STATUS_DEADLINE_EXCEEDED);
    assert_true(actor_hears_nothing(host));
    stage_is_idle(&stage);
}

static void a_lost_instance_gets_nothing_new(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER);
    struct actor *lost = stage_join(&stage, SERVER), *here = stage_join(&stage, SERVER);
    actor_register(lost, "orders", 10);
    actor_register(here, "orders", 10);
    actor_cut(lost, false);
    for (unsigned n = 1; n <= 5; n++) {
        actor_call(ann, n, "orders", "echo");
        actor_requested(here);
    }
}

static void calls_wait_for_a_lost_instance(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    actor_cut(host, false);
    actor_call(ann, 1, "orders", "echo");
    assert_int_equal(stage_gauges(&stage).queued, 1);
    host->pipe = stage_pipe(&stage);
    actor_say(host);
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
}

static void nobody_waits_for_what_cannot_come(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 1);
    actor_cut(host, false);
    actor_call(ann, 1, "orders", "echo");
    stage_pass(&stage, 1100); /* the grace is over */
    assert_int_equal(actor_outcome(ann, 1), STATUS_UNAVAILABLE);
    actor_call(ann, 2, "orders", "echo");
    assert_int_equal(actor_outcome(ann, 2), STATUS_UNAVAILABLE);
    stage_is_idle(&stage);
}

static void small_outbox(struct limits *limits)
{
    limits->outbox_bytes = 5000;
}

static void an_outbox_that_drains_takes_calls_again(void **state)
{
    char payload[3001];
    (void)state;
    memset(payload, 'x', 3000);
    payload[3000] = '\0';
    const struct wire_request request = {
        .service = slice_of("orders"), .method = slice_of("echo"), .payload = slice_of(payload)};
    change_limits(small_outbox);
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    host->silent = true;
    for (unsigned n = 1; n <= 3; n++)
        actor_request(ann, n, &request, nobody);
    assert_int_equal(stage_gauges(&stage).queued, 1);
    assert_int_equal(stage_gauges(&stage).in_flight, 2);
    host->silent = false;
    for (unsigned n = 1; n <= 3; n++) {
        actor_say(host); /* acknowledges what has come, answers nothing */
        actor_requested(host);
    }
    assert_int_equal(stage_gauges(&stage).queued, 0);
}

/* ---- endings ---- */

static void an_idempotent_call_is_tried_elsewhere(void **state)
{
    const struct wire_request request = {.service = slice_of("orders"),
                                         .method = slice_of("echo"),
                                         .payload = slice_of("again"),
                                         .idempotent = true};
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *first = stage_join(&stage, SERVER);
    actor_register(first, "orders", 10);
    actor_request(ann, 1, &request, nobody);
    actor_requested(first);
    struct actor *second = stage_join(&stage, SERVER);
    actor_register(second, "orders", 10);
    actor_cut(first, false);
    stage_pass(&stage, 1100);
    struct wire_envelope retried = actor_expect(second, WIRE_REQUEST);
    assert_true(slice_is(retried.request.payload, "again"));
    actor_reply(second, retried.id, STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    stage_is_idle(&stage);
}

/* NULL: nobody. */
static struct actor *whoever_is_asked(struct actor *const *hosts, size_t count)
{
    struct wire_envelope envelope;
    for (size_t i = 0; i < count; i++) {
        while (actor_next(hosts[i], &envelope)) {
            if (envelope.kind == WIRE_REQUEST)
                return hosts[i];
        }
    }
    return NULL;
}

static void it_is_not_tried_for_ever(void **state)
{
    const struct wire_request request = {
        .service = slice_of("orders"), .method = slice_of("echo"), .idempotent = true};
    struct actor *hosts[CALL_ATTEMPTS_MAX + 1];
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER);
    for (unsigned n = 0; n <= CALL_ATTEMPTS_MAX; n++) {
        hosts[n] = stage_join(&stage, SERVER);
        actor_register(hosts[n], "orders", 10);
    }
    actor_request(ann, 1, &request, nobody);
    for (unsigned n = 0; n < CALL_ATTEMPTS_MAX; n++) {
        struct actor *asked = whoever_is_asked(hosts, CALL_ATTEMPTS_MAX + 1);
        assert_true(actor_hears_nothing(ann));
        wire_put_control(actor_out(asked), 0, 0, WIRE_GOODBYE, NULL);
        actor_say(asked);
    }
    assert_int_equal(actor_outcome(ann, 1), STATUS_OUTCOME_UNKNOWN);
    assert_null(whoever_is_asked(hosts, CALL_ATTEMPTS_MAX + 1));
    stage_is_idle(&stage);
}

/* Not even one that was kept because it had to wait. */
static void other_calls_are_not_tried_again(void **state)
{
    struct actor *hosts[3];
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER);
    for (unsigned n = 0; n < 3; n++)
        hosts[n] = stage_join(&stage, SERVER);
    actor_register(hosts[0], "orders", 1);
    actor_call(ann, 1, "orders", "echo");
    actor_call(ann, 2, "orders", "echo");
    actor_reply(hosts[0], actor_requested(hosts[0]), STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    actor_requested(hosts[0]);
    actor_register(hosts[1], "orders", 1);
    actor_cut(hosts[0], false);
    stage_pass(&stage, 1100);
    assert_int_equal(actor_outcome(ann, 2), STATUS_OUTCOME_UNKNOWN);
    assert_true(actor_hears_nothing(hosts[1]));
    stage_is_idle(&stage);
}

static void a_stream_that_began_is_not_tried_again(void **state)
{
    const struct wire_request request = {.service = slice_of("orders"),
                                         .method = slice_of("echo"),
                                         .idempotent = true,
                                         .stream = true};
    const struct wire_part part = {.payload = slice_of("one")};
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *first = stage_join(&stage, SERVER);
    struct actor *second = stage_join(&stage, SERVER);
    actor_register(first, "orders", 10);
    actor_request(ann, 1, &request, nobody);
    wire_put_part(actor_out(first), actor_requested(first), &part);
    actor_say(first);
    actor_expect(ann, WIRE_PART);
    actor_register(second, "orders", 10);
    actor_cut(first, false);
    stage_pass(&stage, 1100);
    assert_int_equal(actor_outcome(ann, 1), STATUS_OUTCOME_UNKNOWN);
}

static void an_answer_counts_only_from_who_was_asked(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    struct actor *eve = stage_join(&stage, SERVER);
    actor_register(host, "orders", 1);
    actor_register(eve, "other", 1);
    actor_call(ann, 1, "orders", "echo");
    uint64_t id = actor_requested(host);
    actor_reply(eve, id, STATUS_OK, "forged");
    actor_reply(ann, id, STATUS_OK, "forged");
    assert_true(actor_hears_nothing(ann));
    actor_reply(host, id, STATUS_OK, "true");
    assert_true(slice_is(actor_expect(ann, WIRE_REPLY).reply.payload, "true"));
    actor_reply(host, id, STATUS_OK, "twice");
    assert_true(actor_hears_nothing(ann));
}

static void a_caller_that_goes_cancels(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 1);
    actor_call(ann, 1, "orders", "echo");
    actor_call(ann, 2, "orders", "echo");
    uint64_t id = actor_requested(host);
    wire_put_control(actor_out(ann), 0, 0, WIRE_GOODBYE, NULL);
    actor_say(ann);
    assert_int_equal(stage_gauges(&stage).sessions, 1);
    assert_int_equal(actor_expect(host, WIRE_CANCEL).id, id);
    actor_reply(host, id, STATUS_OK, "");
    stage_is_idle(&stage);
}

static void an_id_is_taken_while_its_call_lasts(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 5);
    actor_call(ann, 1, "orders", "echo");
    actor_call(ann, 1, "orders", "echo");
    assert_int_equal(actor_outcome(ann, 1), STATUS_CONFLICT);
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    actor_call(ann, 1, "orders", "echo");
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
}

static void parts_to_who_does_not_stream_end_the_call(void **state)
{
    const struct wire_part part = {.payload = slice_of("one")};
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 5);
    actor_call(ann, 1, "orders", "echo");
    wire_put_part(actor_out(host), actor_requested(host), &part);
    actor_say(host);
    assert_int_equal(actor_outcome(ann, 1), STATUS_INTERNAL);
}

static void a_draining_broker_finishes_what_it_has(void **state)
{
    enum status status;
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 5);
    actor_call(ann, 1, "orders", "echo");
    uint64_t id = actor_requested(host);
    core_begin(stage.core, stage.now);
    core_drain(stage.core);
    core_finish(stage.core);
    actor_say(ann);
    actor_expect(ann, WIRE_DRAIN);
    assert_false(core_is_drained(stage.core));
    actor_call(ann, 2, "orders", "echo");
    assert_int_equal(actor_outcome(ann, 2), STATUS_UNAVAILABLE);
    assert_null(stage_try_join(&stage, CALLER, &status));
    assert_int_equal(status, STATUS_UNAVAILABLE);
    actor_reply(host, id, STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    assert_true(core_is_drained(stage.core));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_least_busy_is_chosen),
        TEST(calls_wait_in_line),
        TEST(a_waiting_call_can_end_in_line),
        TEST(a_call_past_its_deadline_is_not_placed),
        TEST(a_lost_instance_gets_nothing_new),
        TEST(calls_wait_for_a_lost_instance),
        TEST(nobody_waits_for_what_cannot_come),
        TEST(an_outbox_that_drains_takes_calls_again),
        TEST(an_idempotent_call_is_tried_elsewhere),
        TEST(it_is_not_tried_for_ever),
        TEST(other_calls_are_not_tried_again),
        TEST(a_stream_that_began_is_not_tried_again),
        TEST(an_answer_counts_only_from_who_was_asked),
        TEST(a_caller_that_goes_cancels),
        TEST(an_id_is_taken_while_its_call_lasts),
        TEST(parts_to_who_does_not_stream_end_the_call),
        TEST(a_draining_broker_finishes_what_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
