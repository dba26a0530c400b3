/* The engine with a broker that behaves: greeting, flow, calls, serving, time. */
#include "fake_broker.h"

static int setup(void **state)
{
    static struct fake_broker fake;
    fake_init(&fake);
    *state = &fake;
    return 0;
}

static int teardown(void **state)
{
    fake_finish(*state);
    return 0;
}

/* ---- greeting ---- */

static void it_says_hello_and_is_ready_when_welcomed(void **state)
{
    struct fake_broker *fake = *state;
    assert_int_equal(engine_state(fake->engine), ENGINE_DOWN);
    engine_pipe_up(fake->engine, fake->now);
    assert_int_equal(fake->state, ENGINE_GREETING);
    assert_int_equal(fake->frames, 1);
    fake_welcome(fake);
    assert_string_equal(fake_last(fake, WIRE_HELLO)->text, "secret");
    assert_int_equal(fake->state, ENGINE_READY);
    assert_int_equal(fake_waiting(fake), 1);
}

static void a_refused_token_is_final(void **state)
{
    struct fake_broker *fake = *state;
    int early, late;
    fake_call(fake, "early", 0, true, &early);
    engine_pipe_up(fake->engine, fake->now);
    fake_error(fake, fake_take(fake), STATUS_UNAUTHENTICATED);
    assert_int_equal(fake->state, ENGINE_REFUSED);
    assert_ptr_equal(fake->last_reply.arg, &early);
    assert_int_equal(fake->last_reply.status, STATUS_UNAUTHENTICATED);
    assert_true(fake_call(fake, "late", 0, false, &late) != 0);
    assert_ptr_equal(fake->last_reply.arg, &late);
    engine_control(fake->engine, WIRE_PING, 0, NULL, &late);
    assert_int_equal(fake->last_acknowledged.status, STATUS_UNAUTHENTICATED);
    fake_pass(fake, 60 * NS_PER_SEC);
    assert_int_equal(fake->frames, 1);
}

static void a_refusal_that_passes_is_met_with_patience(void **state)
{
    struct fake_broker *fake = *state;
    engine_pipe_up(fake->engine, fake->now);
    fake_error(fake, fake_take(fake), STATUS_UNAVAILABLE);
    assert_int_equal(fake->state, ENGINE_GREETING);
    assert_int_equal(fake->frames, 1); /* not in a tight loop */
    fake_pass(fake, NS_PER_SEC);
    assert_int_equal(fake->frames, 2);
    fake_welcome(fake);
    assert_int_equal(fake->state, ENGINE_READY);
}

static void a_broker_that_does_not_greet_is_dialled_again(void **state)
{
    struct fake_broker *fake = *state;
    engine_pipe_up(fake->engine, fake->now);
    fake_pass(fake, 4 * NS_PER_SEC);
    assert_int_equal(fake->resets, 0);
    fake_pass(fake, 2 * NS_PER_SEC);
    assert_int_equal(fake->resets, 1);
}

static void a_late_welcome_of_an_earlier_hello_is_ignored(void **state)
{
    struct fake_broker *fake = *state;
    engine_pipe_up(fake->engine, fake->now);
    engine_pipe_down(fake->engine, fake->now);
    fake_pass(fake, NS_PER_SEC);
    engine_pipe_up(fake->engine, fake->now);
    fake_welcome(fake); /* of the first, whose exchange ends only now */
    assert_int_equal(fake->state, ENGINE_GREETING);
    fake_welcome(fake);
    assert_int_equal(fake->state, ENGINE_READY);
}

static void calls_made_before_the_welcome_wait_for_it(void **state)
{
    struct fake_broker *fake = *state;
    fake_call(fake, "first", 0, false, NULL);
    fake_connect(fake);
    fake_take_all(fake);
    assert_string_equal(fake_last(fake, WIRE_REQUEST)->text, "first");
}

/* ---- flow ---- */

