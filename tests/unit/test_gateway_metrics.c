/* What GET /metrics says, held to the text format of Prometheus and to docs/gateway.md. */
#include "../testing.h"

#include "../../gateway/metrics.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAMILIES_MAX 64u
#define NAME_BYTES 64u

static struct family {
    char name[NAME_BYTES], type[16];
    bool has_type;
    unsigned samples;
} families[FAMILIES_MAX];
static size_t n_families;

static char *text; /* what is read */

static struct family *family_of(const char *name)
{
    for (size_t i = 0; i < n_families; i++)
        if (strcmp(families[i].name, name) == 0)
            return &families[i];
    return NULL;
}

static size_t name_len(const char *at)
{
    size_t len = 0;
    while (isalpha((unsigned char)at[len]) || at[len] == '_' || at[len] == ':' ||
           (len > 0 && isdigit((unsigned char)at[len])))
        len++;
    return len;
}

/* Behind "# HELP " or "# TYPE ": the name, and returns what follows it. */
static const char *take_name(const char *at, char name[NAME_BYTES])
{
    size_t len = name_len(at);
    assert_in_range(len, 1, NAME_BYTES - 1);
    assert_int_equal(at[len], ' ');
    snprintf(name, NAME_BYTES, "%.*s", (int)len, at);
    return at + len + 1;
}

static void take_help(const char *at)
{
    char name[NAME_BYTES];
    const char *help = take_name(at, name);
    assert_null(family_of(name)); /* once, and before anything else of it */
    assert_true(strlen(help) > 0);
    assert_true(n_families < FAMILIES_MAX);
    snprintf(families[n_families++].name, NAME_BYTES, "%s", name);
}

static void take_type(const char *at)
{
    char name[NAME_BYTES];
    const char *type = take_name(at, name);
    struct family *family = family_of(name);
    assert_ptr_equal(family, &families[n_families - 1]);
    assert_false(family->has_type);
    assert_true(strcmp(type, "counter") == 0 || strcmp(type, "gauge") == 0 ||
                strcmp(type, "histogram") == 0);
    snprintf(family->type, sizeof family->type, "%s", type);
    family->has_type = true;
    bool total = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;
    assert_int_equal(total, strcmp(type, "counter") == 0);
}

/* {name="value"}: only \\, \" and \n are escapes. Returns what follows. */
static const char *take_label(const char *at)
{
    size_t len = name_len(++at);
    assert_true(len > 0);
    at += len;
    assert_memory_equal(at, "=\"", 2);
    for (at += 2; *at != '"'; at++) {
        assert_true(*at);
        if (*at == '\\') {
            at++;
            assert_true(*at == '\\' || *at == '"' || *at == 'n');
        }
    }
    assert_int_equal(at[1], '}');
    return at + 2;
}

static void take_sample(const char *at)
{
    char name[NAME_BYTES], *end = NULL;
    struct family *family = &families[n_families - 1];
    size_t len = name_len(at), own = strlen(family->name);
    assert_true(len >= own && len < NAME_BYTES);
    snprintf(name, sizeof name, "%.*s", (int)len, at);
    assert_memory_equal(name, family->name, own);
    const char *more = name + own;
    bool histogram = strcmp(family->type, "histogram") == 0;
    assert_true(histogram ? strcmp(more, "_bucket") == 0 || strcmp(more, "_sum") == 0 ||
                                strcmp(more, "_count") == 0
                          : !*more);
    at += len;
    if (*at == '{')
        at = take_label(at);
    assert_int_equal(*at, ' ');
    (void)strtod(at + 1, &end);
    assert_true(end > at + 1 && !*end);
    family->samples++;
}

