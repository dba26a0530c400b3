/* Headers: those of requests that make no sense are refused, or as if they were not there; those of
 * responses say which request it was, and whose, before the end of what goes on. */
#include "../testing.h"

#include "front.h"

#include <stdatomic.h>
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

static fbx_request *_Atomic held;

/* One part, and no reply yet. */
static void hold(void *arg, fbx_request *request)
{
    (void)arg;
    atomic_store(&held, request);
    (void)fbx_send_part(request, (fbx_bytes){"\xc0", 1});
}

static void says_the_terms(void)
{
    front_says("X-Tenant-Id: acme\r\n");
    front_says("X-Subscription-Tier: trial\r\n");
    front_says("RateLimit-Policy: \"minute\";q=100;w=60, \"month\";q=5000\r\n");
    front_says("RateLimit: \"minute\";r=");
    front_says("X-RateLimit-Limit: 100\r\n");
    front_says("X-RateLimit-Remaining: ");
    front_says("X-Quota-Limit: 5000\r\n");
    front_says("X-Quota-Remaining: 499");
}

/* While its reply is still to come. */
static void a_streamed_reply_has_the_headers_of_any_other(void **state)
{
    static const char *const accepted[] = {"application/x-ndjson", "text/event-stream"};
    static const char *const last[] = {"{\"reply\":null}", "event: reply"};
    const fbx_service service = {.name = "holder", .handler = hold, .on_io_thread = true};
    fbx_bus *bus = place_connect(front.place, "platform", "holder",
                                 (const char *const[]){"serve:holder", NULL});
    char line[256];
    (void)state;
    assert_int_equal(fbx_serve(bus, &service), 0);
    assert_int_equal(ask("POST /v1/call/echo/echo", "X-Request-Id: mine"), 200);
    front_says("X-Request-Id: mine\r\n");
    says_the_terms();
    for (size_t i = 0; i < 2; i++) {
        struct http http = http_dial(front.port);
        (void)snprintf(line, sizeof line, "Accept: %s\r\nX-Request-Id: mine\r\n", accepted[i]);
        http_ask(&http, "POST /v1/call/holder/hold", front.ann, line, "1");
        assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 200);
        front_says("X-Request-Id: mine\r\n");
        front_says("Cache-Control: no-store\r\n");
        says_the_terms();
        fbx_respond(atomic_load(&held), (fbx_bytes){"\xc0", 1}, NULL);
        assert_true(http_line(&http, last[i], line, sizeof line));
        http_hang_up(&http);
    }
    fbx_close(bus);
}

/* How long the request's name in the last answer is. */
static size_t name_len(void)
{
    static const char header[] = "\r\nX-Request-Id: ";
    const char *name = strstr(front.answer, header);
    return name ? strcspn(name + strlen(header), "\r") : 0;
}

static void what_the_broker_only_accepts_has_a_name_too(void **state)
{
    (void)state;
    assert_int_equal(ask("POST /v1/publish/a", "X-Request-Id: mine"), 202);
    front_says("X-Request-Id: mine\r\n");
    assert_int_equal(ask("POST /v1/publish/a", "X-Request-Id: no name"), 202);
    assert_int_equal(name_len(), 20);
    assert_int_equal(ask("GET /v1/subscribe?topic=a", "X-Request-Id: mine"), 200);
    front_says("X-Request-Id: mine\r\n");
    assert_int_equal(ask("GET /v1/subscribe?topic=a", "X-Other: 1"), 200);
    assert_int_equal(name_len(), 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, front_open, front_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_deadline_is_a_number_of_milliseconds),
        TEST(a_trace_that_is_none_is_dropped),
        TEST(a_streamed_reply_has_the_headers_of_any_other),
        TEST(what_the_broker_only_accepts_has_a_name_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
