/* Running the gateway: what it counts, what it logs, its certificate. */
#include "../testing.h"

#include "certificate.h"
#include "front.h"

#include <curl/curl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CANARY "canary-8d1f"

static char log_path[PLACE_PATH], certificate[PLACE_PATH], key[PLACE_PATH];

/* The gateway must be told of files that only the place's folder can hold: it is one made before.
 */
static struct place *files;

static void begin(bool tls)
{
    files = place_create();
    snprintf(log_path, sizeof log_path, "%s/access.log", files->dir);
    snprintf(certificate, sizeof certificate, "%s/door.pem", files->dir);
    snprintf(key, sizeof key, "%s/door.key", files->dir);
    if (tls)
        certificate_make(files, "door", "127.0.0.1");
    front_open_with((const char *const[]){"--access-log", log_path, "--header-timeout-ms", "1000",
                                          "--body-timeout-ms", "1000", "--max-body-bytes", "1KiB",
                                          tls ? "--tls-cert-file" : NULL, certificate,
                                          "--tls-key-file", key, NULL});
}

static int open_door(void **state)
{
    (void)state;
    begin(false);
    return 0;
}

static int open_tls_door(void **state)
{
    (void)state;
    begin(true);
    return 0;
}

static int close_door(void **state)
{
    front_close(state);
    place_destroy(files);
    return 0;
}

/* ---- counters ---- */

/* Those that have just been closed may be counted for a moment. */
static bool there_is_one_connection(void *root)
{
    assert_int_equal(front_ask("GET /metrics", root, NULL), 200);
    return strstr(front.answer, "\nfarebox_gateway_connections 1\n");
}

