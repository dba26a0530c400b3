/* The engine when things are lost: pipes, sessions, a broker's wits. */
#include "fake_broker.h"

static int setup(void **state)
{
    static struct fake_broker fake;
    fake_init(&fake);
    fake_connect(&fake);
    *state = &fake;
    return 0;
}

static int teardown(void **state)
{
    fake_finish(*state);
    return 0;
}

/* ---- a pipe ---- */

static void a_lost_frame_goes_out_again_under_its_number(void **state)
{
    struct fake_broker *fake = *state;
    uint64_t id = fake_call(fake, "once", 5000, false, NULL);
    fake_lose_pipe(fake); /* the broker never saw it */
    assert_int_equal(fake->state, ENGINE_LOST);
    assert_int_equal(fake->replies, 0);
    engine_pipe_up(fake->engine, fake->now);
    fake_take_all(fake);
    assert_int_equal(fake_count(fake, WIRE_HELLO), 1);
    assert_int_equal(fake_last(fake, WIRE_REQUEST)->sequence, 1);
    fake_reply(fake, id, STATUS_OK);
    fake_answer(fake);
    assert_int_equal(fake->last_reply.status, STATUS_OK);
}

static void a_frame_that_had_arrived_is_not_taken_twice(void **state)
{
    struct fake_broker *fake = *state;
    uint64_t id = fake_call(fake, "once", 5000, false, NULL);
    fake_take_all(fake);
    fake_reply(fake, id, STATUS_OK);
    link_transmit(&fake->link, 1); /* the answer leaves, and is lost with the pipe */
    fake_lose_pipe(fake);
    engine_pipe_up(fake->engine, fake->now);
    fake_take_all(fake);
    assert_int_equal(fake_count(fake, WIRE_REQUEST), 1);
    fake_answer(fake);
    assert_int_equal(fake->replies, 1);
    assert_int_equal(fake->last_reply.status, STATUS_OK);
}

static void calls_made_while_the_pipe_is_gone_follow_what_was_lost(void **state)
{
    struct fake_broker *fake = *state;
    fake_call(fake, "before", 5000, false, NULL);
    fake_lose_pipe(fake);
    fake_call(fake, "during", 5000, false, NULL);
    engine_pipe_up(fake->engine, fake->now);
    fake_take(fake);
    assert_string_equal(fake_last(fake, WIRE_REQUEST)->text, "before");
    fake_take(fake);
    assert_string_equal(fake_last(fake, WIRE_REQUEST)->text, "during");
}

/* Not before the broker has shown by the new pipe that it knows the session. */
static void a_resumed_session_is_told_of_when_it_has_been_answered(void **state)
{
    struct fake_broker *fake = *state;
    unsigned told = fake->states;
    fake_take_all(fake);
    engine_pipe_down(fake->engine, fake->now);
    engine_pipe_up(fake->engine, fake->now);
    assert_int_equal(fake->state, ENGINE_LOST);
    fake_answer_on(fake, 0); /* by the old pipe, a moment late */
    assert_int_equal(fake->state, ENGINE_LOST);
    fake_take_all(fake);
    assert_int_equal(fake_count(fake, WIRE_PING), 1);
    fake_answer_on(fake, 1);
    assert_int_equal(fake->state, ENGINE_READY);
    assert_int_equal(fake->states, told + 2);
}

static void a_session_that_is_gone_is_not_said_to_be_back(void **state)
{
    struct fake_broker *fake = *state;
    unsigned told = fake->states;
    fake_forget(fake);
    assert_int_equal(fake->state, ENGINE_GREETING);
    assert_int_equal(fake->states, told + 2); /* lost, and gone */
    fake_welcome(fake);
    assert_int_equal(fake->state, ENGINE_READY);
    assert_int_equal(fake->states, told + 3);
}

static void deadlines_pass_without_a_pipe(void **state)
{
    struct fake_broker *fake = *state;
    fake_lose_pipe(fake);
    fake_call(fake, "nowhere", 200, false, NULL);
    fake_pass(fake, 300 * NS_PER_MS);
    assert_int_equal(fake->last_reply.status, STATUS_DEADLINE_EXCEEDED);
}

