/* MessagePack <-> JSON: written examples both ways, and everything that is refused. */
#include "../testing.h"

#include "wire/json.h"

#include <errno.h>
#include <locale.h>

/* ---- examples ---- */

struct example {
    const char *json;
    const char *msgpack;
    size_t len;
};
#define EXAMPLE(json, msgpack)             \
    {                                      \
        json, msgpack, sizeof(msgpack) - 1 \
    }

/* Both ways, exactly. */
static const struct example examples[] = {
    EXAMPLE("null", "\xc0"),
    EXAMPLE("true", "\xc3"),
    EXAMPLE("false", "\xc2"),
    EXAMPLE("0", "\x00"),
    EXAMPLE("127", "\x7f"),
    EXAMPLE("128", "\xcc\x80"),
    EXAMPLE("255", "\xcc\xff"),
    EXAMPLE("256", "\xcd\x01\x00"),
    EXAMPLE("65536", "\xce\x00\x01\x00\x00"),
    EXAMPLE("4294967296", "\xcf\x00\x00\x00\x01\x00\x00\x00\x00"),
    EXAMPLE("18446744073709551615", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
    EXAMPLE("-1", "\xff"),
    EXAMPLE("-32", "\xe0"),
    EXAMPLE("-33", "\xd0\xdf"),
    EXAMPLE("-128", "\xd0\x80"),
    EXAMPLE("-129", "\xd1\xff\x7f"),
    EXAMPLE("-32769", "\xd2\xff\xff\x7f\xff"),
    EXAMPLE("-2147483649", "\xd3\xff\xff\xff\xff\x7f\xff\xff\xff"),
    EXAMPLE("-9223372036854775808", "\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
    EXAMPLE("1.0", "\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"),
    EXAMPLE("0.1", "\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a"),
    EXAMPLE("0.30000000000000004", "\xcb\x3f\xd3\x33\x33\x33\x33\x33\x34"),
    EXAMPLE("-0.0", "\xcb\x80\x00\x00\x00\x00\x00\x00\x00"),
    EXAMPLE("1e+300", "\xcb\x7e\x37\xe4\x3c\x88\x00\x75\x9c"),
    EXAMPLE("1.7976931348623157e+308", "\xcb\x7f\xef\xff\xff\xff\xff\xff\xff"),
    EXAMPLE("\"\"", "\xa0"),
    EXAMPLE("\"a\\\"b\\\\c/\"", "\xa6"
                                "a\"b\\c/"),
    EXAMPLE("\"\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\"", "\xa8\b\f\n\r\t\0\x1f\x7f"),
    EXAMPLE("\"é€😀\"", "\xa9é€😀"),
    EXAMPLE("[]", "\x90"),
    EXAMPLE("{}", "\x80"),
    EXAMPLE("[1,[2,[]],{\"a\":{\"b\":null}}]", "\x93\x01\x92\x02\x90\x81\xa1"
                                               "a\x81\xa1"
                                               "b\xc0"),
    EXAMPLE("[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]",
            "\xdc\x00\x10\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"),
};

/* JSON that says the same in other words, or MessagePack that does. */
static const struct example only_from_json[] = {
    EXAMPLE(" \t\r\n[ 1 , 2 ] ", "\x92\x01\x02"),
    EXAMPLE("{ \"a\" : [ ] }", "\x81\xa1"
                               "a\x90"),
    EXAMPLE("-0", "\x00"),
    EXAMPLE("1E2", "\xcb\x40\x59\x00\x00\x00\x00\x00\x00"),
    EXAMPLE("1e-400", "\xcb\x00\x00\x00\x00\x00\x00\x00\x00"),
    EXAMPLE("\"\\u00e9\\u20AC\\ud83d\\uDE00\\/\"", "\xaaé€😀/"),
};

static const struct example only_from_msgpack[] = {
    EXAMPLE("null", ""),
    EXAMPLE("1", "\xd3\x00\x00\x00\x00\x00\x00\x00\x01"),
    EXAMPLE("-1", "\xd2\xff\xff\xff\xff"),
    EXAMPLE("0.5", "\xca\x3f\x00\x00\x00"),
    EXAMPLE("\"ab\"", "\xdb\x00\x00\x00\x02"
                      "ab"),
    EXAMPLE("[null]", "\xdd\x00\x00\x00\x01\xc0"),
    EXAMPLE("{\"k\":0}", "\xdf\x00\x00\x00\x01\xa1k\x00"),
    EXAMPLE("{\"a\":1,\"a\":2}", "\x82\xa1"
                                 "a\x01\xa1"
                                 "a\x02"),
    EXAMPLE("\"\"", "\xc4\x00"),
    EXAMPLE("\"AA==\"", "\xc4\x01\x00"),
    EXAMPLE("\"+/8A\"", "\xc5\x00\x03\xfb\xff\x00"),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void expect_json(struct slice msgpack, const char *json)
{
    struct buf out = {0};
    buf_append(&out, "before", 6);
    assert_int_equal(json_from_msgpack(&out, msgpack, NULL), 0);
    buf_append(&out, "", 1);
    assert_memory_equal(out.data, "before", 6);
    assert_string_equal((const char *)out.data + 6, json);
    buf_finish(&out);
}

static void expect_msgpack(struct slice json, struct slice msgpack)
{
    struct buf out = {0};
    struct json_error why = {""};
    int rc = msgpack_from_json(&out, json, &why);
    if (rc < 0)
        print_error("%s\n", why.text);
    assert_int_equal(rc, 0);
    assert_int_equal(out.len, msgpack.len);
    assert_memory_equal(out.data, msgpack.data, msgpack.len);
    assert_true(msgpack_valid(buf_slice(&out)));
    buf_finish(&out);
}

static void written_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(examples); i++) {
        expect_json(slice_make(examples[i].msgpack, examples[i].len), examples[i].json);
        expect_msgpack(slice_of(examples[i].json),
                       slice_make(examples[i].msgpack, examples[i].len));
    }
    for (size_t i = 0; i < COUNT(only_from_json); i++)
        expect_msgpack(slice_of(only_from_json[i].json),
                       slice_make(only_from_json[i].msgpack, only_from_json[i].len));
    for (size_t i = 0; i < COUNT(only_from_msgpack); i++)
        expect_json(slice_make(only_from_msgpack[i].msgpack, only_from_msgpack[i].len),
                    only_from_msgpack[i].json);
}

/* A name may be there in each of several objects, and be the beginning of another. */
static void names_said_once_each(void **state)
{
    static const char json[] =
        "{\"a\":{\"a\":1,\"aa\":{\"a\":2}},\"\":[{\"a\":3},{\"a\":4}],\"aa\":5}";
    struct buf msgpack = {0};
    (void)state;
    assert_int_equal(msgpack_from_json(&msgpack, slice_of(json), NULL), 0);
    expect_json(buf_slice(&msgpack), json);
    buf_finish(&msgpack);
}

/* ---- refusals ---- */

static void refused_json(struct slice json, int rc)
{
    struct buf out = {0};
    struct json_error why = {""};
    buf_append(&out, "kept", 4);
    assert_int_equal(msgpack_from_json(&out, json, &why), rc);
    assert_int_equal(out.len, 4);
    assert_memory_equal(why.text, "byte ", 5);
    buf_finish(&out);
}

static const char *const malformed_json[] = {
    "",
    " ",
    "nul",
    "nulll",
    "True",
    "1 2",
    "[",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "]",
    "{",
    "{1:2}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{\"a\" 1}",
    "{,}",
    "01",
    "-",
    "+1",
    ".5",
    "1.",
    "1.e1",
    "1e",
    "1e+",
    "--1",
    "0x10",
    "NaN",
    "Infinity",
    "'a'",
    "\"",
    "\"\\\"",
    "\"\\",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\\ud800\"",
    "\"\\udc00\"",
    "\"\\udc00\\udc00\"",
    "\"\\ud800\\u0041\"",
    "\"\\ud800\\ud800\"",
    "\"\\ud83dx\"",
    "\"\n\"",
    "\"\x1f\"",
    "\"\xff\"",
    "\"\xc0\x80\"",
    "\xef\xbb\xbf\x31",
    "// no\n1",
    "[1}",
    "{\"a\":1]",
    "{\"a\":1,\"a\":1}",
    "{\"a\":1,\"b\":2,\"\\u0061\":3}",
    "[{\"b\":{\"\":[],\"c\":0,\"\":1}}]",
};
static const char *const unsayable_json[] = {
    "18446744073709551616", "-9223372036854775809", "99999999999999999999999", "1e999", "-1e999",
};

static void wrong_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(malformed_json); i++)
        refused_json(slice_of(malformed_json[i]), -EBADMSG);
    for (size_t i = 0; i < COUNT(unsayable_json); i++)
        refused_json(slice_of(unsayable_json[i]), -ENOTSUP);
    refused_json(slice_make("1\0", 2), -EBADMSG);
    refused_json(slice_make("\"a\0b\"", 5), -EBADMSG);
    refused_json(slice_make("\"\\\0\"", 4), -EBADMSG);

    char digits[1000];
    memset(digits, '1', sizeof(digits));
    digits[1] = '.';
    refused_json(slice_make(digits, sizeof(digits)), -ENOTSUP);
    expect_msgpack(slice_make(digits, 300), slice_make("\xcb\x3f\xf1\xc7\x1c\x71\xc7\x1c\x72", 9));
}