static void counters_are_for_whom_the_broker_shows_its_own(void **state)
{
    char *root = place_token(front.place, "acme", "root", "trial",
                             (const char *const[]){"admin:stats", NULL});
    (void)state;
    assert_int_equal(front_ask("GET /metrics", NULL, NULL), 401);
    assert_int_equal(front_ask("GET /metrics", front.ann, NULL), 403);
    assert_int_equal(front_ask("POST /v1/call/echo/echo", front.ann, "[1,2]"), 200);
    assert_int_equal(front_ask("GET /metrics", root, NULL), 200);
    front_says("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    front_says("\nfarebox_gateway_responses_total{status=\"200\"} 1\n");
    front_says("\nfarebox_gateway_responses_total{status=\"401\"} 1\n");
    front_says("\nfarebox_gateway_responses_total{status=\"403\"} 1\n");
    front_says("\nfarebox_gateway_request_seconds_count 3\n");
    front_says("\nfarebox_gateway_received_bytes_total 5\n");
    front_says("\nfarebox_gateway_requests_under_way 1\n");
    front_says("\nfarebox_sessions 2\n");
    front_says("\nfarebox_errors_total{code=\"permission_denied\"} 1\n");
    front_says("\nfarebox_filter_refused_total{filter=\"entitlement\"} ");
    assert_true(eventually(there_is_one_connection, root));
    free(root);
}

static bool is_away(void *arg)
{
    (void)arg;
    return front_ask("GET /readyz", NULL, NULL) == 503;
}

/* Nobody can say what a token is worth while the broker is away, but for those it has judged. */
static void without_a_broker_they_are_for_whom_it_has_shown_them(void **state)
{
    const char *const admin[] = {"admin:stats", NULL};
    char *root = place_token(front.place, "acme", "root", "trial", admin);
    char *late = place_token(front.place, "acme", "late", "trial", admin);
    (void)state;
    assert_int_equal(front_ask("GET /metrics", root, NULL), 200);
    front_says("\nfarebox_gateway_broker_up 1\n");
    assert_int_equal(front_ask("GET /metrics", front.ann, NULL), 403);
    (void)place_stop_broker(front.place, SIGKILL);
    assert_true(eventually(is_away, NULL));
    assert_int_equal(front_ask("GET /metrics", root, NULL), 200);
    front_says("\nfarebox_gateway_broker_up 0\n");
    front_says("\nfarebox_gateway_responses_total{status=\"403\"} 1\n");
    assert_null(strstr(front.answer, "farebox_sessions"));
    assert_int_equal(front_ask("GET /metrics", late, NULL), 503);
    assert_int_equal(front_ask("GET /metrics", front.ann, NULL), 503);
    assert_int_equal(front_ask("GET /metrics", NULL, NULL), 401);
    front_start_broker();
    free(late);
    free(root);
}

/* ---- the access log ---- */

static char text[65536];

static size_t lines_of(const char *path)
{
    size_t lines = 0;
    FILE *file = fopen(path, "re");
    size_t len = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[len] = '\0';
    if (file)
        (void)fclose(file);
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    return lines;
}

static bool has_three(void *path)
{
    return lines_of(path) == 3;
}

static bool has_two(void *path)
{
    return lines_of(path) == 2;
}

static bool has_one(void *path)
{
    return lines_of(path) == 1;
}

static const char *member(const json_t *line, const char *name)
{
    return json_string_value(json_object_get(line, name));
}

static void a_line_tells_who_asked_for_what_and_no_secret(void **state)
{
    struct http http = http_dial(front.port);
    (void)state;
    http_ask(&http, "POST /v1/call/echo/echo", front.ann,
             "User-Agent: test \"1\"\r\nX-Secret: " CANARY "\r\n", "\"" CANARY "\"");
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 200);
    http_ask(&http, "POST /v1/call/echo/echo", CANARY, "Cookie: farebox_token=" CANARY "\r\n", "1");
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 401);
    http_ask(&http, "GET /no%22where?q=" CANARY, NULL, "", NULL);
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 404);
    http_hang_up(&http);
    assert_true(eventually(has_three, log_path));
    assert_null(strstr(text, CANARY));
    assert_null(strstr(text, front.ann));
    json_t *line = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
    assert_string_equal(member(line, "client"), "127.0.0.1");
    assert_string_equal(member(line, "method"), "POST");
    assert_string_equal(member(line, "path"), "/v1/call/echo/echo");
    assert_string_equal(member(line, "tenant"), "acme");
    assert_string_equal(member(line, "user_agent"), "test \"1\"");
    assert_int_equal(json_integer_value(json_object_get(line, "status")), 200);
    assert_int_equal(json_integer_value(json_object_get(line, "bytes_in")), strlen(CANARY) + 2);
    assert_int_equal(strlen(member(line, "request_id")), 20);
    json_decref(line);
}

/* What was no request is counted and has its line, with what could be read of it. */
static void a_refused_head_has_its_line(void **state)
{
    char *root = place_token(front.place, "acme", "root", "trial",
                             (const char *const[]){"admin:stats", NULL});
    static const char *const heads[] = {"PUT /some/where HTTP/1.1\r\n\r\n",
                                        "PUT /some/where HTTP/3.0\r\nHost: gateway\r\n\r\n"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct http http = http_dial(front.port);
        http_say(&http, heads[i]);
        (void)http_answer(&http, front.answer, sizeof front.answer);
        http_hang_up(&http);
    }
    assert_int_equal(front_ask("GET /metrics", root, NULL), 200);
    front_says("\nfarebox_gateway_responses_total{status=\"400\"} 1\n");
    front_says("\nfarebox_gateway_responses_total{status=\"505\"} 1\n");
    assert_true(eventually(has_three, log_path));
    json_t *line = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
    json_t *next = json_loads(strchr(text, '\n'), JSON_DISABLE_EOF_CHECK, NULL);
    assert_string_equal(member(line, "method"), "PUT");
    assert_string_equal(member(line, "path"), "/some/where");
    assert_int_equal(json_integer_value(json_object_get(line, "status")), 400);
    assert_null(member(next, "method"));
    assert_null(member(next, "path"));
    assert_int_equal(json_integer_value(json_object_get(next, "status")), 505);
    json_decref(next);
    json_decref(line);
    free(root);
}

