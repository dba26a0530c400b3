#include "../testing.h"

#include "../../inspector/args.h"
#include "../../inspector/help.h"

#include <errno.h>
#include <string.h>

static int run(struct cli *cli, const struct args *args)
{
    (void)cli;
    (void)args;
    return 0;
}

static const struct opt call_options[] = {
    {.name = "timeout", .kind = OPT_TIME, .value = "TIME", .help = "give up"},
    {.name = "perm", .kind = OPT_TEXT, .value = "P", .help = "may be repeated"},
    {.name = "count", .kind = OPT_COUNT, .value = "N", .help = "so many"},
    {0},
};
static const struct opt list_options[] = {
    {.name = "watch", .kind = OPT_TIME, .value = "T", .value_may_lack = true, .help = "again"},
    {0},
};
static const struct opt show_options[] = {
    {.name = "deep", .kind = OPT_FLAG, .help = "all of it"},
    {0},
};
static const struct opt globals[] = {
    {.name = "url", .kind = OPT_TEXT, .value = "URL", .help = "where"},
    {.name = "output", .letter = 'o', .kind = OPT_CHOICE, .value = "table|json", .help = "how"},
    {.name = "quiet", .letter = 'q', .kind = OPT_FLAG, .help = "less"},
    {0},
};

static const struct command call = {.noun = "call",
                                    .arguments = "SERVICE METHOD [JSON|-]",
                                    .summary = "call it",
                                    .options = call_options,
                                    .run = run};
static const struct command list = {.noun = "services",
                                    .verb = "list",
                                    .arguments = "",
                                    .summary = "list them",
                                    .options = list_options,
                                    .usual = true,
                                    .run = run};
static const struct command show = {.noun = "services",
                                    .verb = "show",
                                    .arguments = "NAME",
                                    .summary = "show one",
                                    .options = show_options,
                                    .run = run};
static const struct command mint = {
    .noun = "token", .verb = "mint", .arguments = "", .summary = "mint one", .run = run};
static const struct command *const table[] = {&call, &list, &show, &mint, NULL};

/* Parses a NULL-terminated line. */
#define PARSE(args, ...) parse_line(args, (const char *const[]){__VA_ARGS__, NULL})

static int parse_line(struct args *args, const char *const *line)
{
    int n = 0;
    while (line[n])
        n++;
    return args_parse(args, table, globals, n, (char *const *)(uintptr_t)line);
}

static void refuses(const char *part_of_error, const char *const *line)
{
    struct args args;
    assert_int_equal(parse_line(&args, line), -EINVAL);
    if (!strstr(args.error, part_of_error))
        fail_msg("\"%s\" does not say \"%s\"", args.error, part_of_error);
}

#define REFUSES(part, ...) refuses(part, (const char *const[]){__VA_ARGS__, NULL})

static void test_words_and_options_in_any_order(void **state)
{
    (void)state;
    struct args args;
    assert_int_equal(
        PARSE(&args, "-o", "json", "call", "--timeout", "1.5s", "echo", "--url=ipc:x", "say", "{}"),
        0);
    assert_ptr_equal(args.command, &call);
    assert_int_equal(args.n_words, 3);
    assert_string_equal(args_word(&args, 0), "echo");
    assert_string_equal(args_word(&args, 1), "say");
    assert_string_equal(args_word(&args, 2), "{}");
    assert_null(args_word(&args, 3));
    assert_string_equal(args_text(&args, "output", ""), "json");
    assert_string_equal(args_text(&args, "url", ""), "ipc:x");
    assert_int_equal(args_number(&args, "timeout", 0), 1500);
    assert_int_equal(args_number(&args, "count", 7), 7);
}

static void test_short_forms(void **state)
{
    (void)state;
    struct args args;
    assert_int_equal(PARSE(&args, "services", "-ojson", "-q"), 0);
    assert_string_equal(args_text(&args, "output", ""), "json");
    assert_true(args_has(&args, "quiet"));
    assert_int_equal(PARSE(&args, "services", "-o=table"), 0);
    assert_string_equal(args_text(&args, "output", ""), "table");
}

static void test_the_usual_verb(void **state)
{
    (void)state;
    struct args args;
    assert_int_equal(PARSE(&args, "services"), 0);
    assert_ptr_equal(args.command, &list);
    assert_int_equal(PARSE(&args, "services", "list"), 0);
    assert_ptr_equal(args.command, &list);
    assert_int_equal(PARSE(&args, "services", "show", "show"), 0);
    assert_ptr_equal(args.command, &show);
    assert_string_equal(args_word(&args, 0), "show");
    REFUSES("it has: list, show", "services", "lst");
    REFUSES("needs one of: mint", "token");
    REFUSES("it has: mint", "token", "burn");
}

static void test_a_value_that_may_lack(void **state)
{
    (void)state;
    struct args args;
    assert_int_equal(PARSE(&args, "services", "--deep", "show", "echo"), 0);
    assert_ptr_equal(args.command, &show);
    assert_true(args_has(&args, "deep"));
    assert_int_equal(PARSE(&args, "services", "--watch", "list"), 0);
    assert_true(args_has(&args, "watch"));
    assert_int_equal(args_number(&args, "watch", 2000), 2000);
    assert_int_equal(PARSE(&args, "services", "--watch", "5s"), 0);
    assert_int_equal(args_number(&args, "watch", 2000), 5000);
    REFUSES("--watch wants a duration like 30s or 1h30m, not '-1'", "services", "--watch", "-1");
    REFUSES("--watch wants a duration like 30s or 1h30m, not '0x'", "services", "--watch", "0x");
    REFUSES("--watch wants a duration like 30s or 1h30m, not '0'", "services", "--watch", "0");
    assert_int_equal(PARSE(&args, "services", "--watch=250ms", "list"), 0);
    assert_int_equal(args_number(&args, "watch", 2000), 250);
}

