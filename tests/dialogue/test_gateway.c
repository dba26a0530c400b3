/* The gateway, from outside: a broker, its echo service, and clients that speak HTTP. */
#include "../testing.h"

#include "front.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void a_call_is_json_both_ways(void **state)
{
    (void)state;
    assert_int_equal(front_ask("POST /v1/call/echo/echo", front.ann, "{\"a\":[1,2.5,\"x\"]}"), 200);
    front_says("\r\n\r\n{\"a\":[1,2.5,\"x\"]}");
    front_says("X-Tenant-Id: acme\r\n");
    front_says("X-Subscription-Tier: trial\r\n");
    front_says("RateLimit-Policy: \"minute\";q=100;w=60, \"month\";q=5000\r\n");
    front_says("RateLimit: \"minute\";r=9, \"month\";r=4999;t=");
    front_says("X-RateLimit-Remaining: 9\r\n");
    assert_int_equal(front_ask("PUT /api/notes/n%207?draft=true", front.ann, "{\"b\":1}"), 200);
    front_says("\r\n\r\n{\"id\":\"n 7\",\"draft\":true,\"text\":{\"b\":1}}");
    assert_int_equal(front_ask("GET /v1/me", front.ann, NULL), 200);
    front_says("\"user\":\"ann\"");
}

static int ask_with(const char *request, const char *token, const char *header)
{
    struct http http = http_dial(front.port);
    http_ask(&http, request, token, header, "1");
    int status = http_answer(&http, front.answer, sizeof front.answer);
    http_hang_up(&http);
    return status;
}

#define TRACE "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"

/* To the broker a frame with text that is not UTF-8 is none: it would end the session that
 * everybody shares. */
static void text_that_is_not_utf_8_does_not_leave(void **state)
{
    static const char *const headers[] = {
        (TRACE "tracestate: \xc0\xaf\r\n"),
        "Idempotency-Key: \xff\r\n",
        "Content-Type: text/\xff\r\n",
    };
    static const char *const requests[] = {"POST /v1/call/echo/%ff", "POST /v1/call/%ed%a0%80/echo",
                                           "POST /v1/publish/%ff", "GET /v1/subscribe?topic=%ff"};
    struct http slow = http_dial(front.port);
    (void)state;
    http_ask(&slow, "POST /v1/call/echo/sleep", front.ann, "", "{\"ms\":500}");
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        assert_int_equal(ask_with("POST /v1/call/echo/echo", front.ann, headers[i]), 400);
    assert_int_equal(ask_with("POST /v1/auth/login", NULL, headers[0]), 400);
    assert_int_equal(ask_with("GET /v1/me", "no.token.none", headers[0]), 400);
    assert_int_equal(ask_with("POST /v1/call/echo/echo", front.ann, "X-Request-Id: \xff\r\n"), 200);
    assert_int_equal(ask_with("POST /v1/publish/a", front.ann, "X-Event-Id: \xff\r\n"), 400);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        assert_int_equal(front_ask(requests[i], "no.token.none", NULL), 400);
    assert_int_equal(http_answer(&slow, front.answer, sizeof front.answer), 200);
    http_hang_up(&slow);
}

#define FULL_PATH "/full/{p1}/{p2}/{p3}/{p4}/{p5}/{p6}/{p7}/{p8}"
#define FULL_QUERY "q1,q2,q3,q4,q5,q6,q7,q8,q9,q10,q11,q12,q13,q14,q15,q16"

static int open_full(void **state)
{
    (void)state;
    front_open_with((const char *const[]){
        "--route", "PUT " FULL_PATH " echo.echo query=" FULL_QUERY " body=text", NULL});
    return 0;
}