/* One at a time: that many lines are there then. */
static void breaks_off(const char *request, bool silently, bool (*is_there)(void *path))
{
    struct http http = http_dial(front.port);
    char line[8];
    http_say(&http, request);
    if (silently)
        assert_false(http_line(&http, "HTTP/", line, sizeof line));
    http_hang_up(&http);
    assert_true(eventually(is_there, log_path));
}

/* That nothing is at this path was known from the head, and nobody has heard it. Of a body that is
 * far too large somebody has heard. */
static void what_broke_off_has_not_been_answered(void **state)
{
    enum { FAR_OVER = 5120 };
    static const char short_of_it[] =
        "PUT /nowhere HTTP/1.1\r\nHost: gateway\r\nContent-Length: 9\r\n\r\n1";
    static const char head[] = "POST /v1/auth/login HTTP/1.1\r\nHost: gateway\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n1400\r\n";
    static const int statuses[] = {499, 408, 413};
    static char large[sizeof head + FAR_OVER];
    (void)state;
    memset(large, 'a', sizeof large - 1);
    memcpy(large, head, sizeof head - 1);
    breaks_off(short_of_it, false, has_one);
    breaks_off(short_of_it, true, has_two);
    breaks_off(large, false, has_three);
    const char *at = text;
    for (size_t i = 0; i < 3; i++, at = strchr(at, '\n') + 1) {
        json_t *line = json_loads(at, JSON_DISABLE_EOF_CHECK, NULL);
        assert_int_equal(json_integer_value(json_object_get(line, "status")), statuses[i]);
        json_decref(line);
    }
}

/* Its headers have said which it was. */
static void a_stream_that_broke_off_is_told_from_others(void **state)
{
    struct http http = http_dial(front.port);
    char part[64];
    (void)state;
    http_ask(&http, "POST /v1/call/echo/stream", front.ann,
             "Accept: application/x-ndjson\r\nX-Request-Id: broken\r\n", "{\"count\":1000000}");
    assert_true(http_line(&http, "{\"part\":", part, sizeof part));
    http_hang_up(&http);
    assert_true(eventually(has_one, log_path));
    assert_non_null(strstr(text, "\"status\":499,"));
    assert_non_null(strstr(text, "\"request_id\":\"broken\""));
    assert_non_null(strstr(text, "\"tenant\":\"acme\""));
}

/* As logrotate does it. */
static void a_file_that_was_moved_away_is_made_anew(void **state)
{
    char moved[PLACE_PATH + 2], line[256];
    (void)state;
    snprintf(moved, sizeof moved, "%s.1", log_path);
    assert_int_equal(front_ask("GET /livez", NULL, NULL), 200);
    assert_true(eventually(has_one, log_path));
    assert_int_equal(rename(log_path, moved), 0);
    kill(front.gateway->pid, SIGHUP);
    assert_true(process_line(front.gateway, "", line, sizeof line));
    assert_int_equal(front_ask("GET /livez", NULL, NULL), 200);
    assert_true(eventually(has_one, log_path));
    assert_int_equal(lines_of(moved), 1);
}

/* Nobody is to be woken for an orderly end. */
static void a_gateway_that_stops_has_lost_nothing(void **state)
{
    char line[1024];
    bool drains = false;
    (void)state;
    kill(front.gateway->pid, SIGTERM);
    while (process_line(front.gateway, "", line, sizeof line)) {
        drains |= strstr(line, "event=gateway.draining") != NULL;
        assert_null(strstr(line, "bus.lost"));
        assert_null(strstr(line, "level=warn"));
    }
    assert_true(drains);
}

/* ---- its address ---- */

static void an_address_that_is_taken_is_refused(void **state)
{
    char listen[32], line[512],
        *token = place_token_file(front.place, "platform", "other", (const char *const[]){NULL});
    (void)state;
    snprintf(listen, sizeof listen, "127.0.0.1:%d", front.port);
    struct process *other =
        place_start(front.place, NULL,
                    (const char *const[]){"farebox-gateway", "--url", front.place->url,
                                          "--token-file", token, "--listen", listen, NULL});
    assert_true(process_line(other, "farebox-gateway: cannot listen on ", line, sizeof line));
    assert_non_null(strstr(line, "Address already in use"));
    assert_int_equal(process_stop(other, 0), 69);
    free(token);
}