static void an_exchange_that_fails_alone_is_made_up_for(void **state)
{
    struct fake_broker *fake = *state;
    fake_call(fake, "unlucky", 5000, false, NULL);
    unsigned exchange = fake->order[--fake->n_order];
    fake->under_way[exchange] = false;
    engine_failed(fake->engine, exchange, fake->now);
    fake_take_all(fake);
    assert_string_equal(fake_last(fake, WIRE_REQUEST)->text, "unlucky");
}

static void failures_of_an_old_pipe_repeat_nothing(void **state)
{
    struct fake_broker *fake = *state;
    fake_take_all(fake);
    fake_call(fake, "old", 5000, false, NULL);
    unsigned exchange = fake->order[0], frames = fake->frames;
    engine_pipe_down(fake->engine, fake->now);
    fake->n_order = 0;
    engine_pipe_up(fake->engine, fake->now);
    fake_take(fake);
    assert_string_equal(fake_last(fake, WIRE_REQUEST)->text, "old");
    frames += 2; /* that, and the ping of a new pipe */
    assert_int_equal(fake->frames, frames);
    fake->under_way[exchange] = false;
    engine_failed(fake->engine, exchange, fake->now);
    assert_int_equal(fake->frames, frames);
}

/* ---- a session ---- */

static void calls_that_left_end_unknown_unless_idempotent(void **state)
{
    struct fake_broker *fake = *state;
    int call;
    fake_call(fake, "left", 5000, false, &call);
    fake_call(fake, "again", 5000, true, NULL);
    fake_take_all(fake);
    fake_answer(fake); /* acknowledged, so only the engine's own copy is left */
    fake_forget(fake);
    assert_int_equal(fake->replies, 1);
    assert_ptr_equal(fake->last_reply.arg, &call);
    assert_int_equal(fake->last_reply.status, STATUS_OUTCOME_UNKNOWN);
    fake_welcome(fake);
    fake->n_seen = 0;
    fake_take_all(fake);
    assert_int_equal(fake_count(fake, WIRE_REQUEST), 1);
    fake_reply(fake, fake_last(fake, WIRE_REQUEST)->id, STATUS_OK);
    fake_answer(fake);
    assert_int_equal(fake->last_reply.status, STATUS_OK);
}

/* Only two of three lost frames have gone out again when the broker says that it knows nothing. */
static void a_lost_frame_is_not_taken_for_one_that_never_left(void **state)
{
    struct fake_broker *fake = *state;
    fake->exchanges = 2;
    fake_forget(fake);
    fake_welcome(fake);
    for (unsigned i = 0; i < 3; i++) {
        fake_call(fake, "left", 5000, false, NULL);
        fake_answer_on(fake, fake->order[0]); /* without having looked at it */
        memmove(fake->order, fake->order + 1, --fake->n_order * sizeof(fake->order[0]));
    }
    fake_forget(fake);
    assert_int_equal(fake->replies, 3);
    assert_int_equal(fake->last_reply.status, STATUS_OUTCOME_UNKNOWN);
    fake_welcome(fake);
    fake->n_seen = 0;
    fake_take_all(fake);
    assert_int_equal(fake_count(fake, WIRE_REQUEST), 0);
}

static void calls_and_events_that_never_left_go_to_the_new_session(void **state)
{
    struct fake_broker *fake = *state;
    struct wire_publish publish = {.topic = slice_of("kept")};
    int confirmed;
    engine_cork(fake->engine);
    uint64_t dropped = fake_call(fake, "cancelled", 5000, false, NULL);
    uint64_t id = fake_call(fake, "kept", 5000, false, NULL);
    engine_publish(fake->engine, &publish, slice_of("credential"), NULL);
    publish.confirm = true;
    engine_publish(fake->engine, &publish, slice_of("credential"), &confirmed);
    engine_cancel(fake->engine, dropped, fake->now);
    fake_error(fake, fake_take(fake), STATUS_CONFLICT);
    engine_uncork(fake->engine, fake->now);
    fake_pass(fake, NS_PER_SEC);
    fake_welcome(fake);
    fake_take_all(fake);
    assert_int_equal(fake->replies, 1); /* the cancelled one's */
    assert_int_equal(fake_count(fake, WIRE_REQUEST), 1);
    assert_int_equal(fake_last(fake, WIRE_REQUEST)->id, id);
    assert_int_equal(fake_count(fake, WIRE_PUBLISH), 2);
    assert_int_equal(fake->acknowledged, 0);
}

