/* The gateway, from outside: a broker, its echo service, and clients that speak HTTP. */
#include "../testing.h"

#include "harness.h"
#include "http.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct place *place;
static struct process *gateway, *host;
static int port;
static char *ann, answer[65536];

static void start_host(void)
{
    char echo[256];
    build_path(echo, sizeof echo, "lib/farebox/echo.so");
    char *token =
        place_token_file(place, "platform", "host", (const char *const[]){"serve:*", NULL});
    host = place_start(place, "farebox-host ready",
                       (const char *const[]){"farebox-host", "--url", place->url, "--token-file",
                                             token, echo, NULL});
    free(token);
}

static void start_gateway(void)
{
    char listen[32];
    char *token = place_token_file(place, "platform", "gateway", (const char *const[]){NULL});
    port = free_port();
    snprintf(listen, sizeof listen, "127.0.0.1:%d", port);
    gateway =
        place_start(place, "farebox-gateway ready",
                    (const char *const[]){
                        "farebox-gateway", "--url", place->url, "--token-file", token, "--listen",
                        listen, "--cors-origin", "https://app.example.com", "--route",
                        "PUT /api/notes/{id} echo.echo query=draft:bool body=text", NULL});
    free(token);
}

static void start_broker(void)
{
    place_start_broker(place, (const char *const[]){"--grace-ms", "300", "--tier",
                                                    "trial per-minute=100 burst=10", NULL});
}

static int open_place(void **state)
{
    (void)state;
    place = place_create();
    start_broker();
    start_host();
    start_gateway();
    ann = place_token(place, "acme", "ann", "trial",
                      (const char *const[]){"call:*", "publish:>", "subscribe:>", NULL});
    return 0;
}

static int close_place(void **state)
{
    (void)state;
    free(ann);
    place_destroy(place);
    return 0;
}

static int ask(const char *request, const char *token, const char *body)
{
    return http_once(port, request, token, body, answer, sizeof answer);
}

static void says(const char *text)
{
    if (!strstr(answer, text))
        fail_msg("no \"%s\" in: %s", text, answer);
}

static void a_call_is_json_both_ways(void **state)
{
    (void)state;
    assert_int_equal(ask("POST /v1/call/echo/echo", ann, "{\"a\":[1,2.5,\"x\"]}"), 200);
    says("\r\n\r\n{\"a\":[1,2.5,\"x\"]}");
    says("X-Tenant-Id: acme\r\n");
    says("X-Subscription-Tier: trial\r\n");
    says("RateLimit-Policy: \"minute\";q=100;w=60\r\n");
    says("X-RateLimit-Remaining: 9\r\n");
    assert_int_equal(ask("PUT /api/notes/n%207?draft=true", ann, "{\"b\":1}"), 200);
    says("\r\n\r\n{\"id\":\"n 7\",\"draft\":true,\"text\":{\"b\":1}}");
    assert_int_equal(ask("GET /v1/me", ann, NULL), 200);
    says("\"user\":\"ann\"");
}

static void a_refusal_is_a_problem(void **state)
{
    (void)state;
    assert_int_equal(ask("POST /v1/call/echo/echo", NULL, "1"), 401);
    says("Content-Type: application/problem+json\r\n");
    assert_int_equal(ask("POST /v1/call/echo/echo", "e30.e30.e30", "1"), 401);
    says("\"code\":\"unauthenticated\"");
    assert_int_equal(ask("POST /v1/call/ghost/get", ann, "1"), 404);
    says("\"code\":\"service_not_found\"");
    assert_int_equal(ask("POST /v1/call/echo/echo", ann, "{\"a\""), 400);
    assert_int_equal(ask("POST /v1/call/echo%2fecho/x", ann, "1"), 400);
    assert_int_equal(ask("GET /v1/call/echo/echo", ann, NULL), 405);
    assert_int_equal(ask("GET /nowhere", ann, NULL), 404);
    assert_int_equal(ask("PUT /api/notes/1?daft=true", ann, "1"), 400);
    for (int n = 0; n < 10; n++)
        (void)ask("POST /v1/call/echo/echo", ann, "1");
    assert_int_equal(ask("POST /v1/call/echo/echo", ann, "1"), 429);
    says("Retry-After: 1\r\n");
    says("\"code\":\"rate_limited\"");
}

static void only_pages_of_named_origins_may_read(void **state)
{
    struct http http = http_dial(port);
    (void)state;
    http_ask(&http, "POST /v1/call/echo/echo", ann, "Origin: https://app.example.com\r\n", "1");
    assert_int_equal(http_answer(&http, answer, sizeof answer), 200);
    says("Access-Control-Allow-Origin: https://app.example.com\r\n");
    static const char *const others[] = {"https://app.example.com.evil.example", "null",
                                         "http://app.example.com"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char header[128];
        snprintf(header, sizeof header, "Origin: %s\r\n", others[i]);
        http_ask(&http, "POST /v1/call/echo/echo", ann, header, "1");
        assert_int_equal(http_answer(&http, answer, sizeof answer), 200);
        assert_null(strstr(answer, "Access-Control-Allow"));
    }
    http_hang_up(&http);
}