/* As many as a line may name. */
static void each_argument_has_its_place(void **state)
{
    (void)state;
    assert_int_equal(front_ask("PUT /full/1/2/3/4/5/6/7/8?q1=1&q2=2&q3=3&q4=4&q5=5&q6=6&q7=7&q8=8"
                               "&q9=9&q10=10&q11=11&q12=12&q13=13&q14=14&q15=15&q16=16",
                               front.ann, "\"body\""),
                     200);
    front_says("\"p8\":\"8\",\"q1\":\"1\"");
    front_says("\"q16\":\"16\",\"text\":\"body\"}");
}

static void a_refusal_is_a_problem(void **state)
{
    (void)state;
    assert_int_equal(front_ask("POST /v1/call/echo/echo", NULL, "1"), 401);
    front_says("Content-Type: application/problem+json\r\n");
    front_says("WWW-Authenticate: Bearer\r\n");
    assert_int_equal(front_ask("POST /v1/call/echo/echo", "e30.e30.e30", "1"), 401);
    front_says("\"code\":\"unauthenticated\"");
    assert_int_equal(front_ask("POST /v1/call/ghost/get", front.ann, "1"), 404);
    front_says("\"code\":\"service_not_found\"");
    assert_int_equal(front_ask("POST /v1/call/echo/echo", front.ann, "{\"a\""), 400);
    assert_int_equal(front_ask("POST /v1/call/echo%2fecho/x", front.ann, "1"), 400);
    assert_int_equal(front_ask("GET /v1/call/echo/echo", front.ann, NULL), 405);
    front_says("\r\nAllow: POST\r\n");
    assert_int_equal(front_ask("GET /nowhere", front.ann, NULL), 404);
    front_says("Cache-Control: no-store\r\n");
    assert_int_equal(front_ask("PUT /api/notes/1?daft=true", front.ann, "1"), 400);
    assert_int_equal(front_ask("PUT /api/notes/1", front.ann, "{\"a\""), 400);
    front_says("\"code\":\"invalid_argument\"");
    for (int n = 0; n < 10; n++)
        (void)front_ask("POST /v1/call/echo/echo", front.ann, "1");
    assert_int_equal(front_ask("POST /v1/call/echo/echo", front.ann, "1"), 429);
    front_says("Retry-After: 1\r\n");
    front_says("RateLimit: \"minute\";r=0;t=1, \"month\";r=");
    front_says("X-RateLimit-Reset: 1\r\n");
    front_says("\"code\":\"rate_limited\"");
}

/* Whoever is told to come back is told when, also if the service that says so does not know. */
static void who_shall_come_back_hears_when(void **state)
{
    static const char *const bodies[] = {"{\"status\":\"unavailable\"}",
                                         "{\"status\":\"overloaded\"}",
                                         "{\"status\":\"rate_limited\"}"};
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        (void)front_ask("POST /v1/call/echo/fail", front.ann, bodies[i]);
        front_says("\r\nRetry-After: 1\r\n");
    }
    assert_int_equal(front_ask("POST /v1/call/echo/fail", front.ann, "{\"status\":\"conflict\"}"),
                     409);
    assert_null(strstr(front.answer, "Retry-After"));
}

/* What no browser sends would be granted to nobody, silently. */
static void an_origin_is_one_as_browsers_write_it(void **state)
{
    static const char *const origins[] = {"*", "https://a.example/", "app.example",
                                          "https://A.example", "https://a.example"};
    char *token = place_token_file(front.place, "acme", "origins", (const char *const[]){NULL});
    char out[1024];
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        const char *argv[] = {"farebox-gateway", "--check-config", "--url",
                              front.place->url,  "--token-file",   token,
                              "--cors-origin",   origins[i],       NULL};
        assert_int_equal(place_run(front.place, out, sizeof out, argv), i == 4 ? 0 : 78);
    }
    free(token);
}