static void one_exchange_stays_parked_when_idle(void **state)
{
    struct fake_broker *fake = *state;
    fake_connect(fake);
    for (unsigned i = 0; i < 5; i++) {
        fake_answer(fake);
        assert_int_equal(fake_waiting(fake), 1);
    }
}

static void frames_gather_while_three_are_under_way(void **state)
{
    struct fake_broker *fake = *state;
    fake_connect(fake);
    for (unsigned i = 0; i < 10; i++)
        fake_call(fake, "many", 0, false, NULL);
    assert_int_equal(fake_waiting(fake), 3);
    fake_take_all(fake);
    assert_int_equal(fake_count(fake, WIRE_REQUEST), 2);
    fake_answer(fake);
    fake_take_all(fake);
    assert_int_equal(fake_count(fake, WIRE_REQUEST), 10);
    assert_int_equal(fake_last(fake, WIRE_REQUEST)->sequence, 3);
}

static void a_cork_makes_one_frame_of_many_calls(void **state)
{
    struct fake_broker *fake = *state;
    fake_connect(fake);
    engine_cork(fake->engine);
    engine_cork(fake->engine);
    for (unsigned i = 0; i < 10; i++)
        fake_call(fake, "many", 0, false, NULL);
    engine_uncork(fake->engine, fake->now);
    assert_int_equal(fake_waiting(fake), 1);
    engine_uncork(fake->engine, fake->now);
    assert_int_equal(fake_waiting(fake), 2);
    fake_take_all(fake);
    assert_int_equal(fake_last(fake, WIRE_REQUEST)->sequence, 1);
    assert_int_equal(fake_count(fake, WIRE_REQUEST), 10);
}

static void a_corked_engine_goes_on_hearing_the_broker(void **state)
{
    struct fake_broker *fake = *state;
    fake_connect(fake);
    engine_cork(fake->engine);
    fake_call(fake, "first", 0, false, NULL);
    fake_answer(fake);
    assert_int_equal(fake_waiting(fake), 1);
    fake_call(fake, "second", 0, false, NULL);
    assert_int_equal(fake_waiting(fake), 1);
    engine_uncork(fake->engine, fake->now);
    fake_take_all(fake);
    assert_int_equal(fake_count(fake, WIRE_REQUEST), 2);
    assert_int_equal(fake_last(fake, WIRE_REQUEST)->sequence, 2);
}

static void a_cork_does_not_hold_back_full_frames(void **state)
{
    static const uint8_t payload[64 * 1024];
    struct fake_broker *fake = *state;
    struct wire_publish publish = {
        .topic = slice_of("big"),
        .payload = slice_make(payload, sizeof(payload)),
    };
    fake_connect(fake);
    engine_cork(fake->engine);
    for (unsigned i = 0; i < 5; i++)
        engine_publish(fake->engine, &publish, slice_of(""), NULL);
    fake_settle(fake);
    assert_int_equal(fake_count(fake, WIRE_PUBLISH), 4);
    engine_uncork(fake->engine, fake->now);
    fake_settle(fake);
    assert_int_equal(fake_count(fake, WIRE_PUBLISH), 5);
}

static void large_answers_keep_two_exchanges_on_their_way(void **state)
{
    static const uint8_t payload[64 * 1024];
    struct fake_broker *fake = *state;
    struct wire_delivery delivery = {
        .topic = slice_of("big"),
        .payload = slice_make(payload, sizeof(payload)),
    };
    fake_connect(fake);
    wire_put_delivery(fake_out(fake), 1, 0, &delivery);
    fake_answer(fake);
    assert_int_equal(fake->deliveries, 1);
    assert_int_equal(fake_waiting(fake), 1); /* the answer was acknowledged by it */
    wire_put_delivery(fake_out(fake), 1, 0, &delivery);
    fake_call(fake, "other", 0, false, NULL);
    fake_answer(fake);
    assert_int_equal(fake_waiting(fake), 2);
}

