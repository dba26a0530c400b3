#include "../testing.h"

#include "base/name.h"

#include <stdio.h>

static bool every(bool (*valid)(struct slice), const char *const *texts)
{
    for (; *texts != NULL; texts++)
        if (!valid(slice_of(*texts))) {
            print_error("refused: %s\n", *texts);
            return false;
        }
    return true;
}

static bool none(bool (*valid)(struct slice), const char *const *texts)
{
    for (; *texts != NULL; texts++)
        if (valid(slice_of(*texts))) {
            print_error("accepted: %s\n", *texts);
            return false;
        }
    return true;
}

static struct slice filled(char *text, char c, size_t len)
{
    memset(text, c, len);
    return slice_make(text, len);
}

static const char *const bad_names[] = {
    "",  "-a", "_a",   "A",    "aB",       "a b", "a.b", ".",    "..", "a/b",   "a\\b",
    "*", ">",  "a%2e", "a\nb", "\xc3\xa4", "a\r", "a:b", "../x", "a$", "a\x7f", NULL};

static void names(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "0", "a-b_c", "9-", "orders", "data-bridge", NULL};
    char text[65];
    assert_true(every(name_valid, good));
    assert_true(none(name_valid, bad_names));
    assert_true(name_valid(filled(text, 'a', 63)));
    assert_false(name_valid(filled(text, 'a', 64)));
    assert_false(name_valid(slice_make("a\0b", 3)));
    assert_false(name_valid(slice_make("ab\0", 3)));
    assert_false(name_valid((struct slice){0}));
}

/* Every byte there is, at the start and behind it. */
static void names_byte_by_byte(void **state)
{
    (void)state;
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (int c = 0; c < 256; c++) {
        uint8_t start[] = {(uint8_t)c}, later[] = {'a', (uint8_t)c};
        bool starts = memchr(first, c, sizeof(first) - 1) != NULL;
        assert_int_equal(name_valid(slice_make(start, 1)), starts);
        assert_int_equal(name_valid(slice_make(later, 2)), starts || c == '-' || c == '_');
    }
}

static void services(void **state)
{
    (void)state;
    static const char *const good[] = {"orders", "bus.registry", "bus", "bus-x", NULL};
    static const char *const bad[] = {"bus.", "bus.a.b", "bus..a", "bux.a", "a.b", ".bus", NULL};
    assert_true(every(name_valid_service, good));
    assert_true(none(name_valid_service, bad));
    assert_true(none(name_valid_service, bad_names));
}

static void the_brokers_own(void **state)
{
    (void)state;
    static const char *const good[] = {"bus", "bus.", "bus.registry", "bus.a.b", NULL};
    static const char *const bad[] = {"", "bu", "buses", "bus-x", "omnibus", NULL};
    assert_true(every(name_reserved, good));
    assert_true(none(name_reserved, bad));
}

static void tenants(void **state)
{
    (void)state;
    static const char *const good[] = {"acme", "buses", "bus-x", "omnibus", NULL};
    static const char *const bad[] = {"bus", "bus.", "bus.acme", "a.b", NULL};
    assert_true(every(name_valid_tenant, good));
    assert_true(none(name_valid_tenant, bad));
    assert_true(none(name_valid_tenant, bad_names));
}

static void users(void **state)
{
    (void)state;
    static const char *const good[] = {"u", "Ann.Lee@example.org", "auth0|5f7c", "..", "a'b;--",
                                       NULL};
    static const char *const bad[] = {"",   "a b",   "a/b",      "a\\b",  "\"", "a\n",
                                      "\t", "a\x7f", "\xc3\xa4", "a\x01", NULL};
    char text[129];
    assert_true(every(name_valid_user, good));
    assert_true(none(name_valid_user, bad));
    assert_true(name_valid_user(filled(text, 'u', 128)));
    assert_false(name_valid_user(filled(text, 'u', 129)));
}

static void requests_fit_in_a_log(void **state)
{
    (void)state;
    char text[66];
    static const char *const good[] = {"1", "5f7a1a4d000000000001", "a/b\\c,{d}", NULL};
    static const char *const bad[] = {"", "a b", "a\"", "a\n", "\x7f", "\xc3\xa9", NULL};
    assert_true(every(name_valid_request, good));
    assert_true(none(name_valid_request, bad));
    assert_true(name_valid_request(filled(text, 'r', NAME_REQUEST_MAX)));
    assert_false(name_valid_request(filled(text, 'r', NAME_REQUEST_MAX + 1)));
}

static void topics_and_patterns(void **state)
{
    (void)state;
    static const char *const wild[] = {"*", ">", "a.*", "a.>", "*.b", "*.*.>", "*.a.*", NULL};
    static const char *const neither[] = {"",     ".",     "a.",  ".a",   "a..b", "a.b.",
                                          ">.a",  "a.>.b", "a*",  "*a",   "a.b*", ">>",
                                          "a.>>", "**",    "A.b", "a. b", "a.\n", NULL};
    static const char *const plain[] = {"a", "a.b", "market.bar.spx", "0.1-2.x_y", NULL};
    assert_true(every(name_valid_topic, plain));
    assert_true(every(name_valid_pattern, plain));
    assert_true(none(name_valid_topic, wild));
    assert_true(every(name_valid_pattern, wild));
    assert_true(none(name_valid_topic, neither));
    assert_true(none(name_valid_pattern, neither));
}

