/* What is under way when the gateway is told to stop. */
#include "../testing.h"

#include "front.h"

#include <signal.h>
#include <sys/socket.h>

static int open_impatient(void **state)
{
    (void)state;
    front_open_with((const char *const[]){"--drain-ms", "200", NULL});
    return 0;
}

/* It is the gateway that gave up, not the client. */
static void what_takes_longer_than_the_drain_is_told_who_ended_it(void **state)
{
    static const char *const accepts[] = {"", "Accept: application/x-ndjson\r\n"};
    struct http sleepers[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        sleepers[i] = http_dial(front.port);
        http_ask(&sleepers[i], "POST /v1/call/echo/sleep", front.ann, accepts[i], "{\"ms\":60000}");
    }
    assert_int_equal(front_ask("POST /v1/call/echo/echo", front.ann, "1"), 200);
    kill(front.gateway->pid, SIGTERM);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(http_answer(&sleepers[i], front.answer, sizeof front.answer), 503);
        front_says("Retry-After: 1\r\n");
        front_says("\"code\":\"gateway_stopped\"");
        http_hang_up(&sleepers[i]);
    }
}

static bool is_closed(void *arg)
{
    return http_is_closed(*(int *)arg);
}

/* Nobody would serve who connects now: they shall look elsewhere at once. */
static void who_comes_while_it_stops_is_not_let_in(void **state)
{
    struct http sleeper = http_dial(front.port);
    (void)state;
    http_ask(&sleeper, "POST /v1/call/echo/sleep", front.ann, "", "{\"ms\":60000}");
    assert_int_equal(front_ask("POST /v1/call/echo/echo", front.ann, "1"), 200);
    kill(front.gateway->pid, SIGTERM);
    assert_true(eventually(is_closed, &front.port));
    char byte;
    assert_int_equal(recv(sleeper.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT), -1); /* no end, either */
    http_hang_up(&sleeper);
    assert_int_equal(process_stop(front.gateway, 0), 0);
}

/* The library would wait for ever; a service manager should hear of it. */
static void it_ends_when_its_token_is_no_longer_taken(void **state)
{
    (void)state;
    (void)place_stop_broker(front.place, SIGKILL);
    place_change_secret(front.place);
    front_start_broker();
    assert_int_equal(process_stop(front.gateway, 0), 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_takes_longer_than_the_drain_is_told_who_ended_it,
                                        open_impatient, front_close),
        cmocka_unit_test_setup_teardown(who_comes_while_it_stops_is_not_let_in, front_open,
                                        front_close),
        cmocka_unit_test_setup_teardown(it_ends_when_its_token_is_no_longer_taken, front_open,
                                        front_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