/* What its connections leave behind keeps nobody from listening there. */
static void a_gateway_listens_again_at_once(void **state)
{
    char listen[32],
        *token = place_token_file(front.place, "platform", "other", (const char *const[]){NULL});
    (void)state;
    struct http http = http_dial(front.port); /* the gateway hangs up first, and has TIME_WAIT */
    http_ask(&http, "GET /livez", NULL, "", NULL);
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 200);
    snprintf(listen, sizeof listen, "127.0.0.1:%d", front.port);
    assert_int_equal(process_stop(front.gateway, SIGTERM), 0);
    http_hang_up(&http);
    (void)place_start(front.place, "farebox-gateway ready",
                      (const char *const[]){"farebox-gateway", "--url", front.place->url,
                                            "--token-file", token, "--listen", listen, NULL});
    free(token);
}

/* ---- TLS ---- */

static size_t ignore(char *bytes, size_t size, size_t count, void *arg)
{
    (void)bytes;
    (void)arg;
    return size * count;
}

static CURL *over_tls(const char *trusted)
{
    char url[64];
    CURL *easy = curl_easy_init();
    snprintf(url, sizeof url, "https://127.0.0.1:%d/livez", front.port);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_CAINFO, trusted);
    return easy;
}

/* The status of /livez, or 0: no connection that this certificate vouches for. */
static long status_over_tls(const char *trusted, long version)
{
    long status = 0;
    CURL *easy = over_tls(trusted);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, version);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)PLACE_PATIENCE_MS);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    if (curl_easy_perform(easy) == CURLE_OK)
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(easy);
    return status;
}

static void it_speaks_tls_and_nothing_older_than_1_2(void **state)
{
    struct http http = http_dial(front.port);
    char line[8];
    (void)state;
    assert_int_equal(status_over_tls(certificate, CURL_SSLVERSION_TLSv1_2), 200);
    assert_int_equal(status_over_tls(certificate, CURL_SSLVERSION_TLSv1_3), 200);
    assert_int_equal(
        status_over_tls(certificate, CURL_SSLVERSION_TLSv1_1 | CURL_SSLVERSION_MAX_TLSv1_1), 0);
    http_say(&http, "GET /livez HTTP/1.1\r\nHost: gateway\r\n\r\n");
    assert_false(http_line(&http, "HTTP/", line, sizeof line));
    http_hang_up(&http);
}

static bool has_answered(void *easy)
{
    size_t n = 0;
    return curl_easy_recv(easy, text, sizeof text, &n) == CURLE_OK && n > 0;
}

/* Whoever is through with it may be silent. */
static void a_handshake_takes_no_longer_than_a_head(void **state)
{
    static const char request[] = "GET /livez HTTP/1.1\r\nHost: gateway\r\n\r\n";
    static const long versions[] = {CURL_SSLVERSION_MAX_TLSv1_2, CURL_SSLVERSION_MAX_TLSv1_3};
    struct http http = http_dial(front.port);
    CURL *silent[2];
    size_t n = 0;
    char line[8];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        silent[i] = over_tls(certificate);
        curl_easy_setopt(silent[i], CURLOPT_SSLVERSION, versions[i]);
        curl_easy_setopt(silent[i], CURLOPT_CONNECT_ONLY, 1L);
        assert_int_equal(curl_easy_perform(silent[i]), CURLE_OK);
    }
    http_say(&http, "\x16\x03\x01\x02\x01"); /* 513 bytes of it are to follow */
    http_drip(&http, 'a');
    assert_false(http_line(&http, "HTTP/", line, sizeof line));
    http_hang_up(&http);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(curl_easy_send(silent[i], request, sizeof request - 1, &n), CURLE_OK);
        assert_true(eventually(has_answered, silent[i]));
        assert_memory_equal(text, "HTTP/1.1 200 ", 13);
        curl_easy_cleanup(silent[i]);
    }
}

