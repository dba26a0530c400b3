/* What is written down of the programs' options and settings is what they have. */
#include "../testing.h"

#include "base/file.h"
#include "harness.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES = 65536 };

static struct place *place;

static int open_place(void **state)
{
    (void)state;
    place = place_create();
    return 0;
}

static int close_place(void **state)
{
    (void)state;
    place_destroy(place);
    return 0;
}

/* Terminated; finish it. Tests run at the top of the tree. */
static struct buf text_of(const char *path)
{
    struct buf text = {0};
    assert_int_equal(file_read(&text, path, 1u << 20), 0);
    buf_append(&text, "", 1);
    return text;
}

static void what_says(char *out, const char *program, const char *flag)
{
    assert_int_equal(place_run(place, out, TEXT_BYTES, (const char *const[]){program, flag, NULL}),
                     0);
}

/* "\-\-check\-config" as "--check-config"; returns what follows. */
static const char *take_option(const char *at, char *option, size_t size)
{
    size_t n = 0;
    while (n + 1 < size &&
           (*at == '-' || islower((unsigned char)*at) || (*at == '\\' && at[1] == '-'))) {
        at += *at == '\\';
        option[n++] = *at++;
    }
    option[n] = '\0';
    return at;
}

static bool has_option(const char *help, const char *option)
{
    size_t len = strlen(option);
    for (const char *at = help; (at = strstr(at, option)); at += len)
        if (at[len] != '-' && !isalnum((unsigned char)at[len]))
            return true;
    return false;
}

/* Every option at the head of a paragraph. Examples may show another program's. */
static void pages_name_options_that_are_there(void **state)
{
    static const struct page {
        const char *path, *program;
    } pages[] = {{"docs/man/fareboxd.8", "fareboxd"},
                 {"docs/man/farebox-gateway.8", "farebox-gateway"},
                 {"docs/man/farebox-host.1", "farebox-host"}};
    static char help[TEXT_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        struct buf page = text_of(pages[i].path);
        unsigned found = 0;
        what_says(help, pages[i].program, "--help");
        for (const char *at = (const char *)page.data; (at = strstr(at, "\n.B")); found++) {
            char option[64];
            at += strcspn(at + 1, " ") + 2;
            if (strncmp(at, "\\-\\-", 4) != 0)
                continue;
            at = take_option(at, option, sizeof option);
            if (option[2] && !has_option(help, option))
                fail_msg("%s has no %s", pages[i].program, option);
        }
        assert_true(found > 5);
        buf_finish(&page);
    }
}

static void pages_are_sound_roff(void **state)
{
    static char out[TEXT_BYTES];
    (void)state;
    const char *argv[] = {"/bin/sh", "-c",
                          "! command -v groff >/dev/null || for page in docs/man/*.[18]; do "
                          "groff -man -Tutf8 -ww \"$page\" 2>&1 >/dev/null; done",
                          NULL};
    assert_int_equal(place_run(place, out, sizeof out, argv), 0);
    assert_string_equal(out, "");
}

static void the_gateways_settings_are_those_it_has(void **state)
{
    static char table[TEXT_BYTES];
    struct buf page = text_of("docs/gateway.md");
    (void)state;
    what_says(table, "farebox-gateway", "--print-manual");
    const char *written = strstr((const char *)page.data, "| setting | value |");
    assert_non_null(written);
    assert_string_equal(written, table);
    buf_finish(&page);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_place, close_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_name_options_that_are_there),
        TEST(pages_are_sound_roff),
        TEST(the_gateways_settings_are_those_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