static void only_pages_of_named_origins_may_read(void **state)
{
    struct http http = http_dial(front.port);
    (void)state;
    http_ask(&http, "POST /v1/call/echo/echo", front.ann, "Origin: https://app.example.com\r\n",
             "1");
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 200);
    front_says("Access-Control-Allow-Origin: https://app.example.com\r\n");
    front_says(", X-Quota-Limit, X-Quota-Remaining, Idempotency-Replayed, traceparent\r\n");
    static const char *const others[] = {"https://app.example.com.evil.example", "null",
                                         "http://app.example.com"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char header[128];
        snprintf(header, sizeof header, "Origin: %s\r\n", others[i]);
        http_ask(&http, "POST /v1/call/echo/echo", front.ann, header, "1");
        assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 200);
        assert_null(strstr(front.answer, "Access-Control-Allow"));
        http_ask(&http, "OPTIONS /v1/call/echo/echo", NULL, header, NULL);
        (void)http_answer(&http, front.answer, sizeof front.answer);
        assert_null(strstr(front.answer, "Access-Control-Allow"));
        snprintf(header, sizeof header, "Origin: %s\r\nAccess-Control-Request-Method: POST\r\n",
                 others[i]);
        http_ask(&http, "OPTIONS /v1/call/echo/echo", NULL, header, NULL);
        (void)http_answer(&http, front.answer, sizeof front.answer);
        assert_null(strstr(front.answer, "Access-Control-Allow"));
    }
    http_hang_up(&http);
}

/* A page of another site can make a browser send the cookie, and the browser says so. Who says
 * nothing is a program, which nobody makes send anything. */
static void a_cookie_counts_for_our_own_pages(void **state)
{
    static const struct {
        const char *says;
        int status;
    } rows[] = {
        {"Sec-Fetch-Site: cross-site\r\n", 401},
        {"Origin: https://evil.example\r\n", 401},
        {"Origin: null\r\n", 401},
        {"Sec-Fetch-Site: same-origin\r\n", 200},
        {"", 200},
    };
    char headers[4096];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http http = http_dial(front.port);
        snprintf(headers, sizeof headers, "Cookie: farebox_token=%s\r\n%s", front.ann,
                 rows[i].says);
        http_ask(&http, "POST /v1/call/echo/echo", NULL, headers, "1");
        assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), rows[i].status);
        http_hang_up(&http);
    }
}

/* Otherwise it could log a browser in as somebody else, who then sees what is done there. */
static void a_page_of_another_site_sets_no_cookies(void **state)
{
    static const char *const headers[] = {
        "Sec-Fetch-Site: cross-site\r\n", "Sec-Fetch-Site: same-site\r\n",
        "Origin: https://evil.example\r\nContent-Type: text/plain\r\n"};
    static const char body[] =
        "{\"tenant\":\"acme\",\"user\":\"eve\",\"password\":\"x\",\"cookie\":true}";
    (void)state;
    for (size_t i = 0; i <= sizeof headers / sizeof *headers; i++) {
        bool ours = i == sizeof headers / sizeof *headers;
        struct http http = http_dial(front.port);
        http_ask(&http, "POST /v1/auth/login", NULL,
                 ours ? "Sec-Fetch-Site: same-origin\r\n" : headers[i], body);
        /* 404: nobody serves logins here, and nobody was asked before */
        assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), ours ? 404 : 403);
        assert_null(strstr(front.answer, "Set-Cookie"));
        http_ask(&http, "POST /v1/auth/logout", NULL, ours ? "" : headers[i], "{}");
        assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 401);
        assert_true(ours == (strstr(front.answer, "Set-Cookie") != NULL));
        http_hang_up(&http);
    }
}

static void a_streamed_reply_comes_in_parts(void **state)
{
    struct http http = http_dial(front.port);
    char line[256];
    (void)state;
    http_ask(&http, "POST /v1/call/echo/stream", front.ann, "Accept: application/x-ndjson\r\n",
             "{\"count\":2}");
    assert_true(http_line(&http, "{\"part\":{\"index\":0}}", line, sizeof line));
    assert_true(http_line(&http, "{\"part\":{\"index\":1}}", line, sizeof line));
    assert_true(http_line(&http, "{\"reply\":{\"count\":2}}", line, sizeof line));
    http_hang_up(&http);
}

