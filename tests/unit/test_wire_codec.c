/* Our codec and the one protobuf-c generates, held to the same answers: each
 * random frame is made twice, as our structs and as generated ones. What
 * protobuf-c packs we must read as ours, and what we write protobuf-c must unpack
 * and pack again into the very same bytes. */
#include "../testing.h"

#include "wire/fields.h"
#include "wire/wire.h"

#define FRAMES 30000u
#define ENVELOPES 7u
#define CREDENTIALS WIRE_RECENT

struct maker {
    struct rng rng;
    struct arena arena;
};

struct twin {
    struct wire_envelope ours;
    Farebox__V1__Envelope proto;
};

struct twin_frame {
    Farebox__V1__Frame proto;
    struct wire_head head;
    struct twin envelopes[ENVELOPES];
    Farebox__V1__Envelope *pointers[ENVELOPES];
    Farebox__V1__Credential *credentials[CREDENTIALS];
    struct slice packed_credentials[CREDENTIALS];
};

/* ---- random values ---- */

/* Any width is as likely as any other, so that every length of varint comes up. */
static uint64_t random_number(struct maker *maker, unsigned bits)
{
    unsigned width = (unsigned)rng_below(&maker->rng, bits + 1);
    return width == 0 ? 0 : rng_next(&maker->rng) >> (64 - width);
}

/* Often nothing, mostly short, now and then past each step in a length's size. */
static size_t random_len(struct maker *maker)
{
    uint64_t kind = rng_below(&maker->rng, 1024);
    if (kind == 0)
        return 16000 + rng_below(&maker->rng, 1000);
    if (kind < 50)
        return 100 + rng_below(&maker->rng, 60);
    return kind % 2 ? rng_below(&maker->rng, 24) : 0;
}

static struct slice random_bytes(struct maker *maker)
{
    size_t len = random_len(maker);
    uint8_t *data = arena_zalloc(&maker->arena, len + 1);
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)rng_next(&maker->rng);
    return slice_make(data, len);
}

static struct slice random_text(struct maker *maker)
{
    static const char *const letters[] = {"a", "Z", "7", ".", " ", "\n", "\x7f", "é", "€", "😀"};
    size_t room = random_len(maker), len = 0;
    char *text = arena_zalloc(&maker->arena, room + 1);
    size_t choices = rng_below(&maker->rng, 4) ? 6 : 10;
    for (;;) {
        struct slice letter = slice_of(letters[rng_below(&maker->rng, choices)]);
        if (len + letter.len > room)
            return slice_make(text, len);
        memcpy(text + len, letter.data, letter.len);
        len += letter.len;
    }
}

static char *text_of(struct slice text)
{
    return (char *)(uintptr_t)text.data; /* protobuf-c's structs want it mutable */
}

static ProtobufCBinaryData binary_of(struct slice bytes)
{
    return (ProtobufCBinaryData){bytes.len, (uint8_t *)(uintptr_t)bytes.data};
}

/* ---- hot bodies, both ways at once ---- */

#define MAKE_text(name) (ours->name = random_text(maker), proto->name = text_of(ours->name))
#define MAKE_bytes(name) (ours->name = random_bytes(maker), proto->name = binary_of(ours->name))
#define MAKE_u32(name) (proto->name = ours->name = (uint32_t)random_number(maker, 32))
#define MAKE_u64(name) (proto->name = ours->name = random_number(maker, 64))
#define MAKE_fixed64 MAKE_u64
#define MAKE_flag(name) (proto->name = ours->name = rng_below(&maker->rng, 2))
#define MAKE_status(name)                                            \
    (ours->name = (enum status)rng_below(&maker->rng, STATUS_COUNT), \
     proto->name = (Farebox__V1__Status)ours->name)
#define MAKE_FIELD(type, number, name) MAKE_##type(name);

