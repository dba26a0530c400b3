/* Headers: those of requests that make no sense are refused, or as if they were not there; those of
 * responses say which request it was, and whose, before the end of what goes on. */
#include "../testing.h"

#include "front.h"

#include <signal.h>
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

static int ask_as_ann(const char *after_token, const char *headers, const char *body)
{
    char lines[1024];
    struct http http = http_dial(front.port);
    (void)snprintf(lines, sizeof lines, "Authorization: Bearer %s%s\r\n%s", front.ann, after_token,
                   headers);
    http_ask(&http, "POST /v1/call/echo/echo", NULL, lines, body);
    int status = http_answer(&http, front.answer, sizeof front.answer);
    http_hang_up(&http);
    return status;
}

/* RFC 9110, 5.5. */
static void blanks_behind_a_value_are_none_of_it(void **state)
{
    (void)state;
    assert_int_equal(ask_as_ann(" \t ", "X-Timeout-Ms: 5000 \r\nX-Request-Id: mine\t\r\n", "1"),
                     200);
    front_says("X-Request-Id: mine\r\n");
    assert_int_equal(ask_as_ann("", "Idempotency-Key: once \r\n", "1"), 200);
    assert_int_equal(ask_as_ann("", "Idempotency-Key: once\r\n", "1"), 200);
    front_says("Idempotency-Replayed: true\r\n");
}

static void what_is_for_one_is_kept_by_no_cache(void **state)
{
    (void)state;
    assert_int_equal(ask("GET /v1/me", "X-Other: 1"), 200);
    front_says("Cache-Control: no-store\r\n");
    assert_true(front_ask("POST /v1/auth/refresh", NULL, "{\"refresh_token\":\"r\"}") >= 400);
    front_says("Cache-Control: no-store\r\n");
}

static void every_error_says_whether_to_try_again(void **state)
{
    (void)state;
    assert_int_equal(ask("GET /nowhere", "X-Other: 1"), 404);
    front_says("\"retryable\":false");
    assert_int_equal(ask("PUT /livez", "X-Other: 1"), 405);
    front_says("\"retryable\":false");
}

/* Which the service would be blamed for. */
static void a_body_that_is_no_messagepack_is_the_clients_mistake(void **state)
{
    static const char type[] = "Content-Type: application/msgpack\r\n";
    (void)state;
    assert_int_equal(ask_as_ann("", type, "{\"a\":1}"), 400);
    front_says("the body is no MessagePack");
    assert_int_equal(ask_as_ann("", type, "1"), 200);
    front_says("\r\n\r\n49");
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

static void keep_waiting(void *arg, fbx_request *request)
{
    (void)arg;
    atomic_store(&held, request);
}

static bool is_held(void *arg)
{
    (void)arg;
    return atomic_load(&held) != NULL;
}

/* Those are the ones somebody looks for in the logs of the bus. */
static void who_never_hears_from_the_broker_hears_its_name_for_the_request(void **state)
{
    const fbx_service service = {.name = "holder", .handler = keep_waiting, .on_io_thread = true};
    char seen[96];
    fbx_bus *bus = place_connect(front.place, "platform", "holder",
                                 (const char *const[]){"serve:holder", NULL});
    struct http http = http_dial(front.port);
    (void)state;
    atomic_store(&held, NULL);
    assert_int_equal(fbx_serve(bus, &service), 0);
    http_ask(&http, "POST /v1/call/holder/hold", front.ann, "X-Timeout-Ms: 1000\r\n", "1");
    assert_true(eventually(is_held, NULL));
    (void)snprintf(seen, sizeof seen, "X-Request-Id: %s\r\n", fbx_request_id(atomic_load(&held)));
    (void)place_stop_broker(front.place, SIGKILL);
    assert_true(http_answer(&http, front.answer, sizeof front.answer) >= 500);
    front_says(seen);
    http_hang_up(&http);
    fbx_respond(atomic_load(&held), (fbx_bytes){"\xc0", 1}, NULL);
    fbx_close(bus);
    front_start_broker();
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
        TEST(blanks_behind_a_value_are_none_of_it),
        TEST(what_is_for_one_is_kept_by_no_cache),
        TEST(every_error_says_whether_to_try_again),
        TEST(a_body_that_is_no_messagepack_is_the_clients_mistake),
        TEST(a_streamed_reply_has_the_headers_of_any_other),
        TEST(what_the_broker_only_accepts_has_a_name_too),
        TEST(who_never_hears_from_the_broker_hears_its_name_for_the_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