/* It is of the dashboard's origin, where a script of it could do what the dashboard's may. */
static void what_a_service_says_is_no_page_of_ours(void **state)
{
    struct http http = http_dial(front.port);
    (void)state;
    http_ask(&http, "POST /v1/call/echo/echo", front.ann, "Content-Type: text/html\r\n",
             "<script>1</script>");
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 200);
    front_says("Content-Type: text/html\r\n");
    front_says("X-Content-Type-Options: nosniff\r\n");
    front_says("Content-Security-Policy: sandbox\r\n");
    http_hang_up(&http);
}

static void forge(void *arg, fbx_request *request)
{
    static const char text[] = "1\n\nevent: reply\ndata: \"forged\"\n\n";
    (void)arg;
    (void)fbx_send_part(request, (fbx_bytes){"\xc0", 1});
    fbx_respond(request, (fbx_bytes){text, strlen(text)}, "text/plain");
}

/* Whatever a service replies is one event, or one line. */
static void a_streamed_reply_of_another_type_is_text(void **state)
{
    const fbx_service service = {.name = "forger", .handler = forge};
    fbx_bus *bus = place_connect(front.place, "platform", "forger",
                                 (const char *const[]){"serve:forger", NULL});
    struct http http = http_dial(front.port);
    char line[256];
    (void)state;
    assert_int_equal(fbx_serve(bus, &service), 0);
    http_ask(&http, "POST /v1/call/forger/forge", front.ann, "Accept: text/event-stream\r\n", "1");
    assert_true(http_line(&http, "data: null", line, sizeof line));
    assert_true(http_line(&http, "event: reply", line, sizeof line));
    assert_true(http_line(&http, "data: ", line, sizeof line));
    assert_string_equal(line, "data: \"MQoKZXZlbnQ6IHJlcGx5CmRhdGE6ICJmb3JnZWQiCgo=\"");
    http_hang_up(&http);
    fbx_close(bus);
}

/* Whoever comes back with the last id it saw hears what it has missed. */
static void events_are_resumed(void **state)
{
    struct http http = http_dial(front.port);
    char line[256], last[300];
    (void)state;
    http_ask(&http, "GET /v1/subscribe?topic=orders.%3E", front.ann, "", NULL);
    assert_true(http_line(&http, "data: {\"resumed\":false}", line, sizeof line));
    assert_int_equal(front_ask("POST /v1/publish/orders.new", front.ann, "{\"n\":1}"), 202);
    assert_true(http_line(&http, "id: ", line, sizeof line));
    snprintf(last, sizeof last, "Last-Event-ID: %.*s\r\n", (int)strcspn(line + 4, "\r"), line + 4);
    assert_true(http_line(&http, "data: ", line, sizeof line));
    assert_non_null(strstr(line, "\"payload\":{\"n\":1}"));
    http_hang_up(&http);
    assert_int_equal(front_ask("POST /v1/publish/orders.new", front.ann, "{\"n\":2}"), 202);
    http = http_dial(front.port);
    http_ask(&http, "GET /v1/subscribe?topic=orders.%3E", front.ann, last, NULL);
    assert_true(http_line(&http, "data: {\"resumed\":true}", line, sizeof line));
    assert_true(http_line(&http, "data: ", line, sizeof line));
    assert_non_null(strstr(line, "\"payload\":{\"n\":2}"));
    http_hang_up(&http);
}