static void a_confirmed_event_that_left_ends_unknown(void **state)
{
    struct fake_broker *fake = *state;
    struct wire_publish publish = {.topic = slice_of("gone"), .confirm = true};
    int confirmed;
    engine_publish(fake->engine, &publish, slice_of(""), &confirmed);
    fake_forget(fake);
    assert_int_equal(fake->acknowledged, 1);
    assert_ptr_equal(fake->last_acknowledged.arg, &confirmed);
    assert_int_equal(fake->last_acknowledged.status, STATUS_OUTCOME_UNKNOWN);
    fake_welcome(fake);
    fake_take_all(fake);
    assert_int_equal(fake_count(fake, WIRE_PUBLISH), 0);
}

static uint64_t serve_and_subscribe(struct fake_broker *fake)
{
    Farebox__V1__Register registration = FAREBOX__V1__REGISTER__INIT;
    Farebox__V1__Subscribe subscription = FAREBOX__V1__SUBSCRIBE__INIT;
    registration.service = (char[]){"mine"};
    subscription.pattern = (char[]){"orders.>"};
    engine_control(fake->engine, WIRE_REGISTER, 0, &registration.base, NULL);
    return engine_control(fake->engine, WIRE_SUBSCRIBE, 0, &subscription.base, NULL);
}

static void acknowledge(struct fake_broker *fake, uint64_t id, enum status status)
{
    Farebox__V1__Acknowledge body = FAREBOX__V1__ACKNOWLEDGE__INIT;
    body.status = (Farebox__V1__Status)status;
    wire_put_control(fake_out(fake), id, 0, WIRE_ACKNOWLEDGE, &body.base);
    fake_answer(fake);
}

static void registrations_and_subscriptions_are_repeated_before_calls(void **state)
{
    struct fake_broker *fake = *state;
    uint64_t id = serve_and_subscribe(fake);
    fake_take_all(fake);
    acknowledge(fake, fake_last(fake, WIRE_REGISTER)->id, STATUS_OK);
    acknowledge(fake, id, STATUS_OK);
    fake_call(fake, "again", 5000, true, NULL);
    for (unsigned round = 0; round < 3; round++) {
        fake_forget(fake);
        fake->n_seen = 0;
        fake_welcome(fake);
        fake_take_all(fake);
        assert_int_equal(fake_count(fake, WIRE_REGISTER), 1);
        assert_int_equal(fake_count(fake, WIRE_SUBSCRIBE), 1);
        assert_int_equal(fake_last(fake, WIRE_SUBSCRIBE)->id, id);
        assert_string_equal(fake_last(fake, WIRE_SUBSCRIBE)->text, "orders.>");
        assert_string_equal(fake_last(fake, WIRE_REGISTER)->text, "mine");
        assert_int_equal(fake->seen[fake->n_seen - 1].kind, WIRE_REQUEST);
        acknowledge(fake, fake_last(fake, WIRE_REGISTER)->id, STATUS_OK);
        acknowledge(fake, id, STATUS_OK);
    }
    assert_int_equal(fake->acknowledged, 2);
}

static void what_was_refused_or_undone_is_not_repeated(void **state)
{
    struct fake_broker *fake = *state;
    Farebox__V1__Deregister body = FAREBOX__V1__DEREGISTER__INIT;
    body.service = (char[]){"mine"};
    uint64_t id = serve_and_subscribe(fake);
    acknowledge(fake, id, STATUS_PERMISSION_DENIED);
    engine_control(fake->engine, WIRE_DEREGISTER, 0, &body.base, NULL);
    fake_forget(fake);
    fake->n_seen = 0;
    fake_welcome(fake);
    fake_take_all(fake);
    assert_int_equal(fake->n_seen, 1); /* the Hello */
}

