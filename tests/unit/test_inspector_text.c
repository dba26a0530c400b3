#include "../testing.h"

#include "../../inspector/csv.h"
#include "../../inspector/duration.h"
#include "../../inspector/human.h"
#include "../../inspector/moment.h"
#include "../../inspector/permission.h"
#include "../../inspector/pretty.h"
#include "../../inspector/table.h"
#include "../../inspector/usage_time.h"

#include <stdlib.h>
#include <string.h>

static void equals(struct buf *text, const char *wanted)
{
    buf_append(text, "", 1);
    assert_string_equal((const char *)text->data, wanted);
    buf_finish(text);
}

/* ---- durations ---- */

static void lasts(const char *text, uint64_t wanted)
{
    uint64_t ms = 0;
    if (!duration_parse(text, &ms) || ms != wanted)
        fail_msg("\"%s\" became %llu", text, (unsigned long long)ms);
}

static void is_no_duration(const char *text)
{
    uint64_t ms = 42;
    if (duration_parse(text, &ms) || ms != 42)
        fail_msg("\"%s\" was taken for a duration", text);
}

static void test_durations(void **state)
{
    (void)state;
    lasts("250ms", 250);
    lasts("1", 1000);
    lasts("30s", 30000);
    lasts("0.5", 500);
    lasts("1.5s", 1500);
    lasts("2m", 120000);
    lasts("1h30m", 5400000);
    lasts("1h0m5s", 3605000);
    lasts("7d", 7ull * 86400000);
    lasts("3650d", DURATION_MS_MAX);
    static const char *const wrong[] = {"",      "s",     "0",     "0s",  "-1s",  "1x",
                                        "1 s",   "1s ",   "1.5.5", ".5s", "1h30", "30s1",
                                        "3651d", "0.1ms", "1e3",   "inf"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        is_no_duration(wrong[i]);
}

/* ---- moments ---- */

static void is_at(const char *text, uint64_t wanted_s)
{
    uint64_t ms = 42;
    if (!moment_parse(text, &ms) || ms != wanted_s * 1000)
        fail_msg("\"%s\" became %llu", text, (unsigned long long)ms);
}

static void test_moments(void **state)
{
    (void)state;
    is_at("never", 0);
    is_at("1970-01-02", 86400);
    is_at("2024-02-29", 1709164800);
    is_at("2026-12-31T18:30Z", 1798741800);
    is_at("2026-12-31T23:59:59Z", 1798761599);
    static const char *const wrong[] = {"",
                                        "now",
                                        "1970-01-01",
                                        "1969-12-31",
                                        "2023-02-29",
                                        "2026-04-31",
                                        "2026-13-01",
                                        "2026-00-10",
                                        "2026-1-1",
                                        "2026-12-31T24:00Z",
                                        "2026-12-31 ",
                                        "26-12-31",
                                        "2026-12-31T18:30",
                                        "2026-12-31T18:60Z",
                                        "2026-12-31T18:30:60Z"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint64_t ms = 42;
        if (moment_parse(wrong[i], &ms) || ms != 42)
            fail_msg("\"%s\" was taken for a moment", wrong[i]);
    }
}

/* ---- units ---- */

static void shows(void (*show)(struct buf *, uint64_t), uint64_t value, const char *wanted)
{
    struct buf text = {0};
    show(&text, value);
    equals(&text, wanted);
}

static void test_counts(void **state)
{
    (void)state;
    shows(human_count, 0, "0");
    shows(human_count, 999, "999");
    shows(human_count, 1000, "1.0k");
    shows(human_count, 1234, "1.2k");
    shows(human_count, 9949, "9.9k");
    shows(human_count, 9950, "10k");
    shows(human_count, 999499, "999k");
    shows(human_count, 999500, "1.0M");
    shows(human_count, UINT64_MAX, "18E");
}

static void test_bytes_and_times(void **state)
{
    (void)state;
    shows(human_bytes, 1023, "1023 B");
    shows(human_bytes, 1024, "1.0 KiB");
    shows(human_bytes, 3565158, "3.4 MiB");
    shows(human_micros, 999, "999 us");
    shows(human_micros, 1234, "1.2 ms");
    shows(human_micros, 34000000, "34 s");
    shows(human_micros, 7200000000, "7200 s");
    shows(human_nanos, 12, "12 ns");
    shows(human_nanos, 215000, "215 us");
    shows(human_span, 850, "850ms");
    shows(human_span, 59999, "59s");
    shows(human_span, 192000, "3m12s");
    shows(human_span, 14700000, "4h05m");
    shows(human_span, 1047600000, "12d03h");
    shows(human_clock, 1715938200125, "09:30:00.125");
    struct buf text = {0};
    human_date(&text, 1715938200);
    equals(&text, "2024-05-17 09:30:00Z");
}

static void test_text_from_strangers_cannot_drive_the_terminal(void **state)
{
    (void)state;
    struct buf text = {0};
    human_text(&text, slice_of("a\033[2Jb\r\n\x7f \xc2\x9b"
                               "31m caf\xc3\xa9"));
    equals(&text, "a?[2Jb??? ?31m caf\xc3\xa9");
    human_text(&text, slice_of("cut \xc2"));
    equals(&text, "cut \xc2");
}

/* ---- tables ---- */

static const struct table_head heads[] = {{"NAME", false}, {"CALLS", true}, {"STATE", false}};

static void add_row(struct table *table, const char *name, const char *calls, const char *service,
                    enum tone tone)
{
    table_add(table, slice_of(name), TONE_PLAIN);
    table_add(table, slice_of(calls), TONE_PLAIN);
    table_add(table, slice_of(service), tone);
}

static void test_columns_align(void **state)
{
    (void)state;
    struct table table;
    struct buf text = {0};
    table_init(&table, heads, 3);
    add_row(&table, "echo", "7", "ready", TONE_GOOD);
    add_row(&table, "caf\xc3\xa9-bridge", "1234567", "", TONE_PLAIN);
    add_row(&table, "", "12", "do\nwn", TONE_BAD);
    assert_int_equal(table_rows(&table), 3);
    table_print(&table, false, &text);
    equals(&text, "NAME           CALLS  STATE\n"
                  "echo               7  ready\n"
                  "caf\xc3\xa9-bridge  1234567  -\n"
                  "-                 12  do?wn\n");
    table_print(&table, true, &text);
    equals(&text, "\033[1mNAME\033[0m           \033[1mCALLS\033[0m  \033[1mSTATE\033[0m\n"
                  "echo               7  \033[32mready\033[0m\n"
                  "caf\xc3\xa9-bridge  1234567  -\n"
                  "-                 12  \033[31mdo?wn\033[0m\n");
    table_finish(&table);
}

static void test_rows_are_sorted_whole(void **state)
{
    (void)state;
    struct table table;
    struct buf text = {0};
    table_init(&table, heads, 3);
    table_sort(&table);
    add_row(&table, "b", "1", "x", TONE_PLAIN);
    add_row(&table, "ab", "2", "y", TONE_PLAIN);
    add_row(&table, "a", "3", "z", TONE_PLAIN);
    table_sort(&table);
    table_print(&table, false, &text);
    equals(&text, "NAME  CALLS  STATE\n"
                  "a         3  z\n"
                  "ab        2  y\n"
                  "b         1  x\n");
    table_finish(&table);
}

static void test_a_table_without_titles_or_rows(void **state)
{
    (void)state;
    static const struct table_head untitled[] = {{NULL, false}, {NULL, true}};
    struct table table;
    struct buf text = {0};
    table_init(&table, heads, 3);
    table_print(&table, false, &text);
    equals(&text, "NAME  CALLS  STATE\n");
    table_finish(&table);
    table_init(&table, untitled, 2);
    for (int i = 0; i < 200; i++)
        table_add(&table, slice_of(i % 2 ? "10" : "a"), TONE_PLAIN);
    table_print(&table, false, &text);
    assert_int_equal(text.len, 100 * strlen("a  10\n"));
    buf_finish(&text);
    table_finish(&table);
}

/* ---- JSON for people ---- */

static void lays_out(const char *json, const char *wanted)
{
    struct buf text = {0};
    pretty_json(&text, slice_of(json));
    equals(&text, wanted);
}

static void test_short_json_stays_on_its_line(void **state)
{
    (void)state;
    lays_out("null", "null");
    lays_out("\"a{b\"", "\"a{b\"");
    lays_out("{}", "{}");
    lays_out("{\"a\":1,\"b\":[1,2,{}]}", "{\"a\": 1, \"b\": [1, 2, {}]}");
    lays_out("[\"q\\\"],\\\\\",\"}\"]", "[\"q\\\"],\\\\\", \"}\"]");
}

static void test_long_json_is_indented(void **state)
{
    (void)state;
    lays_out("{\"bars\":[[\"2000-01-03\",1469.25,1478,1438.36,1455.22,931800000],"
             "[\"2000-01-04\",1455.22,1455.22,1397.43,1399.42,1009000000]],\"symbol\":\"sp500\"}",
             "{\n"
             "  \"bars\": [\n"
             "    [\"2000-01-03\", 1469.25, 1478, 1438.36, 1455.22, 931800000],\n"
             "    [\"2000-01-04\", 1455.22, 1455.22, 1397.43, 1399.42, 1009000000]\n"
             "  ],\n"
             "  \"symbol\": \"sp500\"\n"
             "}");
}

static void test_control_characters_are_escaped_in_json(void **state)
{
    (void)state;
    lays_out("[\"\x7f\xc2\x9b"
             "1m\",\"caf\xc3\xa9\"]",
             "[\"\\u007f\\u009b1m\", \"caf\xc3\xa9\"]");
}

/* Whatever the layout, taking the blanks between tokens away gives the JSON back. */
static void test_layout_only_adds_blanks(void **state)
{
    (void)state;
    struct rng rng = {1};
    for (int round = 0; round < 200; round++) {
        struct buf json = {0}, text = {0};
        unsigned depth = 0;
        uint64_t length = rng_below(&rng, 60);
        for (uint64_t i = 0; i < length; i++) {
            if (rng_below(&rng, 3) == 0 && depth < 20) {
                buf_printf(&json, "[");
                depth++;
            } else {
                buf_printf(&json, "\"%.*s\",", (int)rng_below(&rng, 30),
                           "[]{}:,\\\\[]{}:,\\\\[]{}:,\\\\[]{}:,");
            }
            if (rng_below(&rng, 4) == 0 && depth) {
                buf_printf(&json, "1],");
                depth--;
            }
        }
        while (depth--)
            buf_printf(&json, "0]");
        pretty_json(&text, buf_slice(&json));
        size_t at = 0;
        for (size_t i = 0; i < text.len; i++)
            if (text.data[i] != ' ' && text.data[i] != '\n')
                assert_int_equal(text.data[i], json.data[at++]);
        assert_int_equal(at, json.len);
        buf_finish(&json);
        buf_finish(&text);
    }
}

/* ---- permissions ---- */

static void test_permissions(void **state)
{
    (void)state;
    static const char *const right[] = {"call:orders.*",        "call:*",
                                        "call:bus.registry.*",  "publish:market.>",
                                        "subscribe:*/orders.>", "serve:acme/orders",
                                        "admin:sessions",       "admin:acme/sessions"};
    static const char *const wrong[] = {"",        "call",          "call:",          "cal:orders",
                                        "CALL:a",  "call:Orders.*", "call:orders..x", "admin:a/b/c",
                                        ":a",      "call:>.a",      "serve:/a",       "serve:a/",
                                        "call: a", "subscribe:>/a"};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        if (!permission_valid(right[i]))
            fail_msg("refused: %s", right[i]);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (permission_valid(wrong[i]))
            fail_msg("accepted: %s", wrong[i]);
}

/* ---- times of usage ---- */

static void is_time(const char *text, int64_t unix_s, const char *wanted)
{
    char room[USAGE_TIME_BYTES];
    assert_string_equal(usage_time_read(text, unix_s, room), wanted);
}

static void test_times_of_usage(void **state)
{
    const int64_t leap = 1709251199, first = 1767225600; /* 2024-02-29T23:59:59, 2026-01-01 */
    (void)state;
    is_time("today", leap, "2024-02-29");
    is_time("today", leap + 1, "2024-03-01");
    is_time("yesterday", leap + 1, "2024-02-29");
    is_time("yesterday", first, "2025-12-31");
    is_time("this-month", leap, "2024-02");
    is_time("this-month", leap + 1, "2024-03");
    is_time("last-month", leap + 1, "2024-02");
    is_time("last-month", leap, "2024-01");
    is_time("last-month", first, "2025-12");
    is_time("last-month", first - 1, "2025-11");
    is_time("", leap, "");
    is_time("2026-11", leap, "2026-11");
    is_time("todays", leap, "todays"); /* the broker says what is wrong with it */
}

/* ---- comma-separated values ---- */

static void is_written(const char *name, const char *wanted)
{
    struct buf field = {0};
    csv_put_name(&field, name);
    equals(&field, wanted);
}

static void test_names_are_no_formulas(void **state)
{
    (void)state;
    is_written("ann@acme.com", "ann@acme.com");
    is_written("a=1+1", "a=1+1");
    is_written("2026-11-24T13", "2026-11-24T13");
    is_written("", "");
    is_written("=1+1", "'=1+1");
    is_written("+1", "'+1");
    is_written("-1", "'-1");
    is_written("@sum(a1)", "'@sum(a1)");
    is_written("'ann", "''ann");
    is_written("\t=1", "\"'\t=1\"");
    is_written("\r=1", "\"'\r=1\"");
    is_written("ann,bob", "\"ann,bob\"");
    is_written("ann;=1", "\"ann;=1\"");
    is_written("=cmd|'/c,x'!a1", "\"'=cmd|'/c,x'!a1\"");
    is_written("\"ann\"", "\"\"\"ann\"\"\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_bytes_and_times),
        cmocka_unit_test(test_text_from_strangers_cannot_drive_the_terminal),
        cmocka_unit_test(test_columns_align),
        cmocka_unit_test(test_rows_are_sorted_whole),
        cmocka_unit_test(test_a_table_without_titles_or_rows),
        cmocka_unit_test(test_short_json_stays_on_its_line),
        cmocka_unit_test(test_long_json_is_indented),
        cmocka_unit_test(test_control_characters_are_escaped_in_json),
        cmocka_unit_test(test_layout_only_adds_blanks),
        cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_times_of_usage),
        cmocka_unit_test(test_names_are_no_formulas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
