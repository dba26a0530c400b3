/* The seeds of the fuzz targets for frames, bodies and MessagePack. They are made
 * here and committed; this test fails when a committed one is not what this makes,
 * so that they follow the protocol. FAREBOX_WRITE_SEEDS=1 writes them anew. */
#include "../testing.h"
#include "wire_bytes.h"
#include "wire_sample.h"

#include <stdlib.h>

#define CORPUS "tests/fuzz/corpus/"

static void write_seed(const char *path, struct slice bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
}

static void compare_seed(const char *path, struct slice bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s is missing; run from the root of the repository", path);
    uint8_t *committed = calloc(1, bytes.len + 1);
    size_t len = fread(committed, 1, bytes.len + 1, file);
    fclose(file);
    if (!slice_equal(slice_make(committed, len), bytes))
        fail_msg("%s is out of date", path);
    free(committed);
}

static void seed(const char *target, const char *name, struct slice bytes)
{
    char path[200];
    (void)snprintf(path, sizeof(path), CORPUS "%s/%s", target, name);
    if (getenv("FAREBOX_WRITE_SEEDS"))
        write_seed(path, bytes);
    else
        compare_seed(path, bytes);
}

/* ---- frames ---- */

static void seed_one_shot(void)
{
    struct wire_out out;
    wire_out_init(&out);
    wire_put_request(&out, 1, 0,
                     &(struct wire_request){.service = slice_of("echo"),
                                            .method = slice_of("echo"),
                                            .payload = slice_of("\xa5hello")});
    seed("frame", "one_shot", wire_seal_frame(&out, &(struct wire_head){0}));
    wire_out_finish(&out);
}

static void seed_built(const char *name, struct buf bytes)
{
    seed("frame", name, buf_slice(&bytes));
    buf_finish(&bytes);
}

static struct buf unordered(void)
{
    struct buf frame = {0}, envelope = {0};
    add_number(&envelope, ENVELOPE_CREDENTIAL, 1);
    add_bytes(&envelope, WIRE_PING, "", 0);
    add_buf(&frame, FRAME_ENVELOPES, &envelope);
    add_bytes(&frame, FRAME_CREDENTIALS, "\x0a\x01t", 3);
    add_number(&frame, 99, 1);
    add_number(&frame, FRAME_SEQUENCE, 1);
    return frame;
}

