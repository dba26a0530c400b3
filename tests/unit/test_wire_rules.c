/* What the format leaves to the reader and the writer: order, repetition, unknown
 * and mistyped fields, text, credentials, headers. */
#include "../testing.h"
#include "wire_bytes.h"

#include <errno.h>

struct reading {
    struct arena arena;
    struct buf bytes;
    struct wire_frame frame;
    struct wire_envelope envelope;
};

/* Reads the first envelope of `frame`, which it takes over. */
static int read_first(struct reading *reading, struct buf frame)
{
    arena_init(&reading->arena);
    reading->bytes = frame;
    int rc = wire_read_frame(&reading->frame, buf_slice(&reading->bytes), &reading->arena);
    return rc < 0 ? rc : wire_next(&reading->frame, &reading->envelope, &reading->arena);
}

static void done(struct reading *reading)
{
    buf_finish(&reading->bytes);
    arena_finish(&reading->arena);
}

static int first_of(struct buf frame)
{
    struct reading reading;
    int rc = read_first(&reading, frame);
    done(&reading);
    return rc;
}

static int body_alone(enum wire_kind kind, struct buf body)
{
    return first_of(frame_of(kind, &body));
}

static struct buf one_text(uint32_t number, const char *text)
{
    struct buf out = {0};
    add_bytes(&out, number, text, strlen(text));
    return out;
}

/* ---- frames ---- */

static void an_empty_frame_says_nothing(void **state)
{
    (void)state;
    struct arena arena;
    struct wire_frame frame;
    struct wire_envelope envelope;
    arena_init(&arena);
    assert_int_equal(wire_read_frame(&frame, slice_make(NULL, 0), &arena), 0);
    assert_false(frame.has_session);
    assert_int_equal(frame.n_envelopes, 0);
    assert_int_equal(wire_next(&frame, &envelope, &arena), 0);
    assert_int_equal(wire_next(&frame, &envelope, &arena), 0);
    arena_finish(&arena);
}

static void fields_of_a_frame_in_any_order(void **state)
{
    (void)state;
    struct reading reading;
    struct buf frame = {0}, envelope = {0};
    uint8_t session[WIRE_SESSION_BYTES] = {7};
    add_bytes(&envelope, WIRE_PING, "", 0);
    add_number(&envelope, ENVELOPE_CREDENTIAL, 2);
    add_buf(&frame, FRAME_ENVELOPES, &envelope);
    add_bytes(&frame, FRAME_CREDENTIALS, "first", 5);
    add_number(&frame, FRAME_ACKNOWLEDGED, 3);
    add_number(&frame, 99, 1);
    add_bytes(&frame, FRAME_CREDENTIALS, "second", 6);
    add_number(&frame, FRAME_SEQUENCE, 4);
    add_bytes(&frame, FRAME_SESSION, session, sizeof(session));
    assert_int_equal(read_first(&reading, frame), 1);
    assert_int_equal(reading.envelope.kind, WIRE_PING);
    assert_int_equal(reading.envelope.credential, 2); /* named before its credential came */
    assert_true(slice_is(reading.frame.credentials[1], "second"));
    assert_int_equal(reading.frame.sequence, 4);
    assert_int_equal(reading.frame.acknowledged, 3);
    assert_memory_equal(reading.frame.session, session, sizeof(session));
    assert_int_equal(wire_next(&reading.frame, &reading.envelope, &reading.arena), 0);
    done(&reading);
}

static void sessions_have_one_size(void **state)
{
    (void)state;
    uint8_t bytes[32] = {0};
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        struct buf frame = {0};
        add_bytes(&frame, FRAME_SESSION, bytes, len);
        assert_int_equal(first_of(frame), len == 0 || len == WIRE_SESSION_BYTES ? 0 : -EBADMSG);
    }
}

static void a_failed_read_leaves_the_frame_alone(void **state)
{
    (void)state;
    struct arena arena;
    struct wire_frame frame, before;
    memset(&frame, 0x5a, sizeof(frame));
    memcpy(&before, &frame, sizeof(frame));
    arena_init(&arena);
    assert_int_equal(wire_read_frame(&frame, slice_of("\x10\x01\x2a\x7f"), &arena), -EBADMSG);
    assert_memory_equal(&frame, &before, sizeof(frame));
    arena_finish(&arena);
}

/* ---- envelopes and bodies ---- */

