/* The broker dies behind the gateway: nobody waits longer than they said, or for nothing, and all
 * goes on by itself once the broker is back. */
#include "../testing.h"

#include "front.h"

#include "base/clock.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SLEEPERS 2 /* and what else is called stays below the burst of the tier */
#define ROUNDS 3
#define DEADLINE_MS 1500
#define GRACE_MS 2000    /* a session may still come back */
#define AWAY_MS 2500     /* long enough for whoever reconnects to have become patient */
#define AT_ONCE_MS 500   /* for a machine that is busy; an idle one needs a few */
#define RECOVERY_MS 1000 /* as promised */

static unsigned since(uint64_t began_ns)
{
    return (unsigned)((clock_mono_ns() - began_ns) / 1000000);
}

static unsigned larger(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

static bool takes_calls(void *arg)
{
    (void)arg;
    return front_ask("POST /v1/call/echo/echo", front.ann, "1") == 200;
}

static bool is_away(void *arg)
{
    (void)arg;
    return front_ask("GET /readyz", NULL, NULL) == 503;
}

/* Returns when the gateway has seen it, too; how long that took. What is asked before is under way.
 */
static unsigned kill_broker(void)
{
    (void)place_stop_broker(front.place, SIGKILL);
    uint64_t began_ns = clock_mono_ns();
    assert_true(eventually(is_away, NULL));
    return since(began_ns);
}

/* ---- what is under way ---- */

static void fall_asleep(struct http sleepers[SLEEPERS])
{
    assert_true(eventually(takes_calls, NULL));
    for (int i = 0; i < SLEEPERS; i++) {
        sleepers[i] = http_dial(front.port);
        http_ask(&sleepers[i], "POST /v1/call/echo/sleep", front.ann, "X-Timeout-Ms: 1500\r\n",
                 "{\"ms\":60000}");
    }
    assert_true(takes_calls(NULL)); /* and so the service has what came before it */
}

/* Each has an answer that says that there is none. */
static unsigned wake_up(struct http sleepers[SLEEPERS], uint64_t began_ns)
{
    for (int i = 0; i < SLEEPERS; i++) {
        int status = http_answer(&sleepers[i], front.answer, sizeof front.answer);
        if (status != 502 && status != 503 && status != 504)
            fail_msg("status %d: %s", status, front.answer);
        front_says("Content-Type: application/problem+json\r\n");
        http_hang_up(&sleepers[i]);
    }
    return since(began_ns);
}

static void what_is_under_way_ends_by_its_deadline(void **state)
{
    struct http sleepers[SLEEPERS];
    (void)state;
    for (int back = 0; back < 2; back++) {
        fall_asleep(sleepers);
        uint64_t began_ns = clock_mono_ns();
        (void)place_stop_broker(front.place, SIGKILL);
        if (back)
            front_start_broker();
        unsigned took = wake_up(sleepers, began_ns);
        print_message("calls under way ended %u ms after the broker%s\n", took,
                      back ? ", which came back" : "");
        assert_true(took <= DEADLINE_MS + AT_ONCE_MS);
        if (!back)
            front_start_broker();
    }
}

/* ---- events ---- */

/* In each turn the gateway hears everybody who has asked, and at its end it tells the broker:
 * between two answers to one who asks again, there is a whole turn. Its /metrics would need the
 * broker. */
static void await_turn(void)
{
    for (int answers = 0; answers < 2; answers++)
        assert_int_equal(front_ask("GET /livez", NULL, NULL), 200);
}

/* A broker that is there and says nothing; a publisher and a listener wait for its word, and what
 * they asked has left the gateway. */
static void ask_the_frozen(struct http *publisher, struct http *listener, const char *headers)
{
    assert_true(eventually(takes_calls, NULL));
    *publisher = http_dial(front.port);
    *listener = http_dial(front.port);
    process_freeze(front.place->broker.pid);
    http_ask(publisher, "POST /v1/publish/news.today", front.ann, headers, "1");
    http_ask(listener, "GET /v1/subscribe?topic=news.%3E", front.ann, headers, NULL);
    await_turn();
}

static unsigned until(struct http *http, int expected, uint64_t began_ns)
{
    assert_int_equal(http_answer(http, front.answer, sizeof front.answer), expected);
    front_says("Content-Type: application/problem+json\r\n");
    http_hang_up(http);
    return since(began_ns);
}

static void who_publishes_or_listens_waits_no_longer_than_they_said(void **state)
{
    struct http publisher, listener;
    (void)state;
    uint64_t began_ns = clock_mono_ns();
    ask_the_frozen(&publisher, &listener, "X-Timeout-Ms: 1500\r\n");
    unsigned told = until(&publisher, 504, began_ns);
    unsigned heard = until(&listener, 503, began_ns);
    front_says("Retry-After: 1\r\n");
    print_message("a broker that stalls: 504 after %u ms, 503 after %u ms\n", told, heard);
    assert_true(told <= DEADLINE_MS + 2 * AT_ONCE_MS && heard <= DEADLINE_MS + 2 * AT_ONCE_MS);
    (void)place_stop_broker(front.place, SIGKILL);
}

static void whose_broker_dies_hears_soon_that_nobody_knows(void **state)
{
    struct http publisher, listener;
    (void)state;
    ask_the_frozen(&publisher, &listener, "");
    uint64_t began_ns = clock_mono_ns();
    (void)place_stop_broker(front.place, SIGKILL);
    unsigned told = until(&publisher, 502, began_ns);
    front_says("\"code\":\"outcome_unknown\"");
    unsigned heard = until(&listener, 503, began_ns);
    print_message("a broker that died: 502 after %u ms, 503 after %u ms\n", told, heard);
    assert_true(told <= GRACE_MS + AT_ONCE_MS && heard <= GRACE_MS + AT_ONCE_MS);
}

/* ---- what comes meanwhile ---- */

/* The gateway may not have seen it yet: such a call is under way, too. */
static void who_comes_in_that_moment_waits_no_longer_than_they_said(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        assert_true(eventually(takes_calls, NULL));
        struct http http = http_dial(front.port);
        (void)place_stop_broker(front.place, SIGKILL);
        uint64_t asked_ns = clock_mono_ns();
        http_ask(&http, "POST /v1/call/echo/echo", front.ann, "X-Timeout-Ms: 1500\r\n", "1");
        int status = http_answer(&http, front.answer, sizeof front.answer);
        unsigned took = since(asked_ns);
        http_hang_up(&http);
        print_message("asked in the moment of its death: %d after %u ms\n", status, took);
        assert_true(status == 503 || status == 504);
        assert_true(took <= DEADLINE_MS + AT_ONCE_MS);
        front_start_broker();
    }
}