static void take_text(const struct traffic *traffic, const json_t *stats)
{
    struct buf out = {0};
    char *rest = NULL;
    metrics_write(&out, traffic, stats);
    assert_int_equal(out.data[out.len - 1], '\n');
    text = strndup((const char *)out.data, out.len);
    char *lines = strndup((const char *)out.data, out.len);
    buf_finish(&out);
    n_families = 0;
    memset(families, 0, sizeof families);
    for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (strncmp(line, "# HELP ", 7) == 0)
            take_help(line + 7);
        else if (strncmp(line, "# TYPE ", 7) == 0)
            take_type(line + 7);
        else
            take_sample(line);
    free(lines);
}

/* As bus.stats says them, with names that nobody would choose. */
static json_t *all_stats(void)
{
    static const char *const numbers[] = {
        "uptime_ms", "sessions",   "connections", "calls",       "calls_pending", "one_shot",
        "published", "delivered",  "missed",      "frames_in",   "frames_out",    "bytes_in",
        "bytes_out", "bad_frames", "identities",  "memory_bytes"};
    json_t *stats = json_pack(
        "{s:{s:i,s:i,s:i}, s:{s:i,s:i}, s:{s:i,s:i}, s:[{s:s,s:i,s:i,s:i}]}", "store", "commits", 1,
        "queued", 2, "quarantined", 3, "journal", "waiting", 4, "held", 5, "errors", "a\"b\\c\nd",
        6, "timeout", 7, "filters", "name", "e\"f\\\n", "passed", 8, "refused", 9, "waited", 10);
    assert_non_null(stats);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(stats, numbers[i], json_integer((json_int_t)i));
    return stats;
}

static void it_is_the_text_format(void **state)
{
    struct traffic traffic = {0};
    json_t *stats = all_stats();
    (void)state;
    traffic_count(&traffic, 200, 1, 2, 3);
    traffic_count(&traffic, 503, UINT64_MAX / 2, 2, 3);
    take_text(&traffic, stats);
    for (size_t i = 0; i < n_families; i++) {
        assert_true(families[i].has_type);
        assert_true(families[i].samples > 0);
    }
    assert_non_null(strstr(text, "\nfarebox_errors_total{code=\"a\\\"b\\\\c\\nd\"} 6\n"));
    assert_non_null(strstr(text, "\nfarebox_filter_refused_total{filter=\"e\\\"f\\\\\\n\"} 9\n"));
    assert_non_null(strstr(text, "farebox_gateway_broker_up 1\n"));
    free(text);
    json_decref(stats);
}

static void without_the_broker_it_is_the_gateways_alone(void **state)
{
    struct traffic traffic = {0};
    (void)state;
    take_text(&traffic, NULL);
    for (size_t i = 0; i < n_families; i++)
        assert_memory_equal(families[i].name, "farebox_gateway_", 16);
    assert_non_null(strstr(text, "farebox_gateway_broker_up 0\n"));
    free(text);
}

/* `farebox_x` in a table's row: "| `farebox_x` | ". */
static void the_documentation_names_them(void **state)
{
    static char manual[65536];
    struct traffic traffic = {0};
    json_t *stats = all_stats();
    unsigned rows = 0;
    (void)state;
    FILE *file = fopen("docs/gateway.md", "r"); /* tests run at the top of the tree */
    assert_non_null(file);
    manual[fread(manual, 1, sizeof manual - 1, file)] = '\0';
    (void)fclose(file);
    take_text(&traffic, stats);
    for (size_t i = 0; i < n_families; i++) {
        char row[NAME_BYTES + 32];
        snprintf(row, sizeof row, "\n| `%.63s` | %.15s | ", families[i].name, families[i].type);
        if (!strstr(manual, row))
            fail_msg("not in docs/gateway.md: %s", row);
    }
    for (const char *at = manual; (at = strstr(at, "\n| `farebox_")); at++)
        rows++;
    assert_int_equal(rows, n_families); /* and no others */
    free(text);
    json_decref(stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_text_format),
        cmocka_unit_test(without_the_broker_it_is_the_gateways_alone),
        cmocka_unit_test(the_documentation_names_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
