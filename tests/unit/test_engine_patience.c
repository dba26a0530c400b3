/* Who asks the broker for something and says how long they wait for its word. */
#include "fake_broker.h"

static struct fake_broker fake;
static int asked;

static int setup(void **state)
{
    (void)state;
    fake_init(&fake);
    fake_connect(&fake);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_finish(&fake);
    return 0;
}

static uint64_t publish(uint32_t timeout_ms)
{
    struct wire_publish event = {.topic = slice_of("news"), .confirm = true};
    uint64_t id = engine_publish(fake.engine, &event, slice_of(""), &asked);
    engine_limit(fake.engine, id, timeout_ms, fake.now);
    return id;
}

static uint64_t subscribe(uint32_t timeout_ms)
{
    Farebox__V1__Subscribe body = FAREBOX__V1__SUBSCRIBE__INIT;
    body.pattern = (char[]){"orders.>"};
    uint64_t id = engine_subscribe(fake.engine, 0, &body, slice_of(""), &asked);
    engine_limit(fake.engine, id, timeout_ms, fake.now);
    return id;
}

static void acknowledge(uint64_t id)
{
    Farebox__V1__Acknowledge body = FAREBOX__V1__ACKNOWLEDGE__INIT;
    wire_put_control(fake_out(&fake), id, 0, WIRE_ACKNOWLEDGE, &body.base);
    fake_answer(&fake);
}

static void was_told(enum status status)
{
    assert_int_equal(fake.acknowledged, 1);
    assert_ptr_equal(fake.last_acknowledged.arg, &asked);
    assert_int_equal(fake.last_acknowledged.status, status);
}

static void a_stalled_broker_is_waited_for_no_longer_than_was_said(void **state)
{
    (void)state;
    uint64_t id = publish(500);
    fake_take_all(&fake);
    fake_pass(&fake, 400 * NS_PER_MS);
    assert_int_equal(fake.acknowledged, 0);
    fake_pass(&fake, 200 * NS_PER_MS);
    was_told(STATUS_DEADLINE_EXCEEDED);
    acknowledge(id); /* too late: nobody asks any more */
    was_told(STATUS_DEADLINE_EXCEEDED);
}

static void what_is_answered_in_time_is_answered_once(void **state)
{
    (void)state;
    uint64_t id = publish(500);
    fake_take_all(&fake);
    acknowledge(id);
    was_told(STATUS_OK);
    fake_pass(&fake, NS_PER_SEC);
    was_told(STATUS_OK);
}

static void who_says_nothing_waits(void **state)
{
    (void)state;
    publish(0);
    fake_take_all(&fake);
    fake_lose_pipe(&fake);
    fake_pass(&fake, 3600 * NS_PER_SEC);
    assert_int_equal(fake.acknowledged, 0);
}

static void an_event_is_not_waited_for_long_once_the_connection_is_lost(void **state)
{
    (void)state;
    publish(30000);
    fake_take_all(&fake);
    fake_lose_pipe(&fake);
    fake_pass(&fake, NS_PER_SEC);
    assert_int_equal(fake.acknowledged, 0); /* the session may still come back */
    fake_pass(&fake, 2 * NS_PER_SEC);
    was_told(STATUS_OUTCOME_UNKNOWN);
}

static void a_lost_connection_gives_nobody_more_time(void **state)
{
    (void)state;
    publish(500);
    fake_take_all(&fake);
    fake_lose_pipe(&fake);
    fake_pass(&fake, 600 * NS_PER_MS);
    was_told(STATUS_OUTCOME_UNKNOWN);
}

static void an_event_given_up_does_not_go_out_in_another_session(void **state)
{
    (void)state;
    engine_cork(fake.engine);
    publish(500);
    fake_pass(&fake, 600 * NS_PER_MS);
    was_told(STATUS_DEADLINE_EXCEEDED);
    fake_error(&fake, fake_take(&fake), STATUS_CONFLICT);
    engine_uncork(fake.engine, fake.now);
    fake_pass(&fake, NS_PER_SEC);
    fake_welcome(&fake);
    fake_take_all(&fake);
    assert_int_equal(fake_count(&fake, WIRE_PUBLISH), 0);
}

static void a_subscription_given_up_is_undone(void **state)
{
    (void)state;
    uint64_t id = subscribe(500);
    fake_take_all(&fake);
    fake_pass(&fake, 600 * NS_PER_MS);
    was_told(STATUS_UNAVAILABLE);
    fake_settle(&fake);
    assert_int_equal(fake_last(&fake, WIRE_UNSUBSCRIBE)->id, id);
    fake_forget(&fake);
    fake_welcome(&fake);
    fake_take_all(&fake);
    assert_int_equal(fake_count(&fake, WIRE_SUBSCRIBE), 1); /* it is not repeated */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stalled_broker_is_waited_for_no_longer_than_was_said),
        TEST(what_is_answered_in_time_is_answered_once),
        TEST(who_says_nothing_waits),
        TEST(an_event_is_not_waited_for_long_once_the_connection_is_lost),
        TEST(a_lost_connection_gives_nobody_more_time),
        TEST(an_event_given_up_does_not_go_out_in_another_session),
        TEST(a_subscription_given_up_is_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