static void at_most_sixteen_tokens(void **state)
{
    (void)state;
    const char *sixteen = "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p";
    const char *seventeen = "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q";
    assert_true(name_valid_topic(slice_of(sixteen)));
    assert_true(name_valid_pattern(slice_of(sixteen)));
    assert_false(name_valid_topic(slice_of(seventeen)));
    assert_false(name_valid_pattern(slice_of(seventeen)));
    assert_false(name_valid_pattern(slice_of("*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.>")));
}

static void literal_matches(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *topic;
        bool matches;
    } cases[] = {
        {"orders.created", "orders.created", true},
        {"orders.created", "orders.create", false},
        {"orders.created", "orders", false},
        {"orders", "orders.created", false},
        {"orders.*", "orders.created", true},
        {"orders.*", "orders", false},
        {"orders.*", "orders.created.eu", false},
        {"orders.>", "orders.created.eu", true},
        {"orders.>", "orders", false},
        {"*.created", "orders.created", true},
        {">", "a", true},
        {">", "a.b.c", true},
        {"*", "a", true},
        {"*", "a.b", false},
        {"*.*", "a.b", true},
        {"a.*.c", "a.b.c", true},
        {"a.*.c", "a.b.d", false},
        {"*.>", "a", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(pattern_matches(slice_of(cases[i].pattern), slice_of(cases[i].topic)),
                         cases[i].matches);
}

/* Brute force: all patterns of up to four tokens over {a, b, *, >} against all
 * topics of up to five tokens over {a, b, c}. The fifth token and the third
 * letter let '>' and '*' show everything they can stand for. */
#define MAX_TEXTS 400
#define MAX_LEN 12

struct texts {
    char text[MAX_TEXTS][MAX_LEN];
    size_t count;
};

static void enumerate(struct texts *texts, const char *alphabet, size_t tokens,
                      bool (*valid)(struct slice))
{
    size_t letters = strlen(alphabet), total = 1;
    for (size_t i = 0; i < tokens; i++)
        total *= letters;
    for (size_t n = 0; n < total; n++) {
        char text[MAX_LEN] = "";
        size_t rest = n;
        for (size_t i = 0; i < tokens; i++, rest /= letters) {
            text[2 * i] = alphabet[rest % letters];
            text[2 * i + 1] = i + 1 < tokens ? '.' : '\0';
        }
        if (valid(slice_of(text)))
            memcpy(texts->text[texts->count++], text, MAX_LEN);
    }
}

/* Recursive where the real one is a loop, so that they do not share a mistake. */
static bool matches_slowly(const char *pattern, const char *topic)
{
    if (*pattern == '>')
        return *topic != '\0';
    if (*pattern == '\0' || *topic == '\0')
        return *pattern == *topic;
    if (*pattern != '*' && *pattern != *topic)
        return false;
    pattern++;
    topic++;
    if (*pattern == '.' && *topic == '.')
        return matches_slowly(pattern + 1, topic + 1);
    return *pattern == '\0' && *topic == '\0';
}

static struct texts patterns, topics;

static int enumerate_all(void **state)
{
    (void)state;
    for (size_t tokens = 1; tokens <= 4; tokens++)
        enumerate(&patterns, "ab*>", tokens, name_valid_pattern);
    for (size_t tokens = 1; tokens <= 5; tokens++)
        enumerate(&topics, "abc", tokens, name_valid_topic);
    return 0;
}

static void matches_as_brute_force_does(void **state)
{
    (void)state;
    for (size_t p = 0; p < patterns.count; p++)
        for (size_t t = 0; t < topics.count; t++)
            if (pattern_matches(slice_of(patterns.text[p]), slice_of(topics.text[t])) !=
                matches_slowly(patterns.text[p], topics.text[t]))
                fail_msg("%s against %s", patterns.text[p], topics.text[t]);
}

static bool covers_slowly(const char *outer, const char *inner)
{
    for (size_t t = 0; t < topics.count; t++)
        if (matches_slowly(inner, topics.text[t]) && !matches_slowly(outer, topics.text[t]))
            return false;
    return true;
}

static void covers_as_brute_force_does(void **state)
{
    (void)state;
    for (size_t o = 0; o < patterns.count; o++)
        for (size_t i = 0; i < patterns.count; i++)
            if (pattern_covers(slice_of(patterns.text[o]), slice_of(patterns.text[i])) !=
                covers_slowly(patterns.text[o], patterns.text[i]))
                fail_msg("%s over %s", patterns.text[o], patterns.text[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(names_byte_by_byte),
        cmocka_unit_test(services),
        cmocka_unit_test(the_brokers_own),
        cmocka_unit_test(tenants),
        cmocka_unit_test(users),
        cmocka_unit_test(requests_fit_in_a_log),
        cmocka_unit_test(topics_and_patterns),
        cmocka_unit_test(at_most_sixteen_tokens),
        cmocka_unit_test(literal_matches),
        cmocka_unit_test(matches_as_brute_force_does),
        cmocka_unit_test(covers_as_brute_force_does),
    };
    return cmocka_run_group_tests(tests, enumerate_all, NULL);
}