static void who_comes_meanwhile_is_told_at_once(void **state)
{
    unsigned longest = 0, asked = 0, noticed;
    (void)state;
    assert_true(eventually(takes_calls, NULL));
    noticed = kill_broker();
    for (uint64_t began_ns = clock_mono_ns(); since(began_ns) < AWAY_MS; asked++) {
        uint64_t asked_ns = clock_mono_ns();
        assert_int_equal(front_ask("POST /v1/call/echo/echo", front.ann, "1"), 503);
        front_says("Retry-After: 1\r\n");
        front_says("\"retryable\":true");
        longest = larger(longest, since(asked_ns));
    }
    print_message("seen after %u ms; then %u requests, refused within %u ms\n", noticed, asked,
                  longest);
    assert_true(noticed <= AT_ONCE_MS);
    assert_true(longest <= AT_ONCE_MS);
}

/* ---- after it ---- */

static int by_size(const void *a, const void *b)
{
    return (int)*(const unsigned *)a - (int)*(const unsigned *)b;
}

/* The service, too, has to find the broker. What else the machine does only adds to the time: the
 * median counts. */
static void a_broker_that_is_back_is_found_within_a_second(void **state)
{
    unsigned took[ROUNDS];
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        assert_true(eventually(takes_calls, NULL));
        kill_broker();
        for (uint64_t began_ns = clock_mono_ns(); since(began_ns) < AWAY_MS;)
            assert_true(is_away(NULL));
        front_start_broker();
        uint64_t began_ns = clock_mono_ns();
        assert_true(eventually(takes_calls, NULL));
        took[round] = since(began_ns);
        print_message("a call was answered %u ms after the broker was ready\n", took[round]);
    }
    qsort(took, ROUNDS, sizeof *took, by_size);
    assert_true(took[ROUNDS / 2] <= RECOVERY_MS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, front_open, front_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_under_way_ends_by_its_deadline),
        TEST(who_publishes_or_listens_waits_no_longer_than_they_said),
        TEST(whose_broker_dies_hears_soon_that_nobody_knows),
        TEST(who_comes_in_that_moment_waits_no_longer_than_they_said),
        TEST(who_comes_meanwhile_is_told_at_once),
        TEST(a_broker_that_is_back_is_found_within_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
