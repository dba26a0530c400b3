/* The dashboard's files, as browsers get them. What the page does with them, tests/browser tries.
 */
#include "../testing.h"

#include "front.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct place *files;
static char folder[PLACE_PATH], chart[PLACE_PATH];

static void write_file(const char *name, const char *text)
{
    char path[2 * PLACE_PATH];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* A folder that has what is on the list, and what is not. */
static int open_own_folder(void **state)
{
    (void)state;
    files = place_create();
    snprintf(folder, sizeof folder, "%s", files->dir);
    snprintf(chart, sizeof chart, "%s/library.js", files->dir);
    write_file("index.html", "<p>first</p>");
    write_file("secret.txt", "canary");
    write_file("library.js", "chart");
    front_open_with((const char *const[]){"--ui-dir", folder, "--chart-js", chart, NULL});
    return 0;
}

static int close_own_folder(void **state)
{
    front_close(state);
    place_destroy(files);
    return 0;
}

static int ask_knowing(const char *tag)
{
    struct http http = http_dial(front.port);
    char header[128];
    snprintf(header, sizeof header, "If-None-Match: %s\r\n", tag);
    http_ask(&http, "GET /ui", NULL, header, NULL);
    int status = http_answer(&http, front.answer, sizeof front.answer);
    http_hang_up(&http);
    return status;
}

static void take_tag(char *out, size_t size)
{
    const char *at = strstr(front.answer, "ETag: ");
    assert_non_null(at);
    at += strlen("ETag: ");
    snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
}

/* ---- what is there ---- */

/* The head of the answer, whatever it is; of the rest of the connection nothing is taken. */
static void take_head(struct http *http, const char *request, const char *token, const char *length)
{
    char line[512];
    http_ask(http, request, token, "", NULL);
    assert_true(http_line(http, "HTTP/1.1 ", line, sizeof line));
    assert_int_equal(strncmp(line, "HTTP/1.1 200", strlen("HTTP/1.1 200")), 0);
    if (length)
        assert_true(http_line(http, length, line, sizeof line));
    assert_true(http_line(http, "\r", line, sizeof line));
}

/* A body would be taken for the beginning of the next answer. */
static void a_head_is_had_of_all_that_can_be_got(void **state)
{
    static const char *const paths[] = {"/livez", "/readyz", "/ui", "/openapi.json"};
    char request[64], length[64];
    struct http http = http_dial(front.port);
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        snprintf(request, sizeof request, "GET %s", paths[i]);
        assert_int_equal(front_ask(request, NULL, NULL), 200);
        const char *body = strstr(front.answer, "\r\n\r\n");
        assert_non_null(body);
        snprintf(length, sizeof length, "Content-Length: %zu\r", strlen(body + 4));
        snprintf(request, sizeof request, "HEAD %s", paths[i]);
        take_head(&http, request, NULL, length);
    }
    http_ask(&http, "GET /livez", NULL, "", NULL);
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 200);
    http_ask(&http, "HEAD /v1/publish/orders.new", front.ann, "Connection: close\r\n", NULL);
    char line[512];
    assert_true(http_line(&http, "HTTP/1.1 ", line, sizeof line));
    assert_int_equal(strncmp(line, "HTTP/1.1 405", strlen("HTTP/1.1 405")), 0);
    http_hang_up(&http);
}

/* A stream of events ends with its head, and the connection goes on. */
static void a_head_of_events_is_no_subscription(void **state)
{
    struct http http = http_dial(front.port);
    (void)state;
    for (unsigned n = 0; n < 2; n++) {
        take_head(&http, "HEAD /v1/subscribe?topic=orders.%3E", front.ann, NULL);
        http_ask(&http, "GET /livez", NULL, "", NULL);
        assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 200);
    }
    http_hang_up(&http);
}

static void says_how_strict_to_be(const char *type)
{
    front_says("Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'none'; "
               "frame-ancestors 'none'\r\n");
    front_says("X-Content-Type-Options: nosniff\r\n");
    front_says("Referrer-Policy: no-referrer\r\n");
    front_says("Cache-Control: no-cache\r\n");
    front_says(type);
}

