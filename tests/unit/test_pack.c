/* MessagePack helpers: what is written is read back, and nothing malformed is read. */
#include "../testing.h"

#include "farebox.h"
#include "wire/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static fbx_value read_written(const fbx_writer *w)
{
    fbx_value value;
    assert_true(fbx_read(fbx_written(w), &value));
    return value;
}

/* ---- both ways ---- */

static void integers_keep_their_value(void **state)
{
    (void)state;
    static const int64_t numbers[] = {
        0,  1,   127, 128,  255,  256,    65535,  65536,     INT32_MAX,   UINT32_MAX, INT64_MAX,
        -1, -32, -33, -128, -129, -32768, -32769, INT32_MIN, -4294967297, INT64_MIN,
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        fbx_writer w = {0};
        fbx_write_int(&w, numbers[i]);
        fbx_value value = read_written(&w);
        assert_int_equal(value.type, numbers[i] < 0 ? FBX_INT : FBX_UINT);
        assert_true(fbx_as_int(&value, 77) == numbers[i]);
        fbx_writer_free(&w);
    }
}

static void large_naturals_are_not_mistaken_for_negatives(void **state)
{
    (void)state;
    fbx_writer w = {0};
    fbx_write_uint(&w, UINT64_MAX);
    fbx_value value = read_written(&w);
    assert_int_equal(value.type, FBX_UINT);
    assert_true(value.as.natural == UINT64_MAX);
    assert_int_equal(fbx_as_int(&value, -5), -5);
    fbx_writer_free(&w);
}

static void scalars_keep_their_value(void **state)
{
    (void)state;
    fbx_writer w = {0};
    fbx_write_array(&w, 5);
    fbx_write_nil(&w);
    fbx_write_bool(&w, true);
    fbx_write_bool(&w, false);
    fbx_write_double(&w, -0.1);
    fbx_write_bin(&w, (fbx_bytes){"\0\1", 2});
    fbx_value array = read_written(&w), value;
    const unsigned char *cursor = NULL;
    assert_true(fbx_next(&array, &cursor, &value) && value.type == FBX_NIL);
    assert_true(fbx_next(&array, &cursor, &value) && fbx_as_bool(&value, false));
    assert_true(fbx_next(&array, &cursor, &value) && !fbx_as_bool(&value, true));
    assert_true(fbx_next(&array, &cursor, &value) && fbx_as_double(&value, 0) == -0.1);
    assert_true(fbx_next(&array, &cursor, &value) && value.type == FBX_BIN);
    assert_int_equal(value.as.bytes.len, 2);
    assert_false(fbx_next(&array, &cursor, &value));
    fbx_writer_free(&w);
}

static void text_of_every_length_class(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 31, 32, 255, 256, 65535, 65536};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        char *text = malloc(lengths[i] + 1), *back = malloc(lengths[i] + 1);
        memset(text, 'x', lengths[i]);
        text[lengths[i]] = '\0';
        fbx_writer w = {0};
        fbx_write_text(&w, text);
        fbx_value value = read_written(&w);
        assert_true(fbx_as_text(&value, back, lengths[i] + 1));
        assert_string_equal(back, text);
        assert_false(fbx_as_text(&value, back, lengths[i]));
        fbx_writer_free(&w);
        free(text);
        free(back);
    }
}

static void maps_are_found_by_key_and_by_position(void **state)
{
    (void)state;
    fbx_writer w = {0};
    fbx_write_map(&w, 3);
    fbx_write_text(&w, "deep");
    fbx_write_array(&w, 2);
    fbx_write_map(&w, 1);
    fbx_write_text(&w, "symbol");
    fbx_write_text(&w, "inner");
    fbx_write_int(&w, 1);
    fbx_write_int(&w, 5);
    fbx_write_int(&w, 6);
    fbx_write_text(&w, "symbol");
    fbx_write_text(&w, "msft");
    fbx_value map = read_written(&w);
    assert_int_equal(map.count, 3);
    char text[8];
    fbx_value value = fbx_map_get(&map, "symbol");
    assert_true(fbx_as_text(&value, text, sizeof(text)));
    assert_string_equal(text, "msft");
    value = fbx_at(&map, 3);
    assert_int_equal(fbx_as_int(&value, 0), 6);
    value = fbx_map_get(&map, "deep");
    assert_int_equal(value.type, FBX_ARRAY);
    value = fbx_at(&value, 0);
    value = fbx_map_get(&value, "symbol");
    assert_true(fbx_as_text(&value, text, sizeof(text)));
    assert_string_equal(text, "inner");
    value = fbx_map_get(&map, "sym");
    assert_int_equal(value.type, FBX_NONE);
    value = fbx_at(&map, 6);
    assert_int_equal(value.type, FBX_NONE);
    fbx_writer_free(&w);
}