static void a_quiet_session_shows_that_it_lives(void **state)
{
    struct fake_broker *fake = *state;
    fake_connect(fake);
    unsigned frames = fake->frames;
    fake_pass(fake, FAKE_HEARTBEAT_NS / 2);
    assert_int_equal(fake->frames, frames);
    fake_pass(fake, FAKE_HEARTBEAT_NS / 2);
    assert_int_equal(fake->frames, frames + 1);
    fake_answer(fake);
    fake_pass(fake, FAKE_HEARTBEAT_NS);
    assert_int_equal(fake->frames, frames + 2);
}

static void a_silent_broker_is_dialled_again(void **state)
{
    struct fake_broker *fake = *state;
    fake_connect(fake);
    for (unsigned i = 0; i < 3; i++)
        fake_pass(fake, FAKE_HEARTBEAT_NS);
    assert_int_equal(fake->resets, 0);
    fake_pass(fake, FAKE_HEARTBEAT_NS);
    assert_int_equal(fake->resets, 1);
}

/* ---- calls ---- */

static void a_call_ends_once(void **state)
{
    struct fake_broker *fake = *state;
    int call;
    fake_connect(fake);
    uint64_t id = fake_call(fake, "once", 1000, false, &call);
    fake_reply(fake, id, STATUS_CONFLICT);
    fake_reply(fake, id, STATUS_OK);
    fake_answer(fake);
    assert_int_equal(fake->replies, 1);
    assert_ptr_equal(fake->last_reply.arg, &call);
    assert_int_equal(fake->last_reply.status, STATUS_CONFLICT);
    assert_false(engine_cancel(fake->engine, id, fake->now));
    fake_pass(fake, 10 * NS_PER_SEC);
    assert_int_equal(fake->replies, 1);
}

static void ids_are_never_used_twice(void **state)
{
    struct fake_broker *fake = *state;
    int first, second;
    uint64_t old = fake_call(fake, "one", 0, false, &first);
    assert_true(engine_cancel(fake->engine, old, fake->now));
    uint64_t new = fake_call(fake, "two", 0, false, &second);
    assert_true(old != new);
    assert_false(engine_cancel(fake->engine, old, fake->now));
    assert_int_equal(fake->replies, 1);
}

static void a_deadline_ends_the_call_and_tells_the_broker(void **state)
{
    struct fake_broker *fake = *state;
    fake_connect(fake);
    uint64_t id = fake_call(fake, "slow", 1000, false, NULL);
    fake_pass(fake, 1000 * NS_PER_MS);
    assert_int_equal(fake->replies, 0); /* the broker may still say why */
    fake_pass(fake, 100 * NS_PER_MS);
    assert_int_equal(fake->last_reply.status, STATUS_DEADLINE_EXCEEDED);
    fake_settle(fake);
    assert_int_equal(fake_last(fake, WIRE_CANCEL)->id, id);
    fake_reply(fake, id, STATUS_OK);
    fake_answer(fake);
    assert_int_equal(fake->replies, 1);
}

static void a_cancelled_call_ends_at_once(void **state)
{
    struct fake_broker *fake = *state;
    fake_connect(fake);
    uint64_t id = fake_call(fake, "slow", 0, false, NULL);
    assert_true(engine_cancel(fake->engine, id, fake->now));
    assert_int_equal(fake->last_reply.status, STATUS_CANCELLED);
    fake_take_all(fake);
    assert_int_equal(fake_last(fake, WIRE_CANCEL)->id, id);
}

static void call_again(struct fake_broker *fake)
{
    if (fake->replies < 3)
        fake_call(fake, "again", 1000, false, NULL);
}

static void a_callback_makes_the_next_call(void **state)
{
    struct fake_broker *fake = *state;
    fake_connect(fake);
    fake->on_reply = call_again;
    fake_call(fake, "first", 1000, false, NULL);
    for (unsigned i = 1; i <= 3; i++) {
        fake_take_all(fake);
        assert_int_equal(fake_count(fake, WIRE_REQUEST), i);
        fake_reply(fake, fake_last(fake, WIRE_REQUEST)->id, STATUS_OK);
        fake_answer(fake);
    }
    assert_int_equal(fake->replies, 3);
}