static void the_last_of_several_counts(void **state)
{
    (void)state;
    struct reading reading;
    struct buf frame = {0}, envelope = {0}, body = one_text(1, "first");
    add_bytes(&body, 1, "second", 6);
    add_number(&body, 5, 1);
    add_number(&body, 5, 2);
    add_bytes(&envelope, WIRE_HELLO, "", 0);
    add_buf(&envelope, WIRE_REQUEST, &body);
    add_buf(&frame, FRAME_ENVELOPES, &envelope);
    assert_int_equal(read_first(&reading, frame), 1);
    assert_int_equal(reading.envelope.kind, WIRE_REQUEST);
    assert_true(slice_is(reading.envelope.request.service, "second"));
    assert_int_equal(reading.envelope.request.timeout_ms, 2);
    done(&reading);
}

static void later_versions_are_skipped(void **state)
{
    (void)state;
    struct reading reading;
    struct buf body = one_text(200, "new field"), frame = {0}, envelope = {0};
    add_number(&body, 14, 5);
    add_bytes(&body, 2, "method", 6);
    assert_int_equal(read_first(&reading, frame_of(WIRE_REQUEST, &body)), 1);
    assert_true(slice_is(reading.envelope.request.method, "method"));
    done(&reading);

    add_bytes(&envelope, WIRE_ERROR + 1, "new body", 8);
    add_buf(&frame, FRAME_ENVELOPES, &envelope);
    assert_int_equal(read_first(&reading, frame), 1);
    assert_int_equal(reading.envelope.kind, WIRE_NONE);
    done(&reading);
}

/* Every field we know, as every type it is not. */
static void wrong_types_are_malformed(void **state)
{
    (void)state;
    static const struct {
        enum wire_kind kind;
        uint32_t last;
    } hot[] = {
        {WIRE_REQUEST, REQUEST_LAST}, {WIRE_REPLY, REPLY_LAST},       {WIRE_PART, PART_LAST},
        {WIRE_PUBLISH, PUBLISH_LAST}, {WIRE_DELIVERY, DELIVERY_LAST},
    };
    static const uint8_t zeros[8] = {0};
    static const struct {
        enum proto_type type;
        size_t size;
    } types[] = {{PROTO_VARINT, 1}, {PROTO_FIXED64, 8}, {PROTO_BYTES, 1}, {PROTO_FIXED32, 4}};
    for (size_t i = 0; i < sizeof(hot) / sizeof(hot[0]); i++) {
        for (uint32_t number = 1; number <= hot[i].last; number++) {
            unsigned accepted = 0;
            for (size_t t = 0; t < 4; t++) {
                struct buf body = {0};
                add_varint(&body, PROTO_TAG(number, types[t].type));
                buf_append(&body, zeros, types[t].size);
                accepted += body_alone(hot[i].kind, body) == 1;
            }
            assert_int_equal(accepted, 1);
        }
    }
}

static void text_is_text(void **state)
{
    (void)state;
    static const char *const bad[] = {"\xff",         "12345678\x80",     "\xc0\xaf",
                                      "\xed\xa0\x80", "\xf4\x90\x80\x80", "1234567\xe2\x82"};
    static const char *const good[] = {"",
                                       "a",
                                       "abc",
                                       "1234567",
                                       "12345678",
                                       "123456789abcdef01",
                                       "é",
                                       "€uro and more",
                                       "\xf4\x8f\xbf\xbf"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(body_alone(WIRE_REQUEST, one_text(1, bad[i])), -EBADMSG);
        assert_int_equal(body_alone(WIRE_HELLO, one_text(2, bad[i])), -EBADMSG);
        assert_int_equal(body_alone(WIRE_REQUEST, one_text(3, bad[i])), 1); /* the payload */
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(body_alone(WIRE_REQUEST, one_text(1, good[i])), 1);
        assert_int_equal(body_alone(WIRE_HELLO, one_text(2, good[i])), 1);
    }
    for (size_t len = 1; len < 40; len++) { /* a NUL at every place */
        for (size_t at = 0; at < len; at++) {
            char text[40];
            struct buf hot = {0}, control = {0};
            memset(text, 'x', len);
            text[at] = 0;
            add_bytes(&hot, 1, text, len);
            add_bytes(&control, 1, text, len);
            assert_int_equal(body_alone(WIRE_REQUEST, hot), -EBADMSG);
            assert_int_equal(body_alone(WIRE_HELLO, control), -EBADMSG);
        }
    }
}