#define SAME_text(name) slice_equal(a->name, b->name)
#define SAME_bytes SAME_text
#define SAME_u32(name) (a->name == b->name)
#define SAME_u64 SAME_u32
#define SAME_fixed64 SAME_u32
#define SAME_flag SAME_u32
#define SAME_status SAME_u32
#define SAME_FIELD(type, number, name) &&SAME_##type(name)

#define BODY(kind, Type, FIELDS)                                                           \
    static Farebox__V1__##Type *make_##kind(struct maker *maker, struct wire_##kind *ours) \
    {                                                                                      \
        Farebox__V1__##Type *proto = arena_alloc(&maker->arena, sizeof(*proto));           \
        farebox__v1__##kind##__init(proto);                                                \
        memset(ours, 0, sizeof(*ours));                                                    \
        FIELDS(MAKE_FIELD)                                                                 \
        return proto;                                                                      \
    }                                                                                      \
    static bool same_##kind(const struct wire_##kind *a, const struct wire_##kind *b)      \
    {                                                                                      \
        return true FIELDS(SAME_FIELD);                                                    \
    }

BODY(request, Request, REQUEST_FIELDS)
BODY(reply, Reply, REPLY_FIELDS)
BODY(part, Part, PART_FIELDS)
BODY(publish, Publish, PUBLISH_FIELDS)
BODY(delivery, Delivery, DELIVERY_FIELDS)

static void make_details(struct maker *maker, struct wire_reply *ours, Farebox__V1__Reply *proto)
{
    size_t n = rng_below(&maker->rng, 3) ? 0 : rng_below(&maker->rng, 5);
    struct wire_detail *details = arena_alloc(&maker->arena, (n + 1) * sizeof(*details));
    proto->details = arena_alloc(&maker->arena, (n + 1) * sizeof(Farebox__V1__Detail *));
    for (size_t i = 0; i < n; i++) {
        Farebox__V1__Detail *detail = arena_alloc(&maker->arena, sizeof(*detail));
        farebox__v1__detail__init(detail);
        details[i].key = detail->key = text_of(random_text(maker));
        details[i].value = detail->value = text_of(random_text(maker));
        proto->details[i] = detail;
    }
    ours->details = details;
    ours->n_details = proto->n_details = n;
}

static bool same_details(const struct wire_reply *a, const struct wire_reply *b)
{
    if (a->n_details != b->n_details)
        return false;
    for (size_t i = 0; i < a->n_details; i++)
        if (strcmp(a->details[i].key, b->details[i].key) != 0 ||
            strcmp(a->details[i].value, b->details[i].value) != 0)
            return false;
    return true;
}

/* ---- control bodies: any message, filled in by its descriptor ---- */

static const ProtobufCMessageDescriptor *control_type(enum wire_kind kind)
{
    static const ProtobufCMessageDescriptor *envelope = &farebox__v1__envelope__descriptor;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(envelope, (unsigned)kind);
    return field->descriptor;
}

static void fill_field(struct maker *maker, const ProtobufCFieldDescriptor *field, void *at)
{
    ProtobufCBinaryData bytes = binary_of(random_bytes(maker));
    char *text = text_of(random_text(maker));
    uint64_t number = random_number(maker, 64);
    uint32_t small = (uint32_t)random_number(maker, 32);
    protobuf_c_boolean flag = (protobuf_c_boolean)rng_below(&maker->rng, 2);
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        memcpy(at, &text, sizeof(text));
        break;
    case PROTOBUF_C_TYPE_BYTES:
        memcpy(at, &bytes, sizeof(bytes));
        break;
    case PROTOBUF_C_TYPE_UINT64:
        memcpy(at, &number, sizeof(number));
        break;
    case PROTOBUF_C_TYPE_BOOL:
        memcpy(at, &flag, sizeof(flag));
        break;
    default: /* uint32 and enums */
        memcpy(at, &small, sizeof(small));
        break;
    }
}

static ProtobufCMessage *make_control(struct maker *maker, const ProtobufCMessageDescriptor *type);