static void a_missing_value_is_its_default(void **state)
{
    (void)state;
    fbx_value none = {0};
    char text[4];
    assert_int_equal(fbx_as_int(&none, 3), 3);
    assert_true(fbx_as_double(&none, 0.5) == 0.5);
    assert_true(fbx_as_bool(&none, true));
    assert_false(fbx_as_text(&none, text, sizeof(text)));
    fbx_value inner = fbx_map_get(&none, "key");
    assert_int_equal(inner.type, FBX_NONE);
    assert_false(fbx_next(&none, &(const unsigned char *){NULL}, &inner));
}

/* ---- malformed ---- */

static bool reads(const char *bytes, size_t len)
{
    fbx_value value;
    return fbx_read((fbx_bytes){bytes, len}, &value);
}

static void what_is_not_exactly_one_value_is_refused(void **state)
{
    (void)state;
    assert_false(reads("", 0));
    assert_false(reads("\xc1", 1));                 /* never used */
    assert_false(reads("\x01\x02", 2));             /* two values */
    assert_false(reads("\x92\x01", 2));             /* half an array */
    assert_false(reads("\xdd\xff\xff\xff\xff", 5)); /* four thousand million elements */
    assert_false(reads("\xdb\xff\xff\xff\xff"
                       "a",
                       6));                 /* and bytes */
    assert_false(reads("\xd4\x01\x00", 3)); /* an extension */
    assert_false(reads("\xcf\x00", 2));
    assert_true(reads("\xca\x3f\x80\x00\x00", 5));
}

static void depth_is_bounded(void **state)
{
    (void)state;
    static char bytes[100000];
    memset(bytes, '\x91', sizeof(bytes));
    assert_false(reads(bytes, sizeof(bytes)));
    bytes[JSON_DEPTH_MAX] = 1;
    assert_true(reads(bytes, JSON_DEPTH_MAX + 1));
    bytes[JSON_DEPTH_MAX] = '\x91';
    bytes[JSON_DEPTH_MAX + 1] = 1;
    assert_false(reads(bytes, JSON_DEPTH_MAX + 2));
}

/* Visits everything, so that sanitizers see any view out of bounds. */
static size_t visit(const fbx_value *value)
{
    fbx_value inner;
    const unsigned char *cursor = NULL;
    size_t seen = 1;
    if (value->type == FBX_TEXT || value->type == FBX_BIN)
        for (size_t i = 0; i < value->as.bytes.len; i++)
            seen += ((const unsigned char *)value->as.bytes.data)[i] == 0;
    while (fbx_next(value, &cursor, &inner))
        seen += visit(&inner);
    return seen;
}

/* Exactly sized on the heap, so that one byte beyond is noticed. */
static bool agrees(const unsigned char *bytes, size_t len)
{
    unsigned char *copy = malloc(len > 0 ? len : 1);
    fbx_value value;
    memcpy(copy, bytes, len);
    bool read = fbx_read((fbx_bytes){copy, len}, &value);
    if (read)
        visit(&value);
    bool valid = msgpack_valid(slice_make(copy, len));
    free(copy);
    return read == valid;
}

/* Biased towards heads, so that many inputs get somewhere. */
static size_t random_bytes(struct rng *rng, unsigned char *out, size_t max)
{
    static const unsigned char heads[] = {0x80, 0x81, 0x92, 0x93, 0xa1, 0xa2, 0xc0, 0xc2,
                                          0xc4, 0xca, 0xcc, 0xd0, 0xd1, 0xd9, 0xdc, 0xde};
    size_t len = rng_below(rng, max) + 1;
    for (size_t i = 0; i < len; i++)
        out[i] = rng_below(rng, 3) ? heads[rng_below(rng, sizeof(heads))]
                                   : (unsigned char)rng_below(rng, 4);
    return len;
}

static void the_reader_agrees_with_the_validator(void **state)
{
    (void)state;
    struct rng rng = {7};
    unsigned valid = 0;
    for (unsigned i = 0; i < 200000; i++) {
        unsigned char bytes[24];
        size_t len = random_bytes(&rng, bytes, sizeof(bytes));
        fbx_value value;
        if (!agrees(bytes, len))
            fail_msg("reader and validator disagree on input %u", i);
        valid += fbx_read((fbx_bytes){bytes, len}, &value);
    }
    assert_true(valid > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_keep_their_value),
        cmocka_unit_test(large_naturals_are_not_mistaken_for_negatives),
        cmocka_unit_test(scalars_keep_their_value),
        cmocka_unit_test(text_of_every_length_class),
        cmocka_unit_test(maps_are_found_by_key_and_by_position),
        cmocka_unit_test(a_missing_value_is_its_default),
        cmocka_unit_test(what_is_not_exactly_one_value_is_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(the_reader_agrees_with_the_validator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