static void what_is_refused_in_the_clear_is_over_tls(void **state)
{
    static const char *const ends[] = {"\\r\\n", "\\n"};
    char command[512], out[4096];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        snprintf(command, sizeof command,
                 "printf 'GET /livez HTTP/1.1\\r\\nConnection: close%s"
                 "Host: gateway\\r\\n\\r\\n' |"
                 " openssl s_client -ign_eof -quiet -connect 127.0.0.1:%d 2>&1",
                 ends[i], front.port);
        const char *argv[] = {"/bin/sh", "-c", command, NULL};
        (void)place_run(front.place, out, sizeof out, argv);
        assert_non_null(strstr(out, i == 0 ? "HTTP/1.1 200 " : "HTTP/1.1 400 "));
    }
}

static void reload(const char *outcome)
{
    char line[1024];
    kill(front.gateway->pid, SIGHUP);
    do
        assert_true(process_line(front.gateway, "", line, sizeof line));
    while (!strstr(line, "event=reload."));
    if (!strstr(line, outcome))
        fail_msg("%s", line);
}

static void a_reload_shows_the_new_certificate_if_it_is_one(void **state)
{
    char old[PLACE_PATH + 4];
    (void)state;
    snprintf(old, sizeof old, "%s.old", certificate);
    assert_int_equal(rename(certificate, old), 0);
    reload("reload.refused"); /* there is none */
    assert_int_equal(status_over_tls(old, CURL_SSLVERSION_TLSv1_2), 200);
    certificate_make(files, "other", "127.0.0.1");
    snprintf(log_path, sizeof log_path, "%s/other.pem", files->dir);
    assert_int_equal(rename(log_path, certificate), 0);
    reload("reload.refused"); /* the key is another one's */
    assert_int_equal(status_over_tls(old, CURL_SSLVERSION_TLSv1_2), 200);
    certificate_make(files, "door", "127.0.0.1");
    reload("certificate=renewed");
    reload("certificate=same");
    assert_int_equal(status_over_tls(old, CURL_SSLVERSION_TLSv1_2), 0);
    assert_int_equal(status_over_tls(certificate, CURL_SSLVERSION_TLSv1_2), 200);
}

static void a_reload_that_cannot_open_the_log_is_refused(void **state)
{
    (void)state;
    assert_int_equal(unlink(log_path), 0);
    assert_int_equal(mkdir(log_path, 0700), 0);
    reload("event=reload.refused");
    assert_int_equal(rmdir(log_path), 0);
    reload("event=reload.done");
    assert_int_equal(access(log_path, F_OK), 0);
}

#define TEST(name, open) cmocka_unit_test_setup_teardown(name, open, close_door)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(counters_are_for_whom_the_broker_shows_its_own, open_door),
        TEST(without_a_broker_they_are_for_whom_it_has_shown_them, open_door),
        TEST(a_line_tells_who_asked_for_what_and_no_secret, open_door),
        TEST(a_refused_head_has_its_line, open_door),
        TEST(what_broke_off_has_not_been_answered, open_door),
        TEST(a_stream_that_broke_off_is_told_from_others, open_door),
        TEST(a_file_that_was_moved_away_is_made_anew, open_door),
        TEST(a_gateway_that_stops_has_lost_nothing, open_door),
        TEST(an_address_that_is_taken_is_refused, open_door),
        TEST(a_gateway_listens_again_at_once, open_door),
        TEST(it_speaks_tls_and_nothing_older_than_1_2, open_tls_door),
        TEST(a_handshake_takes_no_longer_than_a_head, open_tls_door),
        TEST(what_is_refused_in_the_clear_is_over_tls, open_tls_door),
        TEST(a_reload_that_cannot_open_the_log_is_refused, open_door),
        TEST(a_reload_shows_the_new_certificate_if_it_is_one, open_tls_door),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