static void what_a_busy_broker_refuses_to_repeat_is_asked_for_again(void **state)
{
    struct fake_broker *fake = *state;
    uint64_t id = serve_and_subscribe(fake);
    fake_take_all(fake);
    uint64_t service = fake_last(fake, WIRE_REGISTER)->id;
    acknowledge(fake, service, STATUS_OK);
    acknowledge(fake, id, STATUS_OK);
    fake_forget(fake);
    fake_welcome(fake);
    fake->n_seen = 0;
    fake_take_all(fake);
    for (unsigned round = 1; round < 4; round++) {
        assert_int_equal(fake_count(fake, WIRE_REGISTER), round);
        assert_int_equal(fake_count(fake, WIRE_SUBSCRIBE), 1);
        acknowledge(fake, service, STATUS_OVERLOADED);
        acknowledge(fake, id, STATUS_PERMISSION_DENIED); /* for good, in this session */
        fake_take_all(fake);
        assert_int_equal(fake_count(fake, WIRE_REGISTER), round);
        fake_pass(fake, 2 * NS_PER_SEC);
        fake_take_all(fake);
    }
    acknowledge(fake, service, STATUS_OK);
    fake_pass(fake, 2 * NS_PER_SEC);
    fake_take_all(fake);
    assert_int_equal(fake_count(fake, WIRE_REGISTER), 4);
    assert_int_equal(fake->acknowledged, 2);
}

static void a_subscription_for_a_token_is_repeated_with_it(void **state)
{
    struct fake_broker *fake = *state;
    Farebox__V1__Subscribe body = FAREBOX__V1__SUBSCRIBE__INIT;
    body.pattern = (char[]){"orders.>"};
    uint64_t own = serve_and_subscribe(fake);
    uint64_t id = engine_subscribe(fake->engine, 0, &body, slice_of("of ann"), NULL);
    fake_take_all(fake);
    acknowledge(fake, own, STATUS_OK);
    acknowledge(fake, id, STATUS_OK);
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(fake_last(fake, WIRE_SUBSCRIBE)->id, id);
        assert_string_equal(fake_last(fake, WIRE_SUBSCRIBE)->credential, "of ann");
        assert_string_equal(fake_last(fake, WIRE_REGISTER)->credential, "");
        fake_forget(fake);
        fake_welcome(fake);
        fake->n_seen = 0;
        fake_take_all(fake);
    }
}

static void what_a_new_session_refuses_for_good_is_over(void **state)
{
    struct fake_broker *fake = *state;
    uint64_t id = serve_and_subscribe(fake);
    fake_take_all(fake);
    uint64_t service = fake_last(fake, WIRE_REGISTER)->id;
    acknowledge(fake, service, STATUS_OK);
    acknowledge(fake, id, STATUS_OK);
    acknowledge(fake, id, STATUS_SUBSCRIPTION_EXPIRED); /* that may end */
    fake_pass(fake, 2 * NS_PER_SEC);
    acknowledge(fake, id, STATUS_OK);
    assert_int_equal(fake_count(fake, WIRE_SUBSCRIBE), 2);
    assert_int_equal(fake->over, 0);
    acknowledge(fake, service, STATUS_PERMISSION_DENIED);
    acknowledge(fake, id, STATUS_UNAUTHENTICATED);
    assert_int_equal(fake->over, 1);
    assert_int_equal(fake->last_over, id);
    fake_forget(fake);
    fake->n_seen = 0;
    fake_welcome(fake);
    fake_take_all(fake);
    assert_int_equal(fake_count(fake, WIRE_REGISTER), 1);
    assert_int_equal(fake_count(fake, WIRE_SUBSCRIBE), 0);
}