/* Texts and messages: both are lists of pointers. */
static void fill_list(struct maker *maker, const ProtobufCFieldDescriptor *field, char *message)
{
    size_t n = rng_below(&maker->rng, 4);
    void **items = arena_alloc(&maker->arena, (n + 1) * sizeof(*items));
    for (size_t i = 0; i < n; i++) {
        if (field->type == PROTOBUF_C_TYPE_STRING)
            items[i] = text_of(random_text(maker));
        else
            items[i] = make_control(maker, field->descriptor);
    }
    memcpy(message + field->offset, &items, sizeof(items));
    memcpy(message + field->quantifier_offset, &n, sizeof(n));
}

static ProtobufCMessage *make_control(struct maker *maker, const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message = arena_alloc(&maker->arena, type->sizeof_message);
    type->message_init(message);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            fill_list(maker, field, (char *)message);
        else
            fill_field(maker, field, (char *)message + field->offset);
    }
    return message;
}

static bool same_message(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    if (!a || !b || a->descriptor->n_fields == 0)
        return !a && b->descriptor->n_fields == 0;
    struct buf packed[2] = {0};
    packed[0].len = protobuf_c_message_get_packed_size(a);
    packed[1].len = protobuf_c_message_get_packed_size(b);
    bool same = packed[0].len == packed[1].len;
    for (int i = 0; i < 2 && same; i++) {
        buf_grow(&packed[i], packed[i].len + 1);
        protobuf_c_message_pack(i == 0 ? a : b, packed[i].data);
    }
    same = same && memcmp(packed[0].data, packed[1].data, packed[0].len) == 0;
    buf_finish(&packed[0]);
    buf_finish(&packed[1]);
    return same;
}

/* ---- envelopes ---- */

static void make_body(struct maker *maker, struct twin *twin)
{
    struct wire_envelope *ours = &twin->ours;
    Farebox__V1__Envelope *proto = &twin->proto;
    switch (ours->kind) {
    case WIRE_REQUEST:
        proto->request = make_request(maker, &ours->request);
        break;
    case WIRE_REPLY:
        proto->reply = make_reply(maker, &ours->reply);
        make_details(maker, &ours->reply, proto->reply);
        break;
    case WIRE_PART:
        proto->part = make_part(maker, &ours->part);
        break;
    case WIRE_PUBLISH:
        proto->publish = make_publish(maker, &ours->publish);
        break;
    case WIRE_DELIVERY:
        proto->delivery = make_delivery(maker, &ours->delivery);
        break;
    default:
        ours->control = make_control(maker, control_type(ours->kind));
        proto->hello = (Farebox__V1__Hello *)(uintptr_t)ours->control; /* any member of the oneof */
        break;
    }
}

static bool same_envelope(const struct wire_envelope *a, const struct wire_envelope *b)
{
    if (a->id != b->id || a->credential != b->credential || a->kind != b->kind)
        return false;
    switch (a->kind) {
    case WIRE_REQUEST:
        return same_request(&a->request, &b->request);
    case WIRE_REPLY:
        return same_reply(&a->reply, &b->reply) && same_details(&a->reply, &b->reply);
    case WIRE_PART:
        return same_part(&a->part, &b->part);
    case WIRE_PUBLISH:
        return same_publish(&a->publish, &b->publish);
    case WIRE_DELIVERY:
        return same_delivery(&a->delivery, &b->delivery);
    default:
        return same_message(a->control, b->control);
    }
}

static bool answers(enum wire_kind kind)
{
    return kind == WIRE_REPLY || kind == WIRE_PART;
}

