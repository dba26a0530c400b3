/* Frames that are wrong: each is refused, nothing is read outside them (they are
 * given in blocks of exactly their size, for the sanitizer to watch), and memory
 * stays in proportion. */
#include "../testing.h"
#include "wire_bytes.h"
#include "wire_sample.h"

#include "base/mem.h"
#include "wire/fields.h"
#include "wire/wire.h"

#include <errno.h>

#define MIB (1024u * 1024u)

/* ---- reading everything ---- */

static const struct slice *frame_being_read;

static void inside(struct slice part)
{
    const struct slice *whole = frame_being_read;
    if (part.len == 0)
        return;
    assert_true(part.data >= whole->data && part.len <= whole->len);
    assert_true((size_t)(part.data - whole->data) <= whole->len - part.len);
}

#define INSIDE_text(slice) inside(slice)
#define INSIDE_bytes(slice) inside(slice)
#define INSIDE_u32(number) (void)(number)
#define INSIDE_u64(number) (void)(number)
#define INSIDE_flag(number) (void)(number)
#define INSIDE_fixed64(number) (void)(number)
#define INSIDE_status(number) assert_true((unsigned)(number) < STATUS_COUNT)
#define INSIDE_FIELD(type, number, name) INSIDE_##type(body->name);

static void check_body(const struct wire_envelope *envelope)
{
    if (envelope->kind == WIRE_REQUEST) {
        const struct wire_request *body = &envelope->request;
        REQUEST_FIELDS(INSIDE_FIELD)
    } else if (envelope->kind == WIRE_REPLY) {
        const struct wire_reply *body = &envelope->reply;
        REPLY_FIELDS(INSIDE_FIELD)
    } else if (envelope->kind == WIRE_PUBLISH) {
        const struct wire_publish *body = &envelope->publish;
        PUBLISH_FIELDS(INSIDE_FIELD)
    } else if (envelope->kind == WIRE_DELIVERY) {
        const struct wire_delivery *body = &envelope->delivery;
        DELIVERY_FIELDS(INSIDE_FIELD)
    } else if (envelope->kind == WIRE_PART) {
        const struct wire_part *body = &envelope->part;
        PART_FIELDS(INSIDE_FIELD)
    }
}

/* Envelopes read, or the first error. */
static int read_all(struct slice bytes, struct arena *arena)
{
    struct wire_frame frame;
    struct wire_envelope envelope;
    int rc = wire_read_frame(&frame, bytes, arena), n = 0;
    if (rc < 0)
        return rc;
    frame_being_read = &bytes;
    for (size_t i = 0; i < frame.n_credentials; i++) {
        struct wire_credential credential;
        rc = wire_read_credential(&credential, frame.credentials[i]);
        if (rc < 0)
            return rc;
        inside(credential.token);
        inside(credential.context);
        inside(credential.seal);
    }
    while ((rc = wire_next(&frame, &envelope, arena)) == 1) {
        assert_true(envelope.credential <= frame.n_credentials);
        check_body(&envelope);
        n++;
    }
    return rc < 0 ? rc : n;
}

static int read_exactly(const void *data, size_t len)
{
    struct arena arena;
    arena_init(&arena);
    uint8_t *block = mem_alloc(len); /* no byte more: whoever reads past it is caught */
    memcpy(block, data, len);
    int rc = read_all(slice_make(block, len), &arena);
    mem_free(block);
    arena_finish(&arena);
    return rc;
}

static void expect(struct buf *frame, int rc)
{
    assert_int_equal(read_exactly(frame->data, frame->len), rc);
    buf_finish(frame);
}

/* Refused or not, the arena may not grow out of proportion. */
static void expect_bounded(struct buf *frame, int rc, size_t times)
{
    struct arena arena;
    arena_init(&arena);
    assert_int_equal(read_all(buf_slice(frame), &arena), rc);
    assert_true(arena.used <= times * frame->len);
    arena_finish(&arena);
    buf_finish(frame);
}

/* ---- a frame with a bit of everything, damaged ---- */

static void truncation_at_every_byte(void **state)
{
    (void)state;
    struct arena arena;
    struct wire_out out;
    arena_init(&arena);
    struct slice whole = sample_frame(&out, &arena);
    int most = read_exactly(whole.data, whole.len), last = 0;
    assert_int_equal(most, 9);
    for (size_t len = 0; len < whole.len; len++) {
        int n = read_exactly(whole.data, len);
        if (n == -EBADMSG)
            continue;
        assert_in_range(n, last, most - 1); /* cut between two envelopes */
        last = n;
    }
    assert_int_equal(last, most - 1);
    wire_out_finish(&out);
    arena_finish(&arena);
}

/* We may refuse more than a stock reader does, but not the other way round; except
 * that a body which a later one replaces is not looked at. */
