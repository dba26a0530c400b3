/* The inspector and a broker that dies and comes back. */
#include "inspect.h"

#include <poll.h>

/* The subscription is repeated in the new session, but nothing says when it has arrived. */
static bool is_heard(void *arg)
{
    struct process *sub = arg;
    struct pollfd ready = {.fd = sub->out, .events = POLLIN};
    char line[64];
    ends(0, "farebox pub back 1");
    return poll(&ready, 1, 0) == 1 && process_line(sub, "", line, sizeof line) &&
           strcmp(line, "back  1") == 0;
}

static void test_a_broker_that_comes_back(void **state)
{
    (void)state;
    char line[512];
    struct process *sub = START("farebox: subscribed", "farebox", "sub", "back", "--count", "1");
    place_stop_broker(place, SIGKILL);
    assert_true(process_line(sub, "farebox: connection lost", line, sizeof line));
    place_start_broker(place, NULL);
    assert_true(process_line(sub, "farebox: connected again", line, sizeof line));
    assert_true(eventually(is_heard, sub));
    assert_false(process_line(sub, "", line, sizeof line));
    assert_int_equal(process_stop(sub, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_broker_that_comes_back),
    };
    return cmocka_run_group_tests(tests, inspect_set_up, inspect_tear_down);
}
