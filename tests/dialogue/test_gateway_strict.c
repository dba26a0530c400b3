/* What the gateway takes from strangers: requests that are ones, whole, and in time. */
#include "../testing.h"

#include "front.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define CALL "POST /v1/call/echo/echo HTTP/1.1\r\nHost: gateway\r\n"
/* Who shows no token there may bring what is judged. */
#define LOGIN "POST /v1/auth/login HTTP/1.1\r\nHost: gateway\r\n"
#define PATCH "PATCH /v1/call/echo/echo HTTP/1.1\r\nHost: gateway\r\n"

static int open_door(void **state)
{
    (void)state;
    front_open_with((const char *const[]){"--header-timeout-ms", "1000", "--body-timeout-ms",
                                          "1000", "--max-body-bytes", "1KiB", NULL});
    return 0;
}

/* Returns the status of the answer, after which the connection must be closed. */
static int said(const char *format, const char *headers)
{
    struct buf text = {0};
    struct http http = http_dial(front.port);
    char line[16];
    buf_printf(&text, format, headers, front.ann);
    buf_append(&text, "", 1);
    http_say(&http, (const char *)text.data);
    int status = http_answer(&http, front.answer, sizeof front.answer);
    assert_false(http_line(&http, "HTTP/", line, sizeof line));
    http_hang_up(&http);
    buf_finish(&text);
    return status;
}

static void a_request_with_two_ends_is_none(void **state)
{
    static const char *const lengths[] = {
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 1\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\ncontent-length: 4\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked \r\n",
        "Transfer-Encoding: chunked                 , gzip\r\n",
        "Content-Length: 4 \t\r\n",
        "Content-Length: 00000000000000000000000014\r\n",
        "Content-Length: 4\r\nHost: another\r\n",
        "Content-Length: 4\r\nAuthorization: Bearer another\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        assert_int_equal(
            said(CALL "%sAuthorization: Bearer %s\r\n\r\n1\r\n1\r\n0\r\n\r\n", lengths[i]), 400);
        front_says("Content-Type: application/problem+json\r\n");
        front_says("\"code\":\"malformed_request\"");
    }
}

static void lines_end_and_headers_are_whole(void **state)
{
    static const char *const headers[] = {"X-A: b\n", "X-A: b\r\n c\r\n", "X-A : b\r\n",
                                          "X-A: b\x01\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        assert_int_equal(
            said(CALL "Content-Length: 1\r\n%sAuthorization: Bearer %s\r\n\r\n1", headers[i]), 400);
        front_says("\"code\":\"malformed_request\"");
    }
}

/* The bytes of one request are no defect of the next. */
static void a_sound_request_after_a_body_of_any_bytes_is_one(void **state)
{
    struct http http = http_dial(front.port);
    (void)state;
    for (int i = 0; i < 3; i++) {
        http_ask(&http, "POST /v1/call/echo/echo", front.ann, "Content-Type: application/x-any\r\n",
                 "\n \x01\n\n");
        assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 200);
        front_says("\r\n\r\n\n \x01\n\n");
    }
    http_hang_up(&http);
}

/* What comes behind a sound request in the same piece is looked at as well. */
static void a_request_on_the_heels_of_another_is_no_exception(void **state)
{
    struct http http = http_dial(front.port);
    (void)state;
    http_say(&http, "GET /livez HTTP/1.1\r\nHost: gateway\r\n\r\n"
                    "GET /livez HTTP/1.1\r\nHost: gateway\r\nX-A: b\r\n c\r\n\r\n");
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 200);
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 400);
    front_says("a header is folded");
    http_hang_up(&http);
}