static void make_twin(struct maker *maker, struct twin *twin, size_t n_credentials)
{
    farebox__v1__envelope__init(&twin->proto);
    memset(&twin->ours, 0, sizeof(twin->ours));
    bool hot = rng_below(&maker->rng, 2);
    twin->ours.kind = (enum wire_kind)(hot ? WIRE_REQUEST + rng_below(&maker->rng, 6)
                                           : WIRE_HELLO + rng_below(&maker->rng, 17));
    twin->ours.id = twin->proto.id = random_number(maker, 64);
    if (!answers(twin->ours.kind))
        twin->ours.credential = twin->proto.credential =
            (uint32_t)rng_below(&maker->rng, n_credentials + 1);
    twin->proto.body_case = (Farebox__V1__Envelope__BodyCase)twin->ours.kind;
    make_body(maker, twin);
}

static void put_twin(struct wire_out *out, const struct twin *twin, uint32_t credential)
{
    const struct wire_envelope *ours = &twin->ours;
    switch (ours->kind) {
    case WIRE_REQUEST:
        wire_put_request(out, ours->id, credential, &ours->request);
        break;
    case WIRE_REPLY:
        wire_put_reply(out, ours->id, &ours->reply);
        break;
    case WIRE_PART:
        wire_put_part(out, ours->id, &ours->part);
        break;
    case WIRE_PUBLISH:
        wire_put_publish(out, ours->id, credential, &ours->publish);
        break;
    case WIRE_DELIVERY:
        wire_put_delivery(out, ours->id, credential, &ours->delivery);
        break;
    default:
        wire_put_control(out, ours->id, credential, ours->kind, ours->control);
        break;
    }
}

/* ---- frames ---- */

/* Told apart by its first byte, so that no two are the same. */
static void make_credential(struct maker *maker, struct twin_frame *frame, size_t i)
{
    Farebox__V1__Credential *proto = arena_alloc(&maker->arena, sizeof(*proto));
    farebox__v1__credential__init(proto);
    struct wire_credential ours = {0};
    struct slice text = random_text(maker), seal = random_bytes(maker);
    if (text.len + seal.len > WIRE_CREDENTIAL_BYTES_MAX / 2)
        text = seal = slice_of("");
    char *token = arena_printf(&maker->arena, "%zu%.*s", i, SLICE_FMT(text));
    if (rng_below(&maker->rng, 2)) {
        proto->kind_case = FAREBOX__V1__CREDENTIAL__KIND_TOKEN;
        proto->token = token;
        ours.token = slice_of(token);
    } else {
        Farebox__V1__SealedContext *sealed = arena_alloc(&maker->arena, sizeof(*sealed));
        farebox__v1__sealed_context__init(sealed);
        ours.context = slice_of(token);
        ours.seal = seal;
        sealed->context = binary_of(ours.context);
        sealed->seal = binary_of(ours.seal);
        proto->kind_case = FAREBOX__V1__CREDENTIAL__KIND_SEALED;
        proto->sealed = sealed;
    }
    frame->credentials[i] = proto;
    frame->packed_credentials[i] = wire_write_credential(&ours, &maker->arena);

    struct wire_credential again;
    assert_int_equal(wire_read_credential(&again, frame->packed_credentials[i]), 0);
    assert_true(slice_equal(again.token, ours.token) && slice_equal(again.seal, ours.seal) &&
                slice_equal(again.context, ours.context));
}

static void make_frame(struct maker *maker, struct twin_frame *frame)
{
    Farebox__V1__Frame *proto = &frame->proto;
    farebox__v1__frame__init(proto);
    proto->n_credentials = rng_below(&maker->rng, CREDENTIALS + 1);
    proto->n_envelopes = rng_below(&maker->rng, ENVELOPES + 1);
    proto->credentials = frame->credentials;
    proto->envelopes = frame->pointers;
    proto->sequence = frame->head.sequence = random_number(maker, 64);
    proto->acknowledged = frame->head.acknowledged = random_number(maker, 64);
    frame->head.session = NULL;
    if (rng_below(&maker->rng, 2)) {
        uint8_t *session = arena_zalloc(&maker->arena, WIRE_SESSION_BYTES);
        memset(session, (int)rng_below(&maker->rng, 256), WIRE_SESSION_BYTES);
        frame->head.session = session;
        proto->session = binary_of(slice_make(session, WIRE_SESSION_BYTES));
    }
    for (size_t i = 0; i < proto->n_credentials; i++)
        make_credential(maker, frame, i);
    for (size_t i = 0; i < proto->n_envelopes; i++) {
        make_twin(maker, &frame->envelopes[i], proto->n_credentials);
        frame->pointers[i] = &frame->envelopes[i].proto;
    }
}