static void unknown_statuses_are_internal(void **state)
{
    (void)state;
    const uint64_t strange[] = {STATUS_COUNT, 1000, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        struct reading reading;
        struct buf body = {0};
        add_number(&body, 1, strange[i]);
        assert_int_equal(read_first(&reading, frame_of(WIRE_REPLY, &body)), 1);
        assert_int_equal(reading.envelope.reply.status, STATUS_INTERNAL);
        done(&reading);
    }
}

/* ---- credentials ---- */

static void credentials_must_be_in_the_table(void **state)
{
    (void)state;
    for (uint64_t index = 0; index < 5; index++) {
        struct buf frame = {0}, envelope = {0};
        add_number(&envelope, ENVELOPE_CREDENTIAL, index);
        add_bytes(&frame, FRAME_CREDENTIALS, "", 0);
        add_bytes(&frame, FRAME_CREDENTIALS, "", 0);
        add_buf(&frame, FRAME_ENVELOPES, &envelope);
        assert_int_equal(first_of(frame), index <= 2 ? 1 : -EBADMSG);
    }
}

static void a_credential_is_one_or_the_other(void **state)
{
    (void)state;
    struct wire_credential read;
    struct buf sealed = one_text(SEALED_CONTEXT, "context"), both = {0};
    add_buf(&both, CREDENTIAL_SEALED, &sealed);
    add_bytes(&both, CREDENTIAL_TOKEN, "token", 5);
    assert_int_equal(wire_read_credential(&read, buf_slice(&both)), 0);
    assert_true(slice_is(read.token, "token"));
    assert_int_equal(read.context.len, 0);
    sealed = one_text(SEALED_SEAL, "seal");
    add_buf(&both, CREDENTIAL_SEALED, &sealed);
    assert_int_equal(wire_read_credential(&read, buf_slice(&both)), 0);
    assert_int_equal(read.token.len, 0);
    assert_int_equal(read.context.len, 0);
    assert_true(slice_is(read.seal, "seal"));
    buf_finish(&both);

    struct arena arena;
    arena_init(&arena);
    struct wire_credential none = {0};
    assert_int_equal(wire_write_credential(&none, &arena).len, 0);
    assert_int_equal(wire_read_credential(&read, slice_make(NULL, 0)), 0);
    assert_int_equal(read.token.len, 0);
    assert_int_equal(wire_read_credential(&read, slice_of("\x0a\x05to")), -EBADMSG);
    assert_int_equal(wire_read_credential(&read, slice_of("\x08\x01")), -EBADMSG);
    arena_finish(&arena);
}

static void a_batch_names_each_credential_once(void **state)
{
    (void)state;
    struct wire_out out;
    char text[2 * WIRE_RECENT][8];
    wire_out_init(&out);
    assert_int_equal(wire_put_credential(&out, slice_of("")), 0);
    for (uint32_t i = 0; i < 2 * WIRE_RECENT; i++) {
        (void)snprintf(text[i], sizeof(text[i]), "c%u", i);
        assert_int_equal(wire_put_credential(&out, slice_of(text[i])), i + 1);
        wire_put_control(&out, 0, i + 1, WIRE_PING, NULL);
    }
    for (uint32_t i = WIRE_RECENT; i < 2 * WIRE_RECENT; i++)
        assert_int_equal(wire_put_credential(&out, slice_of(text[i])), i + 1);
    assert_int_equal(out.n_credentials, 2 * WIRE_RECENT);
    assert_int_equal(wire_put_credential(&out, slice_of(text[0])), 2 * WIRE_RECENT + 1);
    wire_out_reset(&out);
    assert_int_equal(wire_put_credential(&out, slice_of(text[0])), 1);
    wire_out_finish(&out);
}

/* ---- writing ---- */