static void a_chunk_is_as_strict_as_a_head(void **state)
{
    (void)state;
    assert_int_equal(said(CALL "Transfer-Encoding: chunked\r\n%sAuthorization: Bearer %s\r\n\r\n"
                               "1\n1\r\n0\r\n\r\n",
                          ""),
                     400);
    assert_int_equal(said("POST /v1/call/echo/echo HTTP/1.0\r\n%sConnection: keep-alive\r\n"
                          "Transfer-Encoding: chunked\r\nAuthorization: Bearer %s\r\n\r\n"
                          "1\r\n1\r\n0\r\n\r\n",
                          ""),
                     400);
}

/* The head was sound, and its call has not been made when the body turns out not to be. */
static void a_body_may_show_it_later(void **state)
{
    struct buf text = {0};
    struct http http = http_dial(front.port);
    (void)state;
    buf_printf(&text,
               CALL "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n"
                    "Authorization: Bearer %s\r\n\r\n",
               front.ann);
    buf_append(&text, "", 1);
    http_say(&http, (const char *)text.data);
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 100);
    http_say(&http, "1;\x01\r\n1\r\n0\r\n\r\n");
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 400);
    front_says("a chunk holds a control character");
    http_hang_up(&http);
    buf_finish(&text);
}

/* Every refusal is ours, whoever would have made it otherwise. */
static void what_is_no_request_is_told_so_as_a_problem(void **state)
{
    static const struct none {
        const char *text;
        int status;
        const char *code;
    } all[] = {
        {"GET /livez HTTP/2.0\r\nHost: gateway\r\n\r\n", 505, "version_not_supported"},
        {"GET /livez HTTP/1.1\r\n\r\n", 400, "malformed_request"},
        {"GET /livez\r\nHost: gateway\r\n\r\n", 400, "malformed_request"},
        {"GET /livez HTTP\r\nHost: gateway\r\n\r\n", 400, "malformed_request"},
        {"GET  /livez HTTP/1.1\r\nHost: gateway\r\n\r\n", 400, "malformed_request"},
        {"\x16\x03\x01\r\n", 400, "malformed_request"},
        {"\r\n\r\n", 400, "malformed_request"},
        {CALL "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n1", 400, "malformed_request"},
        {CALL "Transfer-Encoding: chunked\r\n\r\n1\r\n22\r\n0\r\n\r\n", 400, "malformed_request"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char code[64];
        snprintf(code, sizeof code, "\"code\":\"%s\"", all[i].code);
        assert_int_equal(said("%s", all[i].text), all[i].status);
        front_says("Content-Type: application/problem+json\r\n");
        front_says("Connection: close\r\n");
        front_says(code);
    }
}

/* A request of so many bytes, `item` again and again between both ends. */
static int filled(const char *begin, const char *item, size_t items, const char *end)
{
    struct buf text = {0};
    buf_printf(&text, "%s", begin);
    for (size_t i = 0; i < items; i++)
        buf_printf(&text, "%s", item);
    buf_printf(&text, "%s", end);
    buf_append(&text, "", 1);
    struct http http = http_dial(front.port);
    http_say(&http, (const char *)text.data);
    int status = http_answer(&http, front.answer, sizeof front.answer);
    http_hang_up(&http);
    buf_finish(&text);
    return status;
}

/* By bytes, and by what it takes to keep them. On the near side of each limit they are served, so
 * that nobody else's limit comes first. */
static void a_head_that_is_too_large_is_told_so_as_a_problem(void **state)
{
    static const struct large {
        const char *begin, *item, *end;
        size_t few, many;
        int status;
        const char *code;
    } all[] = {
        {"GET /livez?", "a", " HTTP/1.1\r\nHost: gateway\r\n\r\n", 16300, 16400, 414,
         "uri_too_long"},
        {"GET /livez?a", "&a", " HTTP/1.1\r\nHost: gateway\r\n\r\n", 270, 300, 414, "uri_too_long"},
        {"GET /livez HTTP/1.1\r\nHost: gateway\r\nX: ", "a", "\r\n\r\n", 16300, 16400, 431,
         "headers_too_large"},
        {"GET /livez HTTP/1.1\r\nHost: gateway\r\n", "a:\r\n", "\r\n", 260, 300, 431,
         "headers_too_large"},
        {"GET /livez HTTP/1.1\r\nHost: gateway\r\nCookie: ", "a=;", "\r\n\r\n", 250, 300, 431,
         "headers_too_large"},
        {"GET /livez HTTP/1.1\r\nHost: gateway\r\nCookie: a=", "a", "\r\n\r\n", 9000, 10000, 431,
         "headers_too_large"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char code[64];
        snprintf(code, sizeof code, "\"code\":\"%s\"", all[i].code);
        assert_int_equal(filled(all[i].begin, all[i].item, all[i].few, all[i].end), 200);
        assert_int_equal(filled(all[i].begin, all[i].item, all[i].many, all[i].end), all[i].status);
        front_says("Content-Type: application/problem+json\r\n");
        front_says(code);
    }
}

/* However it comes, a head is read once it is whole. */
static void a_request_may_come_byte_by_byte(void **state)
{
    static const char text[] = "\r\nGET /livez HTTP/1.1\r\nHost: gateway\r\n\r\n"
                               "GET /readyz HTTP/1.1\r\nHost: gateway\r\nX: \x01";
    struct http http = http_dial(front.port);
    (void)state;
    for (const char *at = text; *at; at++) {
        const char byte[] = {*at, '\0'};
        http_say(&http, byte);
    }
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 200);
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 400);
    front_says("a header holds a control character");
    http_hang_up(&http);
}