static void refused_msgpack(struct slice msgpack, int rc)
{
    struct buf out = {0};
    struct json_error why = {""};
    buf_append(&out, "kept", 4);
    assert_int_equal(json_from_msgpack(&out, msgpack, &why), rc);
    assert_int_equal(out.len, 4);
    assert_memory_equal(why.text, "byte ", 5);
    assert_int_equal(msgpack_valid(msgpack), rc == -ENOTSUP);
    buf_finish(&out);
}

static void wrong_msgpack(void **state)
{
    (void)state;
    static const struct example malformed[] = {
        EXAMPLE("", "\xc1"),
        EXAMPLE("", "\xc0\xc0"),
        EXAMPLE("", "\x91"),
        EXAMPLE("", "\x81\xa1k"),
        EXAMPLE("", "\xa2x"),
        EXAMPLE("", "\xcf\0\0\0"),
        EXAMPLE("", "\xca\0\0"),
        EXAMPLE("", "\xd9"),
        EXAMPLE("", "\xdb\xff\xff\xff\xff"),
        EXAMPLE("", "\xc6\xff\xff\xff\xff"),
        EXAMPLE("", "\xdd\xff\xff\xff\xff\xc0"), /* four billion values, it says */
        EXAMPLE("", "\xdf\xff\xff\xff\xff\xc0"),
        EXAMPLE("", "\xdf\x80\x00\x00\x00\xc0"),
        EXAMPLE("", "\xd8\x01\x00"),
        EXAMPLE("", "\xc9\xff\xff\xff\xff\x01"),
    };
    static const struct example unsayable[] = {
        EXAMPLE("", "\xd4\x01\x00"),             /* ext */
        EXAMPLE("", "\xc7\x00\x05"),             /* ext without bytes */
        EXAMPLE("", "\x81\x01\x02"),             /* a number for a key */
        EXAMPLE("", "\xa1\xff"),                 /* text that is none */
        EXAMPLE("", "\xca\x7f\xc0\x00\x00"),     /* NaN */
        EXAMPLE("", "\xcb\x7f\xf0\0\0\0\0\0\0"), /* infinity */
    };
    for (size_t i = 0; i < COUNT(malformed); i++)
        refused_msgpack(slice_make(malformed[i].msgpack, malformed[i].len), -EBADMSG);
    for (size_t i = 0; i < COUNT(unsayable); i++)
        refused_msgpack(slice_make(unsayable[i].msgpack, unsayable[i].len), -ENOTSUP);
    assert_false(msgpack_valid(slice_of("")));
}

