/* The inspector and a broker that dies and comes back. */
#include "inspect.h"

#include <poll.h>
#include <sys/stat.h>

struct follower {
    struct process *process;
    const char *traffic; /* a line of shell that it should see something of */
    const char *wanted;  /* what that looks like */
};

static bool has_output(const struct process *process)
{
    struct pollfd ready = {.fd = process->out, .events = POLLIN};
    return poll(&ready, 1, 0) == 1;
}

/* Neither a subscription nor a tap says when it has arrived at a new broker: something is sent
 * until something is seen. */
static bool follows(void *arg)
{
    const struct follower *follower = arg;
    char line[1024];
    ends(0, "%s", follower->traffic);
    while (has_output(follower->process) &&
           process_line(follower->process, "", line, sizeof line)) {
        assert_null(strstr(line, "connect"));
        if (strstr(line, follower->wanted))
            return true;
    }
    return false;
}

static void restart_broker(struct process *watcher, int signal)
{
    char line[512];
    place_stop_broker(place, signal);
    assert_true(process_line(watcher, "farebox: connection lost", line, sizeof line));
    place_start_broker(place, NULL);
    assert_true(process_line(watcher, "farebox: connected again", line, sizeof line));
}

static void test_a_subscription_goes_on(void **state)
{
    (void)state;
    char line[512];
    struct process *sub = START("farebox: subscribed", "farebox", "sub", "back", "--count", "1");
    struct follower follower = {sub, "farebox pub back 1", "back  1"};
    restart_broker(sub, SIGKILL);
    assert_true(eventually(follows, &follower));
    assert_false(process_line(sub, "", line, sizeof line));
    assert_int_equal(process_stop(sub, 0), 0);
}

/* The next broker has another secret. */
static void test_a_token_that_is_worthless_now(void **state)
{
    (void)state;
    char line[512];
    struct process *sub =
        START("farebox: subscribed", "/bin/sh", "-c", "farebox sub '>'; echo \"ended $?\"");
    place_stop_broker(place, SIGKILL);
    ends(0, "cp \"$SECRET\" \"$DIR\"/kept && printf '%%064d' 1 >\"$SECRET\"");
    place_start_broker(place, NULL);
    assert_true(process_line(sub, "farebox: unauthenticated: ", line, sizeof line));
    assert_true(process_line(sub, "ended", line, sizeof line));
    assert_string_equal(line, "ended 77");
    process_stop(sub, 0);
    place_stop_broker(place, SIGKILL);
    ends(0, "mv \"$DIR\"/kept \"$SECRET\"");
    place_start_broker(place, NULL);
}

static void tap_over_restart(int signal)
{
    struct process *tap =
        START(NULL, "/bin/sh", "-c", "exec farebox tap --topic back --token-file \"$OPERATOR\"");
    struct follower follower = {tap, "farebox pub back 1", "event  acme  ann  back"};
    assert_true(eventually(follows, &follower));
    restart_broker(tap, signal);
    assert_true(eventually(follows, &follower));
    assert_int_equal(process_stop(tap, SIGINT), 130);
}

static void test_a_tap_is_opened_again(void **state)
{
    (void)state;
    tap_over_restart(SIGKILL);
    tap_over_restart(SIGTERM);
}

static void test_a_feed_is_opened_again(void **state)
{
    (void)state;
    char first[512], second[512];
    struct stat info;
    struct process *feed = START(NULL, "farebox", "feed", "open", ">", "--lease", "1h");
    assert_true(process_line(feed, "ipc://", first, sizeof first));
    restart_broker(feed, SIGKILL);
    assert_true(process_line(feed, "farebox: the feed is gone", second, sizeof second));
    assert_true(process_line(feed, "ipc://", second, sizeof second));
    assert_string_not_equal(first, second);
    assert_int_equal(stat(second + strlen("ipc://"), &info), 0);
    assert_int_equal(process_stop(feed, SIGINT), 130);
}

/* Of the hour's calls two are credited; a broker that is killed right then knows it, too. */
static void test_a_credit_outlives_the_broker(void **state)
{
    static const char credit[] =
        "farebox usage credit bad-day --token-file \"$OPERATOR\" --time \"$(cut -d, -f1 "
        "\"$DIR\"/hour)\" --tenant acme --user ann --service puppet --method echo --calls 2 "
        "--reason 'a bad day'";
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        ends(0, "farebox call puppet echo '{}'");
    ends(0,
         "farebox usage --by hour --service puppet --method echo --csv | tail -n 1 >\"$DIR\"/hour");
    ends(0, "%s", credit);
    says("reason   a bad day");
    place_stop_broker(place, SIGKILL);
    place_start_broker(place, NULL);
    ends(0, "farebox usage -o json --user ann --service puppet --method echo");
    says("\"calls\":3,");
    says("\"voided\":2");
    ends(0, "%s", credit);
    ends(0, "farebox usage credits");
    says("bad-day");
    ends(0, "farebox usage -o json --user ann --service puppet --method echo");
    says("\"voided\":2");
    ends(65, "%s --calls 1", credit);
    says("that id is another credit's");
}

/* The next broker does not know who opened it. */
static void test_a_feed_that_cannot_be_opened_again(void **state)
{
    (void)state;
    char line[512];
    struct process *feed = START(NULL, "/bin/sh", "-c", "farebox feed open '>'; echo \"ended $?\"");
    assert_true(process_line(feed, "ipc://", line, sizeof line));
    place_stop_broker(place, SIGKILL);
    place_start_broker(place, (const char *const[]){"--max-feeds", "0", NULL});
    assert_true(process_line(feed, "ended", line, sizeof line));
    assert_string_equal(line, "ended 75");
    process_stop(feed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_credit_outlives_the_broker),
        cmocka_unit_test(test_a_subscription_goes_on),
        cmocka_unit_test(test_a_tap_is_opened_again),
        cmocka_unit_test(test_a_feed_is_opened_again),
        cmocka_unit_test(test_a_token_that_is_worthless_now),
        cmocka_unit_test(test_a_feed_that_cannot_be_opened_again),
    };
    return cmocka_run_group_tests(tests, inspect_set_up, inspect_tear_down);
}