/* More than libmicrohttpd takes at a time, head on head. */
static void many_requests_may_come_in_one_piece(void **state)
{
    enum { MANY = 300 };
    struct buf text = {0};
    struct http http = http_dial(front.port);
    (void)state;
    for (int i = 0; i < MANY; i++)
        buf_printf(&text,
                   CALL "Content-Type: application/x-any\r\nTransfer-Encoding: chunked\r\n"
                        "X-Padding: %0*d\r\n\r\n5\r\n\n\n\r\n0\r\n0\r\nX: y\r\n\r\n",
                   i % 97 + 1, i);
    buf_append(&text, "", 1);
    http_say(&http, (const char *)text.data);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 401);
    http_hang_up(&http);
    buf_finish(&text);
}

/* One byte over the limit is refused, and at the limit there is room for the response. */
static void headers_may_have_16_kib(void **state)
{
    enum { LIMIT = 16384 };
    static char request[LIMIT + 8];
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        int n =
            snprintf(request, sizeof request, CALL "Authorization: Bearer %s\r\nX-A: ", front.ann);
        memset(request + n, 'a', LIMIT + over - (size_t)n - 4);
        memcpy(request + LIMIT + over - 4, "\r\n\r\n", 5);
        struct http http = http_dial(front.port);
        http_say(&http, request);
        assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), over ? 431 : 200);
        front_says(over ? "\"code\":\"headers_too_large\"" : "\r\n\r\nnull");
        http_hang_up(&http);
    }
}

static void what_is_too_large_is_said_so(void **state)
{
    char big[20000];
    (void)state;
    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    big[2000] = '\0';
    assert_int_equal(front_ask("POST /v1/call/echo/echo", front.ann, big), 413);
    front_says("\"code\":\"too_large\"");
    big[2000] = 'a';
    assert_int_equal(said(CALL "X-A: %s\r\nAuthorization: Bearer %s\r\n\r\n", big), 431);
    assert_int_equal(
        said(CALL "Content-Length: %s\r\nAuthorization: Bearer %s\r\n\r\n", "999999999"), 413);
    assert_int_equal(
        said(CALL "Expect: 100-continue\r\nContent-Length: %s\r\nAuthorization: Bearer %s\r\n\r\n",
             "999999999"),
        413);
    assert_int_equal(said(CALL "Transfer-Encoding: chunked\r\n%sAuthorization: Bearer %s\r\n\r\n"
                               "FFFFFFFFFFFFFFFFFF\r\n1",
                          ""),
                     400);
}

