/* MessagePack <-> JSON, held to msgpack-c and jansson on random values. */
#include "../testing.h"

#include "wire/json.h"

#include <errno.h>
#include <jansson.h>
#include <msgpack.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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

static json_t *random_value(struct rng *rng, unsigned depth);

static json_t *random_string(struct rng *rng)
{
    static const char *const letters[] = {"a", "\"", "\\", "/", "\n", "\x01", "é", "€", "😀", " "};
    char text[400];
    size_t len = 0, room = rng_below(rng, 20) ? 20 : sizeof(text);
    for (uint64_t n = rng_below(rng, room / 4); n > 0; n--) {
        struct slice letter = slice_of(letters[rng_below(rng, COUNT(letters))]);
        memcpy(text + len, letter.data, letter.len);
        len += letter.len;
    }
    return json_stringn(text, len);
}

static json_t *random_real(struct rng *rng)
{
    double value;
    uint64_t bits = rng_next(rng);
    if (rng_below(rng, 2))
        return json_real((double)(int64_t)rng_below(rng, 1000000) / 100.0);
    memcpy(&value, &bits, sizeof(value));
    json_t *real = json_real(value);
    return real ? real : json_real(0.25); /* jansson refuses what is not finite */
}

static json_t *random_container(struct rng *rng, unsigned depth)
{
    bool object = rng_below(rng, 2);
    json_t *container = object ? json_object() : json_array();
    for (uint64_t n = rng_below(rng, rng_below(rng, 10) ? 5 : 40); n > 0; n--) {
        json_t *value = random_value(rng, depth + 1);
        if (object) {
            json_t *key = random_string(rng);
            json_object_set_new(container, json_string_value(key), value);
            json_decref(key);
        } else {
            json_array_append_new(container, value);
        }
    }
    return container;
}

static json_t *random_value(struct rng *rng, unsigned depth)
{
    switch (rng_below(rng, depth > 4 ? 6 : 9)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(rng_below(rng, 2));
    case 2:
    case 3:
        return json_integer((int64_t)(rng_next(rng) >> rng_below(rng, 64)) *
                            (rng_below(rng, 2) ? 1 : -1));
    case 4:
        return random_real(rng);
    case 5:
        return random_string(rng);
    default:
        return random_container(rng, depth);
    }
}

/* By msgpack-c. */
static void pack(msgpack_packer *packer, const json_t *value)
{
    const char *key;
    json_t *inner;
    switch (json_typeof(value)) {
    case JSON_NULL:
        msgpack_pack_nil(packer);
        break;
    case JSON_TRUE:
        msgpack_pack_true(packer);
        break;
    case JSON_FALSE:
        msgpack_pack_false(packer);
        break;
    case JSON_INTEGER:
        msgpack_pack_int64(packer, json_integer_value(value));
        break;
    case JSON_REAL:
        msgpack_pack_double(packer, json_real_value(value));
        break;
    case JSON_STRING:
        msgpack_pack_str_with_body(packer, json_string_value(value), json_string_length(value));
        break;
    case JSON_ARRAY:
        msgpack_pack_array(packer, json_array_size(value));
        for (size_t i = 0; i < json_array_size(value); i++)
            pack(packer, json_array_get(value, i));
        break;
    case JSON_OBJECT:
        msgpack_pack_map(packer, json_object_size(value));
        json_object_foreach((json_t *)(uintptr_t)value, key, inner)
        {
            msgpack_pack_str_with_body(packer, key, strlen(key));
            pack(packer, inner);
        }
        break;
    }
}

static void check_agreement(const json_t *value, size_t flags)
{
    msgpack_sbuffer packed;
    msgpack_packer packer;
    struct buf json = {0};
    msgpack_sbuffer_init(&packed);
    msgpack_packer_init(&packer, &packed, msgpack_sbuffer_write);
    pack(&packer, value);
    struct slice theirs = slice_make(packed.data, packed.size);
    assert_true(msgpack_valid(theirs));

    char *text = json_dumps(value, flags | JSON_ENCODE_ANY);
    expect_msgpack(slice_of(text), theirs);
    free(text);

    assert_int_equal(json_from_msgpack(&json, theirs, NULL), 0);
    json_t *again = json_loadb((const char *)json.data, json.len, JSON_DECODE_ANY, NULL);
    assert_non_null(again);
    assert_true(json_equal(again, value));
    expect_msgpack(buf_slice(&json), theirs);
    json_decref(again);
    buf_finish(&json);
    msgpack_sbuffer_destroy(&packed);
}

static void agrees_with_msgpack_c_and_jansson(void **state)
{
    (void)state;
    static const size_t flags[] = {0, JSON_COMPACT, JSON_INDENT(3), JSON_ENSURE_ASCII,
                                   JSON_ESCAPE_SLASH};
    struct rng rng = {7};
    for (unsigned i = 0; i < 20000; i++) {
        json_t *value = random_value(&rng, 0);
        check_agreement(value, flags[i % COUNT(flags)]);
        json_decref(value);
    }
}

/* Sizes at which the head of a container or a string changes. */
static void every_size_of_head(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 15, 16, 31, 32, 255, 256, 65535, 65536, 70000};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        json_t *array = json_array(), *object = json_object();
        for (size_t n = 0; n < sizes[i]; n++) {
            char key[24];
            (void)snprintf(key, sizeof(key), "%zu", n);
            json_array_append_new(array, json_integer((json_int_t)n));
            json_object_set_new(object, key, json_null());
        }
        char *letters = calloc(1, sizes[i] + 1);
        memset(letters, 'x', sizes[i]);
        json_array_append_new(array, json_stringn(letters, sizes[i]));
        json_array_append_new(array, object);
        check_agreement(array, JSON_COMPACT);
        json_decref(array);
        free(letters);
    }
}

static void random_bytes_are_survived(void **state)
{
    (void)state;
    struct rng rng = {11};
    uint8_t bytes[40];
    size_t valid = 0;
    for (unsigned i = 0; i < 200000; i++) {
        size_t len = rng_below(&rng, sizeof(bytes));
        for (size_t k = 0; k < len; k++)
            bytes[k] = (uint8_t)rng_next(&rng);
        struct buf json = {0};
        int rc = json_from_msgpack(&json, slice_make(bytes, len), NULL);
        bool well_formed = msgpack_valid(slice_make(bytes, len));
        assert_true(rc == 0 ? well_formed || len == 0 : rc == -ENOTSUP || !well_formed);
        if (rc == 0) {
            json_error_t error;
            json_t *loaded =
                json_loadb((const char *)json.data, json.len,
                           JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
            assert_non_null(loaded);
            json_decref(loaded);
            valid++;
        }
        buf_finish(&json);
    }
    assert_true(valid > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_msgpack_c_and_jansson),
        cmocka_unit_test(every_size_of_head),
        cmocka_unit_test(random_bytes_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