static void test_repeated_options_keep_their_order(void **state)
{
    (void)state;
    struct args args;
    unsigned cursor = 0;
    assert_int_equal(PARSE(&args, "call", "--perm", "a", "s", "--perm=b", "m", "--perm", "c"), 0);
    assert_string_equal(args_next(&args, "perm", &cursor), "a");
    assert_string_equal(args_next(&args, "perm", &cursor), "b");
    assert_string_equal(args_next(&args, "perm", &cursor), "c");
    assert_null(args_next(&args, "perm", &cursor));
    assert_string_equal(args_text(&args, "perm", ""), "c");
}

static void test_what_looks_like_an_option_but_is_none(void **state)
{
    (void)state;
    struct args args;
    assert_int_equal(PARSE(&args, "call", "s", "m", "-"), 0);
    assert_string_equal(args_word(&args, 2), "-");
    assert_int_equal(PARSE(&args, "call", "s", "m", "-5"), 0);
    assert_string_equal(args_word(&args, 2), "-5");
    assert_int_equal(PARSE(&args, "call", "s", "m", "--", "--help"), 0);
    assert_string_equal(args_word(&args, 2), "--help");
    assert_false(args.help);
}

static void test_mistakes_are_named(void **state)
{
    (void)state;
    REFUSES("unknown command 'cal'", "cal");
    REFUSES("unknown option '--colour'", "services", "--colour");
    REFUSES("unknown option '-x'", "services", "-x");
    REFUSES("unknown option '--o'", "services", "--o", "json");
    REFUSES("--output needs a value: table|json", "services", "-o");
    REFUSES("--output is one of table|json, not 'xml'", "services", "-o", "xml");
    REFUSES("not 'table|json'", "services", "-o", "table|json");
    REFUSES("--quiet takes no value", "services", "--quiet=yes");
    REFUSES("--count wants a number from 1, not '0'", "call", "s", "m", "--count", "0");
    REFUSES("not '-1'", "call", "s", "m", "--count=-1");
    REFUSES("not '99999999999999999999'", "call", "s", "m", "--count=99999999999999999999");
    REFUSES("--timeout wants a duration", "call", "s", "m", "--timeout", "soon");
    REFUSES("--url needs a value: URL", "call", "s", "m", "--url", "");
    REFUSES("--url needs a value: URL", "call", "s", "m", "--url=");
    REFUSES("unknown option '--timeout'", "services", "--timeout", "1s");
    REFUSES("--deep does not belong to services list", "services", "--deep", "list");
    REFUSES("missing argument: SERVICE METHOD [JSON|-]", "call", "s");
    REFUSES("unexpected 'more'", "call", "s", "m", "{}", "more");
}

static void test_an_empty_line_is_no_mistake(void **state)
{
    (void)state;
    struct args args;
    assert_int_equal(args_parse(&args, table, globals, 0, NULL), 0);
    assert_null(args.noun);
    assert_null(args.command);
}

static void test_too_much_is_refused(void **state)
{
    (void)state;
    const char *line[2 * ARGS_GIVEN_MAX + 8];
    size_t n = 0;
    line[n++] = "services";
    while (n <= ARGS_GIVEN_MAX + 1)
        line[n++] = "-q";
    line[n] = NULL;
    refuses("too many options", line);
    for (n = 1; n <= ARGS_WORDS_MAX + 1; n++)
        line[n] = "x";
    line[n] = NULL;
    refuses("too many arguments", line);
}

static void helps(const char *wanted, const char *const *line)
{
    struct args args;
    struct buf text = {0};
    assert_int_equal(parse_line(&args, line), 0);
    assert_true(args.help);
    help_print(&text, &args, table, globals);
    buf_append(&text, "", 1);
    if (!strstr((const char *)text.data, wanted))
        fail_msg("no \"%s\" in:\n%s", wanted, (const char *)text.data);
    buf_finish(&text);
}

#define HELPS(wanted, ...) helps(wanted, (const char *const[]){__VA_ARGS__, NULL})

static void test_help_is_reachable_from_anywhere(void **state)
{
    (void)state;
    HELPS("\n  call SERVICE METHOD [JSON|-]    call it\n", "--help");
    HELPS("Usage: farebox call SERVICE METHOD [JSON|-]", "call", "-h");
    HELPS("--timeout TIME", "call", "--help");
    HELPS("Commands:\n  services [list]                 list them\n", "services", "-h");
    HELPS("Usage: farebox services show NAME", "services", "show", "--help");
    HELPS("Usage: farebox services [list]", "services", "list", "--help");
    HELPS("-o, --output table|json", "--nonsense", "call", "--count", "x", "--help");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_and_options_in_any_order),
        cmocka_unit_test(test_short_forms),
        cmocka_unit_test(test_the_usual_verb),
        cmocka_unit_test(test_a_value_that_may_lack),
        cmocka_unit_test(test_repeated_options_keep_their_order),
        cmocka_unit_test(test_what_looks_like_an_option_but_is_none),
        cmocka_unit_test(test_mistakes_are_named),
        cmocka_unit_test(test_an_empty_line_is_no_mistake),
        cmocka_unit_test(test_too_much_is_refused),
        cmocka_unit_test(test_help_is_reachable_from_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