/* All of it is sent before anything is read. The other side neither stops it with a reset nor lets
 * the answer be lost. */
static void hears_why(int status, const char *head, const char *chunk, const char *end)
{
    enum { FAR_OVER = 16 << 20 };
    struct buf text = {0};
    struct http http = http_dial(front.port);
    char byte;
    buf_printf(&text, "%s", head);
    while (text.len < FAR_OVER)
        buf_printf(&text, "%s%01024d%s", chunk, 0, *chunk ? "\r\n" : "");
    buf_printf(&text, "%s", end);
    buf_append(&text, "", 1);
    http_say(&http, (const char *)text.data);
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), status);
    front_says("Content-Type: application/problem+json\r\n");
    front_says("Connection: close\r\n");
    front_says(status == 413 ? "\"code\":\"too_large\"" : "\"code\":\"method_not_allowed\"");
    assert_int_equal(http.in.len, 0);
    assert_int_equal(recv(http.fd, &byte, 1, 0), 0);
    http_hang_up(&http);
    buf_finish(&text);
}

static void who_sends_far_too_much_hears_why(void **state)
{
    (void)state;
    hears_why(413, LOGIN "Content-Length: 16777216\r\n\r\n", "", "");
    hears_why(405, PATCH "Content-Length: 16777216\r\n\r\n", "", "");
    hears_why(413, LOGIN "Transfer-Encoding: chunked\r\n\r\n1000000\r\n", "", "\r\n0\r\n\r\n");
    hears_why(413, LOGIN "Transfer-Encoding: chunked\r\n\r\n", "400\r\n", "0\r\n\r\n");
    hears_why(405, PATCH "Transfer-Encoding: chunked\r\n\r\n1000000\r\n", "", "\r\n0\r\n\r\n");
    hears_why(405, PATCH "Transfer-Encoding: chunked\r\n\r\n", "400\r\n", "0\r\n\r\n");
}

/* Nor does a body that shows only later how large it is. */
static void another_reason_stays_one(void **state)
{
    struct http http = http_dial(front.port);
    (void)state;
    http_say(&http, PATCH "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 100);
    http_say(&http, "FFFFFF\r\n");
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 405);
    front_says("\r\nAllow: POST\r\n");
    front_says("Connection: close\r\n");
    http_hang_up(&http);
}

static struct place *files; /* made before the gateway is told of one in it */
static char config[PLACE_PATH];

static void allow(const char *largest)
{
    FILE *file = fopen(config, "we");
    assert_non_null(file);
    (void)fprintf(file, "max-body-bytes: %s\n", largest);
    assert_int_equal(fclose(file), 0);
}

static int open_configured(void **state)
{
    (void)state;
    files = place_create();
    snprintf(config, sizeof config, "%s/gateway.yaml", files->dir);
    allow("1KiB");
    front_open_with((const char *const[]){"--config", config, NULL});
    return 0;
}

static int close_configured(void **state)
{
    front_close(state);
    place_destroy(files);
    return 0;
}

/* The status of a chunk that is there, or too large to be waited for. */
static int of_a_chunk(void)
{
    char text[8192];
    int head =
        snprintf(text, sizeof text, "%s", LOGIN "Transfer-Encoding: chunked\r\n\r\n1400\r\n");
    snprintf(text + head, sizeof text - (size_t)head, "%-5120d\r\n0\r\n\r\n", 1);
    struct http http = http_dial(front.port);
    http_say(&http, text);
    int status = http_answer(&http, front.answer, sizeof front.answer);
    http_hang_up(&http);
    return status;
}