static void parts_come_before_the_reply_and_not_after(void **state)
{
    struct fake_broker *fake = *state;
    fake_connect(fake);
    uint64_t id = fake_call(fake, "stream", 0, false, NULL);
    for (uint32_t i = 0; i < 3; i++)
        wire_put_part(fake_out(fake), id,
                      &(struct wire_part){.payload = slice_of("x"), .index = i});
    fake_reply(fake, id, STATUS_OK);
    wire_put_part(fake_out(fake), id, &(struct wire_part){.payload = slice_of("x"), .index = 3});
    fake_answer(fake);
    assert_int_equal(fake->parts, 3);
}

static void a_payload_over_the_limit_ends_its_call_only(void **state)
{
    static const uint8_t payload[WIRE_PAYLOAD_MAX + 1];
    struct fake_broker *fake = *state;
    struct wire_request request = {
        .service = slice_of("s"),
        .method = slice_of("m"),
        .payload = slice_make(payload, sizeof(payload)),
    };
    fake_connect(fake);
    engine_call(fake->engine, &request, slice_of(""), NULL, fake->now);
    assert_int_equal(fake->last_reply.status, STATUS_TOO_LARGE);
    assert_int_equal(engine_backlog(fake->engine), 0);
}

static void thousands_of_calls_are_told_apart(void **state)
{
    enum { CALLS = 3000 };
    static uint64_t ids[CALLS];
    struct fake_broker *fake = *state;
    for (size_t i = 0; i < CALLS; i++)
        ids[i] = fake_call(fake, "many", 5000, false, &ids[i]);
    for (size_t i = CALLS; i > 0; i--) {
        assert_true(engine_cancel(fake->engine, ids[i - 1], fake->now));
        assert_ptr_equal(fake->last_reply.arg, &ids[i - 1]);
    }
    fake_pass(fake, 60 * NS_PER_SEC);
    assert_int_equal(fake->replies, CALLS);
}

/* ---- serving ---- */

static void a_request_is_answered_once(void **state)
{
    struct fake_broker *fake = *state;
    struct wire_reply reply = {.payload = slice_of("done")};
    fake_connect(fake);
    fake_request(fake, 77);
    fake_answer(fake);
    assert_int_equal(fake->last_request, 77);
    assert_true(engine_reply(fake->engine, 77, &reply));
    assert_false(engine_reply(fake->engine, 77, &reply));
    fake_take_all(fake);
    assert_int_equal(fake_count(fake, WIRE_REPLY), 1);
    assert_string_equal(fake_last(fake, WIRE_REPLY)->text, "done");
}

static void a_cancelled_request_sends_no_parts_but_is_still_answered(void **state)
{
    struct fake_broker *fake = *state;
    struct wire_part part = {.payload = slice_of("x")};
    struct wire_reply reply = {.status = STATUS_CANCELLED};
    fake_connect(fake);
    fake_request(fake, 5);
    fake_answer(fake);
    assert_true(engine_part(fake->engine, 5, &part));
    wire_put_control(fake_out(fake), 5, 0, WIRE_CANCEL, NULL);
    wire_put_control(fake_out(fake), 6, 0, WIRE_CANCEL, NULL);
    fake_answer(fake);
    assert_int_equal(fake->cancels, 1);
    assert_false(engine_part(fake->engine, 5, &part));
    assert_true(engine_reply(fake->engine, 5, &reply));
}

static void a_reply_over_the_limit_becomes_a_refusal(void **state)
{
    static const uint8_t payload[WIRE_PAYLOAD_MAX + 1];
    struct fake_broker *fake = *state;
    struct wire_reply reply = {.payload = slice_make(payload, sizeof(payload))};
    fake_connect(fake);
    fake_request(fake, 9);
    fake_answer(fake);
    assert_true(engine_reply(fake->engine, 9, &reply));
    fake_take_all(fake);
    assert_int_equal(fake_last(fake, WIRE_REPLY)->status, STATUS_TOO_LARGE);
}

