/* The inspector calls, publishes and listens: command lines in, text and exit statuses out. */
#include "inspect.h"

#include "wire/status.h"

#include <stdlib.h>

/* ---- calls ---- */

static void test_ping(void **state)
{
    (void)state;
    ends(0, "farebox ping");
    says("pong in ");
    ends(0, "farebox ping --token-file \"$NOBODY\" -o json");
    says("{\"ping\":1,\"rtt_us\":");
}

static void test_a_call_shows_its_reply(void **state)
{
    (void)state;
    ends(0, "farebox call puppet echo '{\"a\":[1,-2,2.5,null,\"caf\xc3\xa9\"]}'");
    assert_string_equal(output, "{\"a\": [1, -2, 2.5, null, \"caf\xc3\xa9\"]}\n");
    ends(0, "farebox -o json call puppet echo '{\"a\": [1, true]}'");
    assert_string_equal(output, "{\"a\":[1,true]}\n");
    ends(0, "farebox call puppet echo");
    assert_string_equal(output, "{}\n");
    ends(0, "echo '\"from a pipe\"' | farebox call puppet echo -");
    assert_string_equal(output, "\"from a pipe\"\n");
}

/* A broker that is stopped in its tracks answers nobody, and nobody waits for ever. */
static void test_a_broker_that_does_not_answer(void **state)
{
    (void)state;
    process_freeze(place->broker.pid);
    ends(69, "farebox ping --timeout 100ms");
    says(place->url);
    ends(69, "farebox pub a.b --timeout 100ms");
    ends(69, "farebox services --timeout 100ms");
    ends(69, "farebox call puppet echo --timeout 100ms");
    assert_int_equal(kill(place->broker.pid, SIGCONT), 0);
    ends(0, "farebox ping --count 2 --timeout 10s");
}

static void test_replies_that_are_not_messagepack(void **state)
{
    (void)state;
    ends(0, "farebox -o json call puppet json");
    assert_string_equal(output, "{\"a\":[1]}\n");
    ends(0, "farebox call puppet bytes");
    assert_string_equal(output, "\"AP8K\"\n");
    ends(0, "farebox call puppet bytes --raw | od -An -tx1");
    assert_string_equal(output, " 00 ff 0a\n");
}

static void test_parts_come_line_by_line(void **state)
{
    (void)state;
    ends(0, "farebox call puppet stream --stream");
    assert_string_equal(output, "0\n1\n2\n\"end\"\n");
    ends(64, "farebox call puppet stream --stream --raw");
}

/* Numbers as they are documented, not as the table says today. */
static void test_each_outcome_has_its_exit_status(void **state)
{
    (void)state;
    static const int wanted[STATUS_COUNT] = {
        [STATUS_INVALID_ARGUMENT] = 65,  [STATUS_CONFLICT] = 65,
        [STATUS_TOO_LARGE] = 65,         [STATUS_SERVICE_NOT_FOUND] = 69,
        [STATUS_METHOD_NOT_FOUND] = 69,  [STATUS_DEADLINE_EXCEEDED] = 69,
        [STATUS_INTERNAL] = 70,          [STATUS_RATE_LIMITED] = 75,
        [STATUS_OVERLOADED] = 75,        [STATUS_BREAKER_OPEN] = 75,
        [STATUS_OUTCOME_UNKNOWN] = 76,   [STATUS_UNAUTHENTICATED] = 77,
        [STATUS_PERMISSION_DENIED] = 77, [STATUS_SUBSCRIPTION_INSUFFICIENT] = 77,
        [STATUS_TENANT_MISMATCH] = 77,   [STATUS_SUBSCRIPTION_EXPIRED] = 77,
        [STATUS_QUOTA_EXCEEDED] = 77,
    };
    for (int status = 0; status < STATUS_COUNT; status++) {
        char error[80];
        if (!wanted[status])
            continue;
        ends(wanted[status], "farebox call puppet fail '{\"status\":%d}'", status);
        snprintf(error, sizeof error, "farebox: %s: on request", status_text((enum status)status));
        says(error);
    }
}