static void an_event_without_a_body_says_null(void **state)
{
    struct http http = http_dial(front.port);
    char line[256];
    (void)state;
    http_ask(&http, "GET /v1/subscribe?topic=orders.%3E", front.ann, "", NULL);
    assert_true(http_line(&http, "event: ready", line, sizeof line));
    assert_true(http_line(&http, "data: ", line, sizeof line));
    assert_int_equal(front_ask("POST /v1/publish/orders.new", front.ann, ""), 202);
    assert_true(http_line(&http, "data: ", line, sizeof line));
    assert_non_null(strstr(line, "\"payload\":null"));
    assert_int_equal(front_ask("POST /v1/publish/orders.new", front.ann, " "), 400);
    http_hang_up(&http);
}

/* The broker's word on how many calls are under way, the one that asks among them. */
static bool says_pending(void *line)
{
    char *root = place_token(front.place, "acme", "root", "trial",
                             (const char *const[]){"admin:stats", NULL});
    int status = front_ask("GET /metrics", root, NULL);
    free(root);
    return status == 200 && strstr(front.answer, line);
}

static char one_besides[] = "\nfarebox_calls_pending 2\n";
static char none_besides[] = "\nfarebox_calls_pending 1\n";

static void whoever_hangs_up_ends_the_call(void **state)
{
    struct http http = http_dial(front.port);
    (void)state;
    http_ask(&http, "POST /v1/call/echo/sleep", front.ann, "", "{\"ms\":60000}");
    assert_true(eventually(says_pending, one_besides));
    http_hang_up(&http);
    assert_true(eventually(says_pending, none_besides));
}

static int open_patient(void **state)
{
    (void)state;
    front_open_with(
        (const char *const[]){"--header-timeout-ms", "60000", "--body-timeout-ms", "60000", NULL});
    return 0;
}

/* The end comes with the last bytes, and not with the connection. */
static struct http said_at_last(const char *text)
{
    struct http http = http_dial(front.port);
    size_t len = strlen(text);
    http_ask(&http, "GET /livez", NULL, "", NULL);
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 200);
    assert_int_equal(send(http.fd, text, len, MSG_NOSIGNAL | MSG_MORE), (ssize_t)len);
    assert_int_equal(shutdown(http.fd, SHUT_WR), 0);
    return http;
}

static char two_left[] = "\nfarebox_gateway_responses_total{status=\"499\"} 2\n";

static void half_a_request_ends_with_its_client(void **state)
{
    static const char *const halves[] = {
        "POST /v1/call/echo/echo HTTP/1.1\r\nHost: gateway\r\nContent-Length: 9\r\n\r\n\"1",
        ("POST /v1/call/echo/echo HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n"
         "9\r\n\"1\"      \r\n0"),
        "GET /livez HTTP/1.1\r\nHost: gateway\r\nX",
    };
    char line[8];
    (void)state;
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        struct http http = said_at_last(halves[i]);
        assert_false(http_line(&http, "HTTP/", line, sizeof line));
        http_hang_up(&http);
    }
    assert_true(eventually(says_pending, two_left));
}

/* Heads and a body are more than libmicrohttpd takes at a time: the end is none while some of them
 * are still to be read. */
static void whole_requests_before_an_end_are_answered(void **state)
{
    enum { MANY = 10, HEAD = 6000, BODY = 100000 };
    struct buf text = {0};
    char line[8];
    (void)state;
    for (int i = 0; i < MANY; i++)
        buf_printf(&text, "GET /livez HTTP/1.1\r\nHost: gateway\r\nX: %0*d\r\n\r\n", HEAD, i);
    buf_printf(&text, "PUT /nowhere HTTP/1.1\r\nHost: gateway\r\nContent-Length: %d\r\n\r\n%0*d",
               BODY, BODY, 0);
    buf_append(&text, "", 1);
    struct http http = said_at_last((const char *)text.data);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 200);
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 404);
    assert_false(http_line(&http, "HTTP/", line, sizeof line));
    http_hang_up(&http);
    buf_finish(&text);
}

