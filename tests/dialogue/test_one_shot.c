/* One-shot calls by programs nobody here wrote: protoc makes the frame, nngcat
 * and nanocat carry it. */
#include "harness.h"

#include "../testing.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char *const anything[] = {"call:*", "admin:*", "publish:*", NULL};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Turns the text form of a frame into bytes in `place->dir`/frame. */
static void encode(struct place *place, const char *text)
{
    char command[512], source[PLACE_PATH], out[512];
    snprintf(source, sizeof source, "%s/frame.txt", place->dir);
    write_file(source, text);
    snprintf(command, sizeof command,
             "protoc -Iproto --encode=farebox.v1.Frame farebox/v1/bus.proto < %s > %s/frame",
             source, place->dir);
    const char *argv[] = {"/bin/sh", "-c", command, NULL};
    assert_int_equal(place_run(place, out, sizeof out, argv), 0);
}

static void exchange(struct place *place, const char *tool, char *answer, size_t size)
{
    char command[768];
    snprintf(command, sizeof command,
             "timeout 10 %s %s --file %s/frame --raw |"
             " protoc -Iproto --decode=farebox.v1.Frame farebox/v1/bus.proto",
             tool, place->url, place->dir);
    const char *argv[] = {"/bin/sh", "-c", command, NULL};
    assert_int_equal(place_run(place, answer, size, argv), 0);
}

static void ask(struct place *place, const char *tool, const char *token, const char *envelope,
                char *answer, size_t size)
{
    char text[4096];
    snprintf(text, sizeof text,
             "credentials { token: \"%s\" } envelopes { id: 7 credential: 1 %s }", token, envelope);
    encode(place, text);
    exchange(place, tool, answer, size);
}

static void a_call_by(const char *tool)
{
    char answer[8192];
    struct place *place = place_create();
    place_start_broker(place, NULL);
    char *token = place_token(place, "acme", "ann", "pro", anything);
    ask(place, tool, token, "request { service: \"bus.stats\" method: \"show\" }", answer,
        sizeof answer);
    assert_non_null(strstr(answer, "id: 7"));
    assert_non_null(strstr(answer, "payload: \""));
    assert_null(strstr(answer, "status:"));
    free(token);
    place_destroy(place);
}

static void nngcat_can_call(void **state)
{
    (void)state;
    a_call_by("nngcat --req --dial");
}

static void nanocat_can_call(void **state)
{
    (void)state;
    a_call_by("nanocat --req --connect");
}

static void refusals_are_clear(void **state)
{
    (void)state;
    const char *tool = "nngcat --req --dial";
    char answer[8192];
    struct place *place = place_create();
    place_start_broker(place, NULL);
    char *token = place_token(place, "acme", "ann", "pro", anything);

    ask(place, tool, "not.a.token", "request { service: \"echo\" method: \"echo\" }", answer,
        sizeof answer);
    assert_non_null(strstr(answer, "status: UNAUTHENTICATED"));
    ask(place, tool, token, "request { service: \"nobody\" method: \"echo\" }", answer,
        sizeof answer);
    assert_non_null(strstr(answer, "status: SERVICE_NOT_FOUND"));
    ask(place, tool, token, "request { service: \"../etc\" method: \"echo\" }", answer,
        sizeof answer);
    assert_non_null(strstr(answer, "status: INVALID_ARGUMENT"));
    ask(place, tool, token,
        "request { service: \"bus.stats\" method: \"show\" tenant: \"globex\" }", answer,
        sizeof answer);
    assert_non_null(strstr(answer, "status: TENANT_MISMATCH"));
    ask(place, tool, token, "subscribe { pattern: \">\" }", answer, sizeof answer);
    assert_non_null(strstr(answer, "error {"));
    ask(place, tool, token, "ping { }", answer, sizeof answer);
    assert_non_null(strstr(answer, "acknowledge {"));
    free(token);
    place_destroy(place);
}

static void rubbish_gets_an_error_and_the_broker_goes_on(void **state)
{
    (void)state;
    char path[PLACE_PATH], answer[8192];
    struct place *place = place_create();
    place_start_broker(place, NULL);
    snprintf(path, sizeof path, "%s/frame", place->dir);
    write_file(path, "this is not a frame at all");
    exchange(place, "nngcat --req --dial", answer, sizeof answer);
    assert_non_null(strstr(answer, "status: INVALID_ARGUMENT"));
    char *token = place_token(place, "acme", "ann", "pro", anything);
    ask(place, "nngcat --req --dial", token, "ping { }", answer, sizeof answer);
    assert_non_null(strstr(answer, "acknowledge {"));
    free(token);
    assert_int_equal(place_stop_broker(place, SIGTERM), 0);
    place_destroy(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nngcat_can_call),
        cmocka_unit_test(nanocat_can_call),
        cmocka_unit_test(refusals_are_clear),
        cmocka_unit_test(rubbish_gets_an_error_and_the_broker_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