static void the_page_is_for_anybody_and_strict(void **state)
{
    (void)state;
    assert_int_equal(front_ask("GET /ui", NULL, NULL), 200);
    says_how_strict_to_be("Content-Type: text/html; charset=utf-8\r\n");
    front_says("<title>Farebox</title>");
    assert_int_equal(front_ask("GET /ui/", NULL, NULL), 200);
    front_says("<title>Farebox</title>");
    assert_int_equal(front_ask("GET /ui/main.js", NULL, NULL), 200);
    says_how_strict_to_be("Content-Type: text/javascript; charset=utf-8\r\n");
    assert_int_equal(front_ask("GET /ui/dashboard.css", NULL, NULL), 200);
    says_how_strict_to_be("Content-Type: text/css; charset=utf-8\r\n");
    assert_int_equal(front_ask("GET /ui/icon.svg", NULL, NULL), 200);
    says_how_strict_to_be("Content-Type: image/svg+xml\r\n");
    assert_int_equal(front_ask("POST /ui", NULL, "x"), 405);
}

/* The list has all of them. */
static void whatever_is_installed_is_served(void **state)
{
    char path[256], request[300];
    const struct dirent *entry;
    size_t found = 0;
    (void)state;
    build_path(path, sizeof path, "share/farebox/ui");
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(request, sizeof request, "GET /ui/%s", entry->d_name);
        if (front_ask(request, NULL, NULL) != 200)
            fail_msg("%s", request);
        found++;
    }
    (void)closedir(dir);
    assert_true(found > 3);
}

static void the_library_is_where_the_setting_says(void **state)
{
    (void)state;
    assert_int_equal(front_ask("GET /ui/chart.js", NULL, NULL), 200);
    front_says("\r\n\r\nchart");
    assert_int_equal(unlink(chart), 0);
    assert_int_equal(front_ask("GET /ui/chart.js", NULL, NULL), 404);
    assert_int_equal(mkfifo(chart, 0600), 0); /* nobody writes to it, and nobody waits for that */
    assert_int_equal(front_ask("GET /ui/chart.js", NULL, NULL), 404);
}

static void a_file_that_is_known_is_not_sent_again(void **state)
{
    char tag[64];
    (void)state;
    assert_int_equal(front_ask("GET /ui", NULL, NULL), 200);
    front_says("<p>first</p>");
    take_tag(tag, sizeof tag);
    assert_int_equal(ask_knowing(tag), 304);
    assert_null(strstr(front.answer, "first"));
    assert_int_equal(ask_knowing("\"other\""), 200);
    write_file("index.html", "<p>the second</p>");
    assert_int_equal(ask_knowing(tag), 200);
    front_says("<p>the second</p>");
}

/* ---- what is not ---- */

static void nothing_else_of_the_disk_is_served(void **state)
{
    static const char *const others[] = {"GET /ui/secret.txt",
                                         "GET /ui/library.js",
                                         "GET /ui/.",
                                         "GET /ui/..",
                                         "GET /ui/../secret",
                                         "GET /ui/%2e%2e",
                                         "GET /ui/./secret.txt",
                                         "GET /ui//secret.txt",
                                         "GET /ui/index.html/",
                                         "GET /ui/INDEX.HTML",
                                         "GET /ui/index.html%20",
                                         "GET /ui/index.htmlindex.htmlindex.html",
                                         "GET /ui/../ui/secret.txt",
                                         "GET /ui/..%5csecret.txt",
                                         "GET /uindex.html"};
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (front_ask(others[i], NULL, NULL) != 404 || strstr(front.answer, "canary"))
            fail_msg("%s: %s", others[i], front.answer);
    }
    assert_int_equal(front_ask("GET /ui/..%2fsecret.txt", NULL, NULL), 400);
    assert_int_equal(front_ask("GET /ui/index.html%00.txt", NULL, NULL), 400);
    assert_int_equal(front_ask("GET /ui/main.js", NULL, NULL), 404); /* listed, and not installed */
}

#define TEST(name, open, close) cmocka_unit_test_setup_teardown(name, open, close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_head_is_had_of_all_that_can_be_got, front_open, front_close),
        TEST(a_head_of_events_is_no_subscription, front_open, front_close),
        TEST(the_page_is_for_anybody_and_strict, front_open, front_close),
        TEST(whatever_is_installed_is_served, front_open, front_close),
        TEST(the_library_is_where_the_setting_says, open_own_folder, close_own_folder),
        TEST(a_file_that_is_known_is_not_sent_again, open_own_folder, close_own_folder),
        TEST(nothing_else_of_the_disk_is_served, open_own_folder, close_own_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
