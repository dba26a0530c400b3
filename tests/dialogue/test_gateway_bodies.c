/* What requests bring is bounded, all of it together, and strangers have no part in that. */
#include "../testing.h"

#include "front.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM "65536" /* for one body, and not for the other's first half besides */
#define BODY 50000
#define HALF 25000
#define STRANGERS 3
#define ROUNDS 20

static char body[BODY + 1];

static int open_narrow(void **state)
{
    (void)state;
    memset(body, 'a', BODY);
    body[0] = body[BODY - 1] = '"';
    front_open_with((const char *const[]){"--max-bodies-bytes", ROOM, NULL});
    return 0;
}

/* As another user each time, whom no rate limits. */
static int ask_with_whole(void)
{
    static unsigned users;
    char user[16];
    (void)snprintf(user, sizeof user, "user%u", users++);
    char *token =
        place_token(front.place, "acme", user, "trial", (const char *const[]){"call:*", NULL});
    int status = front_ask("POST /v1/call/echo/echo", token, body);
    free(token);
    return status;
}

static struct http send_half(const char *authorization)
{
    char text[HALF + 1024];
    struct http http = http_dial(front.port);
    (void)snprintf(
        text, sizeof text,
        "POST /v1/call/echo/echo HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%.*s",
        authorization, BODY, HALF, body);
    http_say(&http, text);
    return http;
}

static bool has_no_room(void *arg)
{
    (void)arg;
    return ask_with_whole() == 503;
}

static void what_is_too_much_together_is_told_to_come_again(void **state)
{
    char authorization[1024];
    (void)state;
    (void)snprintf(authorization, sizeof authorization, "Authorization: Bearer %s\r\n", front.ann);
    struct http http = send_half(authorization);
    assert_true(eventually(has_no_room, NULL));
    front_says("\"code\":\"overloaded\"");
    front_says("Retry-After: 1\r\n");
    http_say(&http, body + HALF);
    assert_int_equal(http_answer(&http, front.answer, sizeof front.answer), 200);
    http_hang_up(&http);
    assert_int_equal(ask_with_whole(), 200);
}

/* They would keep everybody out, at the price of a connection each. */
static void who_shows_no_token_brings_nothing_that_is_kept(void **state)
{
    struct http strangers[STRANGERS];
    (void)state;
    for (int i = 0; i < STRANGERS; i++)
        strangers[i] = send_half("");
    for (int i = 0; i < ROUNDS; i++)
        assert_int_equal(ask_with_whole(), 200);
    for (int i = 0; i < STRANGERS; i++) {
        http_say(&strangers[i], body + HALF);
        assert_int_equal(http_answer(&strangers[i], front.answer, sizeof front.answer), 401);
        front_says("a bearer token is needed");
        http_hang_up(&strangers[i]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_narrow, front_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_too_much_together_is_told_to_come_again),
        TEST(who_shows_no_token_brings_nothing_that_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