static void depth_is_bounded(void **state)
{
    (void)state;
    static char json[2 * 1000000];
    static uint8_t packed[1000000];
    for (size_t depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(json, '[', depth);
        memset(json + depth, ']', depth);
        memset(packed, 0x91, depth);
        packed[depth - 1] = 0x90;
        if (depth <= JSON_DEPTH_MAX) {
            expect_msgpack(slice_make(json, 2 * depth), slice_make(packed, depth));
            assert_true(msgpack_valid(slice_make(packed, depth)));
        } else {
            refused_json(slice_make(json, 2 * depth), -EMSGSIZE);
            refused_msgpack(slice_make(packed, depth), -EMSGSIZE);
        }
    }
    memset(json, '[', sizeof(json));
    refused_json(slice_make(json, sizeof(json)), -EMSGSIZE);
    memset(packed, 0x81, sizeof(packed)); /* maps as keys of maps */
    assert_false(msgpack_valid(slice_make(packed, sizeof(packed))));
    memset(packed, 0x91, sizeof(packed));
    refused_msgpack(slice_make(packed, sizeof(packed)), -EMSGSIZE);
}

/* A decimal comma in the program's locale must not reach the wire. */
static void numbers_ignore_the_locale(void **state)
{
    (void)state;
    static const char *const commas[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "pt_BR.UTF-8"};
    size_t i = 0;
    while (i < COUNT(commas) && !setlocale(LC_NUMERIC, commas[i]))
        i++;
    if (i == COUNT(commas))
        skip(); /* this machine has none with a comma */
    expect_json(slice_make("\xcb\x3f\xe0\0\0\0\0\0\0", 9), "0.5");
    expect_msgpack(slice_of("0.5"), slice_make("\xcb\x3f\xe0\0\0\0\0\0\0", 9));
    setlocale(LC_NUMERIC, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_examples), cmocka_unit_test(names_said_once_each),
        cmocka_unit_test(wrong_json),       cmocka_unit_test(wrong_msgpack),
        cmocka_unit_test(depth_is_bounded), cmocka_unit_test(numbers_ignore_the_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