static void a_reload_says_anew_what_is_too_large(void **state)
{
    char line[1024];
    (void)state;
    assert_int_equal(of_a_chunk(), 413);
    allow("8KiB");
    assert_int_equal(kill(front.gateway->pid, SIGHUP), 0);
    do
        assert_true(process_line(front.gateway, "", line, sizeof line));
    while (!strstr(line, "event=reload.done"));
    assert_int_equal(of_a_chunk(), 400);
}

static void a_target_may_say_whose_it_is(void **state)
{
    (void)state;
    assert_int_equal(front_ask("GET http://gateway/livez", NULL, NULL), 200);
    assert_int_equal(front_ask("POST HTTPS://gateway:1/v1/call/echo/echo", front.ann, "1"), 200);
    assert_int_equal(front_ask("GET http://gateway", NULL, NULL), 404);
    assert_int_equal(front_ask("GET ftp://gateway/livez", NULL, NULL), 404);
}

static void a_query_says_only_what_the_path_takes(void **state)
{
    static const char *const requests[] = {
        "POST /v1/call/echo/echo?x=1", "POST /v1/publish/a?topic=a",
        "GET /v1/subscribe?topic=a&topic=b", "GET /v1/subscribe?topic=a&after=1"};
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        assert_int_equal(front_ask(requests[i], front.ann, *requests[i] == 'P' ? "1" : NULL), 400);
        front_says("the query says what this path does not take");
    }
    assert_int_equal(front_ask("GET /v1/subscribe?topic=a", front.ann, NULL), 200);
}

/* Byte for byte, for as long as they are taken. */
static void drip(const char *begin)
{
    struct http http = http_dial(front.port);
    char line[8];
    http_say(&http, begin);
    http_drip(&http, 'a');
    assert_false(http_line(&http, "HTTP/", line, sizeof line));
    http_hang_up(&http);
}

static void fall_silent(const char *begin)
{
    struct http http = http_dial(front.port);
    char line[8];
    http_say(&http, begin);
    assert_false(http_line(&http, "HTTP/", line, sizeof line));
    http_hang_up(&http);
}

static void who_sends_too_slowly_is_hung_up_on(void **state)
{
    struct http idle = http_dial(front.port);
    (void)state;
    http_ask(&idle, "GET /livez", NULL, "", NULL);
    assert_int_equal(http_answer(&idle, front.answer, sizeof front.answer), 200);
    fall_silent("GET /livez HT");
    drip("GET /");
    drip("GET / HTTP/1.1\r\nHost: gateway\r\nX-A: ");
    drip("POST /v1/call/echo/echo HTTP/1.1\r\nHost: gateway\r\nContent-Length: 1000\r\n\r\n");
    http_ask(&idle, "GET /livez", NULL, "", NULL); /* who waits between requests is not slow */
    assert_int_equal(http_answer(&idle, front.answer, sizeof front.answer), 200);
    http_hang_up(&idle);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_door, front_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_target_may_say_whose_it_is),
        TEST(a_query_says_only_what_the_path_takes),
        TEST(a_request_with_two_ends_is_none),
        TEST(lines_end_and_headers_are_whole),
        TEST(a_sound_request_after_a_body_of_any_bytes_is_one),
        TEST(a_request_on_the_heels_of_another_is_no_exception),
        TEST(a_chunk_is_as_strict_as_a_head),
        TEST(a_body_may_show_it_later),
        TEST(what_is_no_request_is_told_so_as_a_problem),
        TEST(a_head_that_is_too_large_is_told_so_as_a_problem),
        TEST(a_request_may_come_byte_by_byte),
        TEST(many_requests_may_come_in_one_piece),
        TEST(headers_may_have_16_kib),
        TEST(what_is_too_large_is_said_so),
        TEST(who_sends_far_too_much_hears_why),
        TEST(another_reason_stays_one),
        cmocka_unit_test_setup_teardown(a_reload_says_anew_what_is_too_large, open_configured,
                                        close_configured),
        TEST(who_sends_too_slowly_is_hung_up_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