static void every_single_bit(void **state)
{
    (void)state;
    struct arena arena;
    struct wire_out out;
    arena_init(&arena);
    struct slice whole = sample_frame(&out, &arena);
    uint8_t *bytes = mem_dup(whole.data, whole.len);
    size_t accepted = 0, stricter = 0;
    for (size_t bit = 0; bit < whole.len * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        int n = read_exactly(bytes, whole.len);
        if (n >= 0) {
            Farebox__V1__Frame *stock = farebox__v1__frame__unpack(NULL, whole.len, bytes);
            if (stock)
                assert_int_equal(stock->n_envelopes, n);
            else
                stricter++;
            farebox__v1__frame__free_unpacked(stock, NULL);
            accepted++;
        } else {
            assert_true(n == -EBADMSG || n == -EMSGSIZE);
        }
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_in_range(accepted, whole.len, whole.len * 7);
    assert_in_range(stricter, 0, 2);
    mem_free(bytes);
    wire_out_finish(&out);
    arena_finish(&arena);
}

/* ---- lengths and varints ---- */

/* A tag, then a length far beyond anything there is. */
static struct buf announcing(uint32_t number, uint64_t len)
{
    struct buf out = {0};
    add_varint(&out, PROTO_TAG(number, PROTO_BYTES));
    add_varint(&out, len);
    buf_append(&out, "some", 4);
    return out;
}

static void announced_lengths(void **state)
{
    (void)state;
    const uint64_t lens[] = {5, 1ull << 33, 1ull << 63, UINT64_MAX, UINT64_MAX - 3};
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        for (uint32_t number = 1; number < 30; number++) {
            struct buf frame = announcing(number, lens[i]);
            expect(&frame, -EBADMSG);
            struct buf envelope = announcing(number, lens[i]);
            struct buf outer = {0};
            add_buf(&outer, FRAME_ENVELOPES, &envelope);
            expect(&outer, -EBADMSG);
            for (uint32_t kind = WIRE_HELLO; kind <= WIRE_ERROR; kind++) {
                struct buf body = announcing(number, lens[i]);
                struct buf whole = frame_of((enum wire_kind)kind, &body);
                expect(&whole, -EBADMSG);
            }
        }
    }
}

static void varints(void **state)
{
    (void)state;
    static const uint8_t eleven[] = "\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00";
    static const uint8_t past_64[] = "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02";
    static const uint8_t most[] = "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    static const uint8_t padded[] = "\x10\x87\x80\x80\x80\x80\x80\x80\x80\x80\x00";
    static const uint8_t endless[] = "\x10\xff\xff\xff";
    assert_int_equal(read_exactly(eleven, sizeof(eleven) - 1), -EBADMSG);
    assert_int_equal(read_exactly(past_64, sizeof(past_64) - 1), -EBADMSG);
    assert_int_equal(read_exactly(most, sizeof(most) - 1), 0);
    assert_int_equal(read_exactly(padded, sizeof(padded) - 1), 0);
    assert_int_equal(read_exactly(endless, sizeof(endless) - 1), -EBADMSG);
    assert_int_equal(read_exactly("\x00\x00", 2), -EBADMSG); /* field number 0 */
    assert_int_equal(read_exactly("\x80", 1), -EBADMSG);
}

static void groups_and_reserved_types(void **state)
{
    (void)state;
    for (uint8_t type = 3; type < 8; type++) {
        if (type == PROTO_FIXED32)
            continue;
        uint8_t tag[] = {(uint8_t)(15 << 3 | type), 0, 0, 0, 0, 0, 0, 0, 0};
        assert_int_equal(read_exactly(tag, sizeof(tag)), -EBADMSG);
    }
    struct buf bomb = {0};
    for (unsigned i = 0; i < MIB; i++)
        buf_append(&bomb, "\x7b", 1); /* a group opened, in a group opened, … */
    expect(&bomb, -EBADMSG);
}

/* A hundred thousand messages, each inside the one before; written from the innermost outwards. */
static struct buf nested_messages(void)
{
    struct buf out = {0};
    uint8_t *at = buf_reserve(&out, MIB) + MIB, *end = at;
    while (at - out.data > 8) {
        struct buf head = {0};
        add_varint(&head, PROTO_TAG(31, PROTO_BYTES));
        add_varint(&head, (uint64_t)(end - at));
        at -= head.len;
        memcpy(at, head.data, head.len);
        buf_finish(&head);
    }
    out.len = (size_t)(end - at);
    memmove(out.data, at, out.len);
    return out;
}

static void depth_bombs(void **state)
{
    (void)state;
    struct buf frame = nested_messages();
    expect_bounded(&frame, 0, 0);
    for (uint32_t kind = WIRE_HELLO; kind <= WIRE_ERROR; kind++) {
        struct buf body = nested_messages();
        frame = frame_of((enum wire_kind)kind, &body);
        expect_bounded(&frame, 1, 2);
    }
}

