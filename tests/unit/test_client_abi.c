/* The library's face: its statuses are the protocol's, and it shows nothing but fbx_, and what
 * libnng shall find there. */
#include "../testing.h"

#include "farebox.h"
#include "wire/status.h"

#include <stdlib.h>
#include <string.h>

#include "farebox/v1/bus.pb-c.h"

static const struct {
    const char *name;
    int fbx, wire, protocol;
} statuses[] = {
#define STATUS(name, number, text, http, retryable, meaning) \
    {text, FBX_##name, STATUS_##name, FAREBOX__V1__STATUS__##name},
#include "wire/status.def"
#undef STATUS
};

static void statuses_are_those_of_the_table_and_the_protocol(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        assert_int_equal(statuses[i].fbx, statuses[i].wire);
        assert_int_equal(statuses[i].fbx, statuses[i].protocol);
        assert_string_equal(fbx_status_text(statuses[i].fbx), statuses[i].name);
    }
    assert_int_equal(STATUS_COUNT, sizeof(statuses) / sizeof(statuses[0]));
    assert_int_equal(STATUS_COUNT, farebox__v1__status__descriptor.n_values);
}

static void every_error_has_its_words(void **state)
{
    (void)state;
    for (int error = FBX_EUNREACHABLE; error <= 0; error++)
        for (int other = error + 1; other <= 0; other++)
            assert_string_not_equal(fbx_error_text(error), fbx_error_text(other));
    assert_string_equal(fbx_error_text(-99), "unknown error");
}

/* Runs `command` and calls back for each line it prints. */
static unsigned each_line(const char *command, void (*line)(const char *text))
{
    char text[512];
    unsigned lines = 0;
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    while (fgets(text, sizeof(text), pipe)) {
        text[strcspn(text, "\n")] = '\0';
        line(text);
        lines++;
    }
    assert_int_equal(pclose(pipe), 0);
    return lines;
}

/* Of libs/shim/workaround.c. */
static const char *const shim[] = {"sendmsg", "nng_stream_recv", "nng_stream_send"};
#define SHIM (sizeof(shim) / sizeof(shim[0]))

static bool is_shim(const char *symbol)
{
    size_t i = 0;
    while (i < SHIM && strcmp(symbol, shim[i]) != 0)
        i++;
    return i < SHIM;
}

static void must_be_ours(const char *symbol)
{
    if (strncmp(symbol, "fbx_", 4) != 0 && strncmp(symbol, "FAREBOX_", 8) != 0 && !is_shim(symbol))
        fail_msg("exports %s", symbol);
}

static unsigned exported(const char *library)
{
    char command[512];
    snprintf(command, sizeof(command),
             "nm -D --defined-only --format=posix %s/lib/%s | cut -d' ' -f1 | cut -d@ -f1",
             getenv("FAREBOX_BUILD"), library);
    return each_line(command, must_be_ours);
}

static unsigned declared;

static void count_declaration(const char *text)
{
    declared += strlen(text) > 0;
}

static void the_library_exports_what_the_header_declares(void **state)
{
    (void)state;
    if (!getenv("FAREBOX_BUILD"))
        skip();
    each_line("grep -o '^FBX_API' libs/client/farebox.h", count_declaration);
    assert_true(declared > 60);
    /* and the version's name */
    assert_int_equal(exported("libfarebox.so"), declared + SHIM + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_are_those_of_the_table_and_the_protocol),
        cmocka_unit_test(every_error_has_its_words),
        cmocka_unit_test(the_library_exports_what_the_header_declares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
