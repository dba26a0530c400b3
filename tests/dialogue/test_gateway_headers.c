/* Headers of requests that make no sense: refused, or as if they were not there. */
#include "../testing.h"

#include "front.h"

#include <stdio.h>
#include <string.h>

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static int ask(const char *request, const char *header)
{
    char line[512];
    struct http http = http_dial(front.port);
    (void)snprintf(line, sizeof line, "%s\r\n", header);
    http_ask(&http, request, front.ann, line, strncmp(request, "POST", 4) == 0 ? "1" : NULL);
    int status = http_answer(&http, front.answer, sizeof front.answer);
    http_hang_up(&http);
    return status;
}

static void a_deadline_is_a_number_of_milliseconds(void **state)
{
    static const char *const wrong[] = {"0", "-1", "abc", "1s", "1.5", "+1", "4294967296"};
    static const char *const requests[] = {"POST /v1/call/echo/echo", "POST /v1/publish/a",
                                           "GET /v1/subscribe?topic=a"};
    char header[64];
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        (void)snprintf(header, sizeof header, "X-Timeout-Ms: %s", wrong[i]);
        assert_int_equal(ask(requests[i % 3], header), 400);
        front_says("X-Timeout-Ms");
    }
    assert_int_equal(ask(requests[0], "X-Timeout-Ms: 5000"), 200);
    assert_int_equal(ask(requests[1], "X-Timeout-Ms: 4294967295"), 202);
}

static void a_trace_that_is_none_is_dropped(void **state)
{
    (void)state;
    assert_int_equal(ask("POST /v1/call/echo/echo", "traceparent: " TRACE), 200);
    front_says("traceparent: " TRACE "\r\n");
    assert_int_equal(ask("POST /v1/call/echo/echo", "traceparent: zz"), 200);
    assert_null(strstr(front.answer, "traceparent"));
    assert_int_equal(ask("GET /livez", "traceparent: zz"), 200);
    assert_null(strstr(front.answer, "traceparent"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, front_open, front_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_deadline_is_a_number_of_milliseconds),
        TEST(a_trace_that_is_none_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