/* A page of another site can make a browser send the cookie, and says so. */
static void a_cookie_counts_for_our_own_pages(void **state)
{
    static const char *const theirs[] = {"Sec-Fetch-Site: cross-site\r\n",
                                         "Origin: https://evil.example\r\n", "Origin: null\r\n"};
    char headers[4096];
    (void)state;
    for (size_t i = 0; i <= sizeof theirs / sizeof *theirs; i++) {
        bool ours = i == sizeof theirs / sizeof *theirs;
        struct http http = http_dial(port);
        snprintf(headers, sizeof headers, "Cookie: farebox_token=%s\r\n%s", ann,
                 ours ? "Sec-Fetch-Site: same-origin\r\n" : theirs[i]);
        http_ask(&http, "POST /v1/call/echo/echo", NULL, headers, "1");
        assert_int_equal(http_answer(&http, answer, sizeof answer), ours ? 200 : 401);
        http_hang_up(&http);
    }
}

static void a_streamed_reply_comes_in_parts(void **state)
{
    struct http http = http_dial(port);
    char line[256];
    (void)state;
    http_ask(&http, "POST /v1/call/echo/stream", ann, "Accept: application/x-ndjson\r\n",
             "{\"count\":2}");
    assert_true(http_line(&http, "{\"part\":{\"index\":0}}", line, sizeof line));
    assert_true(http_line(&http, "{\"part\":{\"index\":1}}", line, sizeof line));
    assert_true(http_line(&http, "{\"reply\":{\"count\":2}}", line, sizeof line));
    http_hang_up(&http);
}

/* Whoever comes back with the last id it saw hears what it has missed. */
static void events_are_resumed(void **state)
{
    struct http http = http_dial(port);
    char line[256], last[300];
    (void)state;
    http_ask(&http, "GET /v1/subscribe?topic=orders.%3E", ann, "", NULL);
    assert_true(http_line(&http, "data: {\"resumed\":false}", line, sizeof line));
    assert_int_equal(ask("POST /v1/publish/orders.new", ann, "{\"n\":1}"), 202);
    assert_true(http_line(&http, "id: ", line, sizeof line));
    snprintf(last, sizeof last, "Last-Event-ID: %.*s\r\n", (int)strcspn(line + 4, "\r"), line + 4);
    assert_true(http_line(&http, "data: ", line, sizeof line));
    assert_non_null(strstr(line, "\"payload\":{\"n\":1}"));
    http_hang_up(&http);
    assert_int_equal(ask("POST /v1/publish/orders.new", ann, "{\"n\":2}"), 202);
    http = http_dial(port);
    http_ask(&http, "GET /v1/subscribe?topic=orders.%3E", ann, last, NULL);
    assert_true(http_line(&http, "data: {\"resumed\":true}", line, sizeof line));
    assert_true(http_line(&http, "data: ", line, sizeof line));
    assert_non_null(strstr(line, "\"payload\":{\"n\":2}"));
    http_hang_up(&http);
}

/* The service hears that nobody waits any more. */
static void whoever_hangs_up_ends_the_call(void **state)
{
    struct http http = http_dial(port);
    (void)state;
    http_ask(&http, "POST /v1/call/echo/sleep", ann, "", "{\"ms\":60000}");
    http_hang_up(&http);
    assert_int_equal(process_stop(gateway, SIGTERM), 0); /* which waits for what is under way */
}

static bool is_back(void *arg)
{
    (void)arg;
    return ask("POST /v1/call/echo/echo", ann, "1") == 200;
}

static bool is_away(void *arg)
{
    (void)arg;
    return ask("GET /readyz", NULL, NULL) == 503;
}

static void without_a_broker_it_says_so_at_once(void **state)
{
    (void)state;
    assert_int_equal(ask("GET /readyz", NULL, NULL), 200);
    (void)place_stop_broker(place, SIGKILL);
    assert_true(eventually(is_away, NULL));
    assert_int_equal(ask("POST /v1/call/echo/echo", ann, "1"), 503);
    says("Retry-After: ");
    assert_int_equal(ask("GET /livez", NULL, NULL), 200);
    start_broker();
    assert_true(eventually(is_back, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_place, close_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_json_both_ways),
        TEST(a_refusal_is_a_problem),
        TEST(only_pages_of_named_origins_may_read),
        TEST(a_cookie_counts_for_our_own_pages),
        TEST(a_streamed_reply_comes_in_parts),
        TEST(events_are_resumed),
        TEST(whoever_hangs_up_ends_the_call),
        TEST(without_a_broker_it_says_so_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