static void a_ping_is_answered(void **state)
{
    struct fake_broker *fake = *state;
    fake_connect(fake);
    wire_put_control(fake_out(fake), 42, 0, WIRE_PING, NULL);
    fake_answer(fake);
    fake_take_all(fake);
    assert_int_equal(fake_last(fake, WIRE_ACKNOWLEDGE)->id, 42);
}

/* ---- leaving ---- */

static void goodbye_follows_what_was_queued(void **state)
{
    struct fake_broker *fake = *state;
    struct wire_publish publish = {.topic = slice_of("last.words")};
    fake_connect(fake);
    fake_call(fake, "unanswered", 0, true, NULL);
    engine_publish(fake->engine, &publish, slice_of(""), NULL);
    engine_goodbye(fake->engine, fake->now);
    assert_int_equal(fake->last_reply.status, STATUS_CANCELLED);
    assert_int_equal(fake->state, ENGINE_READY);
    fake_settle(fake);
    assert_int_equal(fake_count(fake, WIRE_GOODBYE), 1);
    assert_int_equal(fake->seen[fake->n_seen - 1].kind, WIRE_GOODBYE);
    assert_true(fake_waiting(fake) > 1);
    while (fake_waiting(fake) > 0) {
        assert_int_equal(fake->state, ENGINE_READY); /* the broker is still answering */
        unsigned n = 0;
        while (!fake->under_way[n])
            n++;
        fake_error(fake, n, STATUS_OK);
    }
    assert_int_equal(fake->state, ENGINE_CLOSED);
    fake_call(fake, "too late", 0, false, NULL);
    assert_int_equal(fake->last_reply.status, STATUS_CANCELLED);
}

static void goodbye_without_a_session_is_short(void **state)
{
    struct fake_broker *fake = *state;
    engine_goodbye(fake->engine, fake->now);
    assert_int_equal(fake->state, ENGINE_CLOSED);
    engine_pipe_up(fake->engine, fake->now);
    assert_int_equal(fake->frames, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_says_hello_and_is_ready_when_welcomed),
        TEST(a_refused_token_is_final),
        TEST(a_refusal_that_passes_is_met_with_patience),
        TEST(a_broker_that_does_not_greet_is_dialled_again),
        TEST(a_late_welcome_of_an_earlier_hello_is_ignored),
        TEST(calls_made_before_the_welcome_wait_for_it),
        TEST(one_exchange_stays_parked_when_idle),
        TEST(frames_gather_while_three_are_under_way),
        TEST(a_cork_makes_one_frame_of_many_calls),
        TEST(a_corked_engine_goes_on_hearing_the_broker),
        TEST(a_cork_does_not_hold_back_full_frames),
        TEST(large_answers_keep_two_exchanges_on_their_way),
        TEST(a_quiet_session_shows_that_it_lives),
        TEST(a_silent_broker_is_dialled_again),
        TEST(a_call_ends_once),
        TEST(ids_are_never_used_twice),
        TEST(a_deadline_ends_the_call_and_tells_the_broker),
        TEST(a_cancelled_call_ends_at_once),
        TEST(a_callback_makes_the_next_call),
        TEST(parts_come_before_the_reply_and_not_after),
        TEST(a_payload_over_the_limit_ends_its_call_only),
        TEST(thousands_of_calls_are_told_apart),
        TEST(a_request_is_answered_once),
        TEST(a_cancelled_request_sends_no_parts_but_is_still_answered),
        TEST(a_reply_over_the_limit_becomes_a_refusal),
        TEST(a_ping_is_answered),
        TEST(goodbye_follows_what_was_queued),
        TEST(goodbye_without_a_session_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