static void a_session_refused_for_good_is_the_end_of_its_subscriptions(void **state)
{
    struct fake_broker *fake = *state;
    uint64_t id = serve_and_subscribe(fake);
    fake_take_all(fake);
    acknowledge(fake, fake_last(fake, WIRE_REGISTER)->id, STATUS_OK);
    acknowledge(fake, id, STATUS_OK);
    fake_forget(fake);
    assert_int_equal(fake->over, 0);
    fake_error(fake, fake_take(fake), STATUS_UNAUTHENTICATED);
    assert_int_equal(fake->state, ENGINE_REFUSED);
    assert_int_equal(fake->over, 1);
    assert_int_equal(fake->last_over, id);
}

/* One name may stand for the tenant's own service and for a shared one. */
static void what_is_deregistered_is_the_tenants_own_or_the_shared_one(void **state)
{
    struct fake_broker *fake = *state;
    Farebox__V1__Register own = FAREBOX__V1__REGISTER__INIT;
    Farebox__V1__Deregister body = FAREBOX__V1__DEREGISTER__INIT;
    serve_and_subscribe(fake);
    body.service = own.service = (char[]){"mine"};
    body.tenant = own.tenant = (char[]){"acme"};
    uint64_t id = engine_control(fake->engine, WIRE_REGISTER, 0, &own.base, NULL);
    engine_control(fake->engine, WIRE_DEREGISTER, 0, &body.base, NULL);
    fake_forget(fake);
    fake->n_seen = 0;
    fake_welcome(fake);
    fake_take_all(fake);
    assert_int_equal(fake_count(fake, WIRE_REGISTER), 1);
    assert_int_not_equal(fake_last(fake, WIRE_REGISTER)->id, id);
}

static void a_control_under_way_is_answered_by_the_new_session(void **state)
{
    struct fake_broker *fake = *state;
    serve_and_subscribe(fake);
    engine_control(fake->engine, WIRE_PING, 0, NULL, NULL);
    fake_forget(fake);
    assert_int_equal(fake->acknowledged, 0);
    fake_welcome(fake);
    fake->n_seen = 0;
    fake_take_all(fake);
    acknowledge(fake, fake_last(fake, WIRE_REGISTER)->id, STATUS_OK);
    acknowledge(fake, fake_last(fake, WIRE_SUBSCRIBE)->id, STATUS_OK);
    acknowledge(fake, fake_last(fake, WIRE_PING)->id, STATUS_OK);
    assert_int_equal(fake->acknowledged, 3);
}

static void requests_of_a_lost_session_are_void(void **state)
{
    struct fake_broker *fake = *state;
    struct wire_reply reply = {.payload = slice_of("stale")};
    fake_request(fake, 7);
    fake_request(fake, 8);
    fake_answer(fake);
    engine_cork(fake->engine);
    assert_true(engine_reply(fake->engine, 7, &reply)); /* in a frame that never leaves */
    fake_take_all(fake);
    engine_uncork(fake->engine, fake->now);
    fake_forget(fake);
    assert_false(engine_reply(fake->engine, 8, &reply));
    fake_welcome(fake);
    fake->n_seen = 0;
    fake_take_all(fake);
    assert_int_equal(fake_count(fake, WIRE_REPLY), 0);
}

static void a_broker_that_forgets_at_once_is_not_asked_in_a_loop(void **state)
{
    struct fake_broker *fake = *state;
    fake_forget(fake);
    fake_welcome(fake);
    fake_error(fake, fake_take(fake), STATUS_UNAUTHENTICATED);
    assert_int_equal(fake->state, ENGINE_GREETING);
    assert_int_equal(fake->n_order, 0);
    fake_pass(fake, NS_PER_SEC);
    assert_int_equal(fake->n_order, 1);
}