static void test_ctrl_c_cancels_at_the_service(void **state)
{
    (void)state;
    struct process *call = START(NULL, "farebox", "call", "puppet", "stall");
    sem_wait(&started);
    assert_int_equal(process_stop(call, SIGINT), 130);
    sem_wait(&cancelled);
}

static void test_a_deadline(void **state)
{
    (void)state;
    ends(69, "farebox call puppet stall --timeout 500ms");
    says("deadline_exceeded");
    sem_wait(&started);
    sem_wait(&cancelled);
}

/* ---- events ---- */

static void test_events(void **state)
{
    (void)state;
    char line[512];
    struct process *table = START("farebox: subscribed", "farebox", "sub", "a.*", "--count", "2");
    struct process *json =
        START("{\"note\":\"subscribed\"", "farebox", "-o", "json", "sub", ">", "--count", "3");
    ends(0, "farebox pub a.b '{\"n\":1}'");
    assert_string_equal(output, "");
    ends(0, "farebox pub other '2'; farebox pub a.c");
    assert_true(process_line(table, "a.b", line, sizeof line));
    assert_string_equal(line, "a.b  {\"n\":1}");
    assert_true(process_line(table, "a.c", line, sizeof line));
    assert_string_equal(line, "a.c  {}");
    assert_true(process_line(json, "{\"topic\":\"a.b\",\"payload\":{\"n\":1},\"sequence\":", line,
                             sizeof line));
    assert_non_null(strstr(line, ",\"missed\":0}"));
    assert_true(process_line(json, "{\"topic\":\"other\",\"payload\":2,", line, sizeof line));
    assert_true(process_line(json, "{\"topic\":\"a.c\",", line, sizeof line));
    /* they have ended by themselves: a signal would come too late */
    assert_false(process_line(table, "", line, sizeof line));
    assert_int_equal(process_stop(table, 0), 0);
    assert_false(process_line(json, "", line, sizeof line));
    assert_int_equal(process_stop(json, 0), 0);
}

static void test_a_subscription_ends(void **state)
{
    (void)state;
    struct process *sub = START("farebox: subscribed", "farebox", "sub", ">");
    assert_int_equal(process_stop(sub, SIGINT), 130);
    sub = START("farebox: subscribed", "farebox", "sub", ">");
    assert_int_equal(process_stop(sub, SIGTERM), 130);
    ends(0, "farebox sub quiet --timeout 50ms");
    ends(69, "farebox sub quiet --timeout 50ms --count 2");
    says("only 0 of 2 events");
}

/* The reader leaves after the first line; nothing more is ever published, and yet the pipe ends. */
static void test_a_reader_that_leaves(void **state)
{
    (void)state;
    char line[128];
    struct process *pipe =
        START("farebox: subscribed", "/bin/bash", "-c",
              "{ farebox sub leave; echo \"ended $?\" >&2; } | head -n 1; echo over");
    ends(0, "farebox pub leave 1");
    assert_true(process_line(pipe, "ended", line, sizeof line));
    assert_string_equal(line, "ended 0");
    assert_int_equal(process_stop(pipe, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_a_call_shows_its_reply),
        cmocka_unit_test(test_replies_that_are_not_messagepack),
        cmocka_unit_test(test_parts_come_line_by_line),
        cmocka_unit_test(test_each_outcome_has_its_exit_status),
        cmocka_unit_test(test_ctrl_c_cancels_at_the_service),
        cmocka_unit_test(test_a_deadline),
        cmocka_unit_test(test_a_broker_that_does_not_answer),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_a_subscription_ends),
        cmocka_unit_test(test_a_reader_that_leaves),
    };
    return cmocka_run_group_tests(tests, inspect_set_up, inspect_tear_down);
}