static void every_length_of_payload(void **state)
{
    (void)state;
    static uint8_t payload[17000];
    struct arena arena;
    struct wire_out out;
    arena_init(&arena);
    wire_out_init(&out);
    for (size_t len = 0; len < sizeof(payload); len += len < 400 || len > 16200 ? 1 : 97) {
        wire_out_reset(&out);
        wire_put_part(&out, 1, &(struct wire_part){.payload = slice_make(payload, len)});
        struct slice bytes = wire_seal_frame(&out, &(struct wire_head){0});
        Farebox__V1__Frame *frame = farebox__v1__frame__unpack(NULL, bytes.len, bytes.data);
        assert_non_null(frame);
        assert_int_equal(frame->envelopes[0]->part->payload.len, len);
        assert_int_equal(farebox__v1__frame__get_packed_size(frame), bytes.len);
        farebox__v1__frame__free_unpacked(frame, NULL);
    }
    wire_out_finish(&out);
    arena_finish(&arena);
}

static void a_frame_can_be_sealed_again(void **state)
{
    (void)state;
    static const uint8_t session[WIRE_SESSION_BYTES] = {1, 2, 3};
    struct wire_out out;
    struct arena arena;
    struct wire_frame frame;
    arena_init(&arena);
    wire_out_init(&out);
    const struct wire_head heads[] = {
        {session, UINT64_MAX, UINT64_MAX}, {NULL, 1, 0}, {session, 0, 200}, {NULL, 0, 0}};
    for (size_t round = 0; round < 2; round++) { /* without an envelope, then with one */
        for (size_t i = 0; i < 4; i++) {
            struct slice bytes = wire_seal_frame(&out, &heads[i]);
            assert_int_equal(wire_read_frame(&frame, bytes, &arena), 0);
            assert_int_equal(frame.sequence, heads[i].sequence);
            assert_int_equal(frame.acknowledged, heads[i].acknowledged);
            assert_int_equal(frame.has_session, heads[i].session != NULL);
            assert_int_equal(frame.n_envelopes, round);
        }
        wire_put_control(&out, 1, 0, WIRE_DRAIN, NULL);
    }
    wire_out_finish(&out);
    arena_finish(&arena);
}

static void fan_out_is_the_same_delivery(void **state)
{
    (void)state;
    struct wire_delivery delivery = {
        .topic = slice_of("orders.created"), .payload = slice_of("payload"), .sequence = 77};
    struct buf encoded = {0};
    struct wire_out once, copy;
    wire_out_init(&once);
    wire_out_init(&copy);
    wire_encode_delivery(&encoded, &delivery);
    wire_put_delivery(&once, 5, 0, &delivery);
    wire_put_encoded_delivery(&copy, 5, buf_slice(&encoded));
    assert_true(slice_equal(wire_seal_frame(&once, &(struct wire_head){0}),
                            wire_seal_frame(&copy, &(struct wire_head){0})));
    buf_finish(&encoded);
    wire_out_finish(&once);
    wire_out_finish(&copy);
}

static void a_reset_frame_keeps_only_a_small_buffer(void **state)
{
    (void)state;
    static uint8_t payload[WIRE_PAYLOAD_MAX];
    struct wire_out out;
    wire_out_init(&out);
    wire_put_part(&out, 1, &(struct wire_part){.payload = slice_of("small")});
    const uint8_t *kept = out.buf.data;
    wire_out_reset(&out);
    assert_ptr_equal(out.buf.data, kept);
    assert_int_equal(wire_out_size(&out), 0);
    wire_put_part(&out, 1, &(struct wire_part){.payload = slice_make(payload, sizeof(payload))});
    assert_true(wire_out_size(&out) > sizeof(payload));
    wire_out_reset(&out);
    assert_true(out.buf.cap <= 2 * WIRE_FRAME_TARGET);
    wire_out_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_frame_says_nothing),
        cmocka_unit_test(fields_of_a_frame_in_any_order),
        cmocka_unit_test(sessions_have_one_size),
        cmocka_unit_test(a_failed_read_leaves_the_frame_alone),
        cmocka_unit_test(the_last_of_several_counts),
        cmocka_unit_test(later_versions_are_skipped),
        cmocka_unit_test(wrong_types_are_malformed),
        cmocka_unit_test(text_is_text),
        cmocka_unit_test(unknown_statuses_are_internal),
        cmocka_unit_test(credentials_must_be_in_the_table),
        cmocka_unit_test(a_credential_is_one_or_the_other),
        cmocka_unit_test(a_batch_names_each_credential_once),
        cmocka_unit_test(every_length_of_payload),
        cmocka_unit_test(a_frame_can_be_sealed_again),
        cmocka_unit_test(fan_out_is_the_same_delivery),
        cmocka_unit_test(a_reset_frame_keeps_only_a_small_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