static void answers_of_an_old_session_are_ignored(void **state)
{
    struct fake_broker *fake = *state;
    fake_call(fake, "one", 0, true, NULL);
    fake_take_all(fake);
    assert_int_equal(fake_waiting(fake), 2);
    unsigned second = fake->under_way[0] ? 1 : 0;
    fake_error(fake, !second, STATUS_UNAUTHENTICATED);
    fake_pass(fake, NS_PER_SEC);
    fake_welcome(fake);
    fake_error(fake, second, STATUS_UNAUTHENTICATED); /* the same news again */
    assert_int_equal(fake->state, ENGINE_READY);
}

/* ---- a broker's wits ---- */

static void a_frame_that_makes_no_sense_ends_session_and_pipe(void **state)
{
    struct fake_broker *fake = *state;
    unsigned exchange = fake_take(fake);
    fake->under_way[exchange] = false;
    fake_call(fake, "again", 5000, true, NULL);
    engine_answer(fake->engine, exchange, slice_of("\x0a\xff nonsense"), fake->now);
    assert_int_equal(fake->resets, 1);
    assert_int_equal(fake->state, ENGINE_GREETING);
    assert_int_equal(fake->replies, 0);
}

static void an_impossible_acknowledgement_ends_the_session(void **state)
{
    struct fake_broker *fake = *state;
    unsigned exchange = fake_take(fake);
    fake->link.received = 99;
    fake_answer_on(fake, exchange);
    assert_int_equal(fake->resets, 1);
    assert_int_equal(fake->state, ENGINE_GREETING);
}

static void early_frames_are_held_until_their_turn(void **state)
{
    struct fake_broker *fake = *state;
    fake_call(fake, "spare exchange", 0, false, NULL);
    fake_take_all(fake);
    fake_request(fake, 1);
    struct slice sealed = link_transmit(&fake->link, 1);
    uint8_t *first = arena_alloc(&fake->arena, sealed.len);
    memcpy(first, sealed.data, sealed.len);
    fake_request(fake, 2);
    unsigned late = fake->under_way[0] ? 0 : 1, early = late + 1;
    assert_true(fake->under_way[early]);
    fake_answer_on(fake, early);
    assert_int_equal(fake->requests, 0);
    fake->under_way[late] = false;
    engine_answer(fake->engine, late, slice_make(first, sealed.len), fake->now);
    assert_int_equal(fake->requests, 2);
    assert_int_equal(fake->last_request, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_lost_frame_goes_out_again_under_its_number),
        TEST(a_frame_that_had_arrived_is_not_taken_twice),
        TEST(calls_made_while_the_pipe_is_gone_follow_what_was_lost),
        TEST(a_resumed_session_is_told_of_when_it_has_been_answered),
        TEST(a_session_that_is_gone_is_not_said_to_be_back),
        TEST(deadlines_pass_without_a_pipe),
        TEST(an_exchange_that_fails_alone_is_made_up_for),
        TEST(failures_of_an_old_pipe_repeat_nothing),
        TEST(calls_that_left_end_unknown_unless_idempotent),
        TEST(a_lost_frame_is_not_taken_for_one_that_never_left),
        TEST(calls_and_events_that_never_left_go_to_the_new_session),
        TEST(a_confirmed_event_that_left_ends_unknown),
        TEST(registrations_and_subscriptions_are_repeated_before_calls),
        TEST(what_was_refused_or_undone_is_not_repeated),
        TEST(what_a_busy_broker_refuses_to_repeat_is_asked_for_again),
        TEST(a_subscription_for_a_token_is_repeated_with_it),
        TEST(what_a_new_session_refuses_for_good_is_over),
        TEST(a_session_refused_for_good_is_the_end_of_its_subscriptions),
        TEST(what_is_deregistered_is_the_tenants_own_or_the_shared_one),
        TEST(a_control_under_way_is_answered_by_the_new_session),
        TEST(requests_of_a_lost_session_are_void),
        TEST(a_broker_that_forgets_at_once_is_not_asked_in_a_loop),
        TEST(answers_of_an_old_session_are_ignored),
        TEST(a_frame_that_makes_no_sense_ends_session_and_pipe),
        TEST(an_impossible_acknowledgement_ends_the_session),
        TEST(early_frames_are_held_until_their_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