/* ---- bounds ---- */

static void add_unknown_fields(struct buf *out, size_t bytes)
{
    while (out->len < bytes)
        add_number(out, 100, 1);
}

static void a_megabyte_of_unknown_fields(void **state)
{
    (void)state;
    for (uint32_t kind = WIRE_HELLO; kind <= WIRE_ERROR; kind++) {
        bool hot = kind == WIRE_REQUEST || kind == WIRE_REPLY || kind == WIRE_PART ||
                   kind == WIRE_PUBLISH || kind == WIRE_DELIVERY;
        struct buf many = {0}, one = {0}, large = {0};
        add_unknown_fields(&many, MIB);
        struct buf frame = frame_of((enum wire_kind)kind, &many);
        expect_bounded(&frame, hot ? 1 : -EMSGSIZE, 0);
        buf_grow(&large, MIB);
        memset(large.data, 'x', MIB);
        large.len = MIB;
        add_buf(&one, 100, &large);
        frame = frame_of((enum wire_kind)kind, &one);
        expect_bounded(&frame, 1, 2);
    }
    struct buf frame = {0};
    add_unknown_fields(&frame, MIB);
    expect_bounded(&frame, 0, 0);
}

/* The cheapest way to make protobuf-c allocate: fields of two bytes. */
static void many_small_fields(void **state)
{
    (void)state;
    struct buf body = {0};
    for (unsigned i = 0; i < MIB / 2; i++)
        add_bytes(&body, 5, "", 0); /* Register.methods */
    struct buf frame = frame_of(WIRE_REGISTER, &body);
    expect_bounded(&frame, -EMSGSIZE, 0);

    struct buf spread = {0};
    for (unsigned i = 0; i < 5000; i++) {
        for (unsigned k = 0; k < 50; k++)
            add_bytes(&body, 5, "", 0);
        struct buf one = frame_of(WIRE_REGISTER, &body);
        buf_append(&spread, one.data, one.len);
        buf_finish(&one);
    }
    expect_bounded(&spread, -EMSGSIZE, 4);

    for (unsigned i = 0; i < MIB / 2; i++)
        add_bytes(&body, 5, "", 0); /* Reply.details */
    frame = frame_of(WIRE_REPLY, &body);
    expect_bounded(&frame, -EMSGSIZE, 0);
}

static struct buf repeated(uint32_t number, size_t times, size_t len)
{
    struct buf out = {0};
    uint8_t *data = mem_zalloc(len + 1);
    for (size_t i = 0; i < times; i++)
        add_bytes(&out, number, data, len);
    mem_free(data);
    return out;
}

static void expect_frame(struct buf *bytes, int rc)
{
    struct arena arena;
    struct wire_frame frame;
    arena_init(&arena);
    assert_int_equal(wire_read_frame(&frame, buf_slice(bytes), &arena), rc);
    arena_finish(&arena);
    buf_finish(bytes);
}

static void counts_and_sizes(void **state)
{
    (void)state;
    struct buf frame = repeated(FRAME_ENVELOPES, WIRE_ENVELOPES_MAX, 0);
    expect_frame(&frame, 0);
    frame = repeated(FRAME_ENVELOPES, WIRE_ENVELOPES_MAX + 1, 0);
    expect_frame(&frame, -EMSGSIZE);
    frame = repeated(FRAME_CREDENTIALS, WIRE_CREDENTIALS_MAX, 0);
    expect_frame(&frame, 0);
    frame = repeated(FRAME_CREDENTIALS, WIRE_CREDENTIALS_MAX + 1, 0);
    expect_frame(&frame, -EMSGSIZE);
    frame = repeated(FRAME_CREDENTIALS, 1, WIRE_CREDENTIAL_BYTES_MAX);
    expect_frame(&frame, 0);
    frame = repeated(FRAME_CREDENTIALS, 1, WIRE_CREDENTIAL_BYTES_MAX + 1);
    expect_frame(&frame, -EMSGSIZE);
    frame = repeated(100, 1, WIRE_FRAME_MAX - 5);
    assert_int_equal(frame.len, WIRE_FRAME_MAX);
    expect_frame(&frame, 0);
    frame = repeated(100, 1, WIRE_FRAME_MAX - 4);
    expect_frame(&frame, -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truncation_at_every_byte),
        cmocka_unit_test(every_single_bit),
        cmocka_unit_test(announced_lengths),
        cmocka_unit_test(varints),
        cmocka_unit_test(groups_and_reserved_types),
        cmocka_unit_test(depth_bombs),
        cmocka_unit_test(a_megabyte_of_unknown_fields),
        cmocka_unit_test(many_small_fields),
        cmocka_unit_test(counts_and_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