/* Who is connected when the gateway stops hears to go elsewhere. */
static void while_it_stops_connections_end(void **state)
{
    struct http stream = http_dial(front.port), kept = http_dial(front.port),
                late = http_dial(front.port), slow = http_dial(front.port);
    char line[1024];
    (void)state;
    http_ask(&stream, "GET /v1/subscribe?topic=orders.%3E", front.ann, "", NULL);
    assert_true(http_line(&stream, "data: {\"resumed\":false}", line, sizeof line));
    http_ask(&kept, "GET /livez", NULL, "", NULL);
    assert_int_equal(http_answer(&kept, front.answer, sizeof front.answer), 200);
    assert_null(strstr(front.answer, "Connection: close\r\n"));
    http_ask(&late, "GET /livez", NULL, "", NULL);
    assert_int_equal(http_answer(&late, front.answer, sizeof front.answer), 200);
    http_ask(&slow, "POST /v1/call/echo/sleep", front.ann, "", "{\"ms\":60000}");
    assert_true(eventually(says_pending, one_besides));
    assert_int_equal(kill(front.gateway->pid, SIGTERM), 0);
    assert_true(http_line(&stream, "0\r", line, sizeof line)); /* the last chunk */
    http_ask(&kept, "GET /livez", NULL, "", NULL);
    assert_int_equal(http_answer(&kept, front.answer, sizeof front.answer), 200);
    front_says("Connection: close\r\n");
    assert_false(http_line(&kept, "HTTP/", line, sizeof line));
    http_ask(&late, "GET /v1/subscribe?topic=orders.%3E", front.ann, "", NULL);
    assert_int_equal(http_answer(&late, front.answer, sizeof front.answer), 503);
    assert_false(http_line(&late, "HTTP/", line, sizeof line));
    http_hang_up(&slow);
    assert_int_equal(process_stop(front.gateway, SIGTERM), 0);
    http_hang_up(&late);
    http_hang_up(&kept);
    http_hang_up(&stream);
}

static bool is_back(void *arg)
{
    (void)arg;
    return front_ask("POST /v1/call/echo/echo", front.ann, "1") == 200;
}

static bool is_away(void *arg)
{
    (void)arg;
    return front_ask("GET /readyz", NULL, NULL) == 503;
}

static void without_a_broker_it_says_so_at_once(void **state)
{
    (void)state;
    assert_int_equal(front_ask("GET /readyz", NULL, NULL), 200);
    (void)place_stop_broker(front.place, SIGKILL);
    assert_true(eventually(is_away, NULL));
    assert_int_equal(front_ask("POST /v1/call/echo/echo", front.ann, "1"), 503);
    front_says("Retry-After: ");
    assert_int_equal(front_ask("GET /livez", NULL, NULL), 200);
    front_start_broker();
    assert_true(eventually(is_back, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, front_open, front_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_json_both_ways),
        cmocka_unit_test_setup_teardown(each_argument_has_its_place, open_full, front_close),
        TEST(text_that_is_not_utf_8_does_not_leave),
        TEST(a_refusal_is_a_problem),
        TEST(who_shall_come_back_hears_when),
        TEST(an_origin_is_one_as_browsers_write_it),
        TEST(only_pages_of_named_origins_may_read),
        TEST(a_cookie_counts_for_our_own_pages),
        TEST(a_page_of_another_site_sets_no_cookies),
        TEST(what_a_service_says_is_no_page_of_ours),
        TEST(a_streamed_reply_comes_in_parts),
        TEST(a_streamed_reply_of_another_type_is_text),
        TEST(events_are_resumed),
        TEST(an_event_without_a_body_says_null),
        TEST(whoever_hangs_up_ends_the_call),
        cmocka_unit_test_setup_teardown(half_a_request_ends_with_its_client, open_patient,
                                        front_close),
        cmocka_unit_test_setup_teardown(whole_requests_before_an_end_are_answered, open_patient,
                                        front_close),
        TEST(while_it_stops_connections_end),
        TEST(without_a_broker_it_says_so_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