static struct slice pack_frame(struct maker *maker, const Farebox__V1__Frame *frame)
{
    size_t size = farebox__v1__frame__get_packed_size(frame);
    uint8_t *data = arena_alloc(&maker->arena, size + 1);
    farebox__v1__frame__pack(frame, data);
    return slice_make(data, size);
}

static void check_reading(struct maker *maker, const struct twin_frame *frame, struct slice packed)
{
    struct wire_frame read;
    assert_int_equal(wire_read_frame(&read, packed, &maker->arena), 0);
    assert_int_equal(read.n_envelopes, frame->proto.n_envelopes);
    assert_int_equal(read.n_credentials, frame->proto.n_credentials);
    assert_true(read.sequence == frame->head.sequence);
    assert_true(read.acknowledged == frame->head.acknowledged);
    assert_true(read.has_session == (frame->head.session != NULL));
    if (read.has_session)
        assert_memory_equal(read.session, frame->head.session, WIRE_SESSION_BYTES);
    for (size_t i = 0; i < read.n_credentials; i++)
        assert_true(slice_equal(read.credentials[i], frame->packed_credentials[i]));
    struct wire_envelope envelope;
    for (size_t i = 0; i < read.n_envelopes; i++) {
        assert_int_equal(wire_next(&read, &envelope, &maker->arena), 1);
        assert_true(same_envelope(&envelope, &frame->envelopes[i].ours));
    }
    assert_int_equal(wire_next(&read, &envelope, &maker->arena), 0);
}

static void check_writing(struct maker *maker, struct wire_out *out, const struct twin_frame *frame,
                          struct slice packed)
{
    wire_out_reset(out);
    for (size_t i = 0; i < frame->proto.n_credentials; i++)
        assert_int_equal(wire_put_credential(out, frame->packed_credentials[i]), i + 1);
    for (size_t i = 0; i < frame->proto.n_envelopes; i++) {
        uint32_t credential = frame->envelopes[i].ours.credential;
        if (credential > 0)
            assert_int_equal(wire_put_credential(out, frame->packed_credentials[credential - 1]),
                             credential);
        put_twin(out, &frame->envelopes[i], credential);
    }
    assert_int_equal(out->n_envelopes, frame->proto.n_envelopes);
    struct slice written = wire_seal_frame(out, &frame->head);
    assert_int_equal(written.len, packed.len);
    Farebox__V1__Frame *again = farebox__v1__frame__unpack(NULL, written.len, written.data);
    assert_non_null(again);
    assert_true(slice_equal(pack_frame(maker, again), packed));
    farebox__v1__frame__free_unpacked(again, NULL);
}

static void agrees_with_protobuf_c(void **state)
{
    (void)state;
    struct maker maker = {.rng = {20}};
    struct wire_out out;
    struct twin_frame frame;
    size_t envelopes = 0;
    arena_init(&maker.arena);
    wire_out_init(&out);
    for (unsigned i = 0; i < FRAMES; i++) {
        arena_reset(&maker.arena);
        make_frame(&maker, &frame);
        struct slice packed = pack_frame(&maker, &frame.proto);
        check_reading(&maker, &frame, packed);
        check_writing(&maker, &out, &frame, packed);
        envelopes += frame.proto.n_envelopes;
    }
    assert_true(envelopes > 100000);
    wire_out_finish(&out);
    arena_finish(&maker.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_protobuf_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