static void frames(void **state)
{
    (void)state;
    static const uint8_t session[WIRE_SESSION_BYTES] = {1, 2, 3};
    struct arena arena;
    struct wire_out out;
    arena_init(&arena);
    struct slice sample = sample_frame(&out, &arena);
    seed("frame", "sample", sample);
    seed("frame", "cut", slice_make(sample.data, sample.len / 2));
    wire_out_finish(&out);
    wire_out_init(&out);
    seed("frame", "bare", wire_seal_frame(&out, &(struct wire_head){session, 0, 7}));
    wire_out_finish(&out);
    arena_finish(&arena);
    seed_one_shot();
    seed_built("unordered", unordered());
    seed("frame", "announces_8gib", slice_of("\x2a\x80\x80\x80\x80\x20some"));
    seed("frame", "groups", slice_of("\x7b\x7b\x7b\x7b\x7c\x7c\x7c\x7c"));
    seed("frame", "long_varint", slice_of("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
}

/* ---- bodies: those of the sample frame, and one of every other kind ---- */

static void seed_body(enum wire_kind kind, struct slice body)
{
    struct buf bytes = {0};
    buf_append(&bytes, &(uint8_t){(uint8_t)(kind - WIRE_HELLO)}, 1);
    buf_append(&bytes, body.data, body.len);
    seed("envelope", wire_kind_text(kind), buf_slice(&bytes));
    buf_finish(&bytes);
}

static void seed_bodies_of(struct slice frame)
{
    struct proto_reader outer = proto_reader(frame);
    struct proto_field field;
    while (outer.at != outer.end && proto_field(&outer, &field)) {
        if (field.tag != PROTO_TAG(FRAME_ENVELOPES, PROTO_BYTES))
            continue;
        struct proto_reader inner = proto_reader(field.bytes);
        while (inner.at != inner.end && proto_field(&inner, &field))
            if (proto_number(field.tag) >= ENVELOPE_BODY_FIRST)
                seed_body((enum wire_kind)proto_number(field.tag), field.bytes);
    }
}

static void put_remaining_bodies(struct wire_out *out)
{
    Farebox__V1__Hello hello = FAREBOX__V1__HELLO__INIT;
    Farebox__V1__Welcome welcome = FAREBOX__V1__WELCOME__INIT;
    Farebox__V1__Subscribe subscribe = FAREBOX__V1__SUBSCRIBE__INIT;
    Farebox__V1__Deregister deregister = FAREBOX__V1__DEREGISTER__INIT;
    Farebox__V1__Error error = FAREBOX__V1__ERROR__INIT;
    hello.token = "a.b.c";
    hello.name = "seed";
    hello.protocol = 1;
    welcome.session = (ProtobufCBinaryData){8, (uint8_t[8]){1}};
    welcome.heartbeat_ms = 5000;
    subscribe.pattern = "orders.*";
    subscribe.group = "workers";
    deregister.service = "echo";
    error.status = FAREBOX__V1__STATUS__UNAUTHENTICATED;
    error.message = "no";
    wire_put_control(out, 1, 0, WIRE_HELLO, &hello.base);
    wire_put_control(out, 2, 0, WIRE_WELCOME, &welcome.base);
    wire_put_control(out, 3, 0, WIRE_SUBSCRIBE, &subscribe.base);
    wire_put_control(out, 4, 0, WIRE_DEREGISTER, &deregister.base);
    wire_put_control(out, 5, 0, WIRE_ERROR, &error.base);
    wire_put_control(out, 6, 0, WIRE_GOODBYE, NULL);
    wire_put_control(out, 7, 0, WIRE_DRAIN, NULL);
    wire_put_control(out, 8, 0, WIRE_UNSUBSCRIBE, NULL);
}

static void bodies(void **state)
{
    (void)state;
    struct arena arena;
    struct wire_out out;
    arena_init(&arena);
    seed_bodies_of(sample_frame(&out, &arena));
    wire_out_finish(&out);
    put_remaining_bodies(&out);
    seed_bodies_of(wire_seal_frame(&out, &(struct wire_head){0}));
    wire_out_finish(&out);
    arena_finish(&arena);
}

/* ---- MessagePack and JSON ---- */

static void msgpack(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t len;
    } seeds[] = {
#define SEED(name, bytes) {name, bytes, sizeof(bytes) - 1}
        SEED("json_all",
             "{\"a\":[1,-2,3.25,true,false,null,\"\\u00e9\\ud83d\\ude00\\n\"],\"b\":{}}"),
        SEED("json_numbers", "[18446744073709551615,-9223372036854775808,1e300,-0.0,0.1]"),
        SEED("json_spaces", " [ 1 ,\t{ \"k\" : [ ] } ]\r\n"),
        SEED("json_deep", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"),
        SEED("pack_all", "\x85\xa1n\xc0\xa1t\xc3\xa1i\xd0\x80\xa1"
                         "f\xcb\x3f\xf0\0\0\0\0\0\0\xa1"
                         "b\xc4\x02\x01\x02"),
        SEED("pack_integers", "\x98\x7f\xcc\xff\xcd\xff\xff\xce\xff\xff\xff\xff\xe0\xd1\x80\x00"
                              "\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xd3\x80\0\0\0\0\0\0\0"),
        SEED("pack_long_heads",
             "\xdd\0\0\0\x02\xdb\0\0\0\x01x\xdf\0\0\0\x01\xd9\x01k\xca\x3f\0\0\0"),
        SEED("pack_ext", "\xd6\xff\0\0\0\0"),
        SEED("pack_announces_4g", "\xdd\xff\xff\xff\xff\xc0"),
        SEED("pack_array16", "\xdc\x00\x10\0\1\2\3\4\5\6\7\0\1\2\3\4\5\6\7"),
#undef SEED
    };
    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
        seed("msgpack", seeds[i].name, slice_make(seeds[i].bytes, seeds[i].len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames),
        cmocka_unit_test(bodies),
        cmocka_unit_test(msgpack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
