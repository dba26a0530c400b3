/* read_control.c - the bodies that cross the bus once a session rather than once
 * a call. They are unpacked by protobuf-c into the arena, but only after a look
 * through them: protobuf-c keeps a record for every field and a copy of every
 * unknown one, so two bytes could cost a hundred. */
#include "wire/fields.h"
#include "wire/read.h"
#include "wire/utf8.h"

#include <errno.h>

static const ProtobufCMessageDescriptor *const descriptors[] = {
    [WIRE_HELLO] = &farebox__v1__hello__descriptor,
    [WIRE_WELCOME] = &farebox__v1__welcome__descriptor,
    [WIRE_CANCEL] = &farebox__v1__cancel__descriptor,
    [WIRE_ACKNOWLEDGE] = &farebox__v1__acknowledge__descriptor,
    [WIRE_SUBSCRIBE] = &farebox__v1__subscribe__descriptor,
    [WIRE_UNSUBSCRIBE] = &farebox__v1__unsubscribe__descriptor,
    [WIRE_REGISTER] = &farebox__v1__register__descriptor,
    [WIRE_DEREGISTER] = &farebox__v1__deregister__descriptor,
    [WIRE_PING] = &farebox__v1__ping__descriptor,
    [WIRE_DRAIN] = &farebox__v1__drain__descriptor,
    [WIRE_GOODBYE] = &farebox__v1__goodbye__descriptor,
    [WIRE_ERROR] = &farebox__v1__error__descriptor,
};

/* Walks a body and the messages in it (the schema says how deep), charging each
 * field to the budget. */
static int inspect(const ProtobufCMessageDescriptor *type, struct slice bytes, uint32_t *budget)
{
    struct proto_reader reader = proto_reader(bytes);
    struct proto_field field;
    while (reader.at != reader.end) {
        if (!proto_field(&reader, &field))
            return -EBADMSG;
        if (*budget == 0)
            return -EMSGSIZE;
        --*budget;
        const ProtobufCFieldDescriptor *known =
            protobuf_c_message_descriptor_get_field(type, proto_number(field.tag));
        if (!known || (field.tag & 7) != PROTO_BYTES)
            continue; /* what has the wrong type protobuf-c refuses itself */
        if (known->type == PROTOBUF_C_TYPE_STRING && !utf8_valid_text(field.bytes))
            return -EBADMSG;
        if (known->type == PROTOBUF_C_TYPE_MESSAGE) {
            int rc = inspect(known->descriptor, field.bytes, budget);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

static void *allocate(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void forget(void *arena, void *pointer)
{
    (void)arena;
    (void)pointer;
}

int wire_read_control(const ProtobufCMessage **out, enum wire_kind kind, struct slice bytes,
                      uint32_t *budget, struct arena *arena)
{
    const ProtobufCMessageDescriptor *type = descriptors[kind];
    int rc = inspect(type, bytes, budget);
    if (rc < 0)
        return rc;
    if (type->n_fields == 0) {
        *out = NULL;
        return 0;
    }
    ProtobufCAllocator allocator = {allocate, forget, arena};
    const ProtobufCMessage *body =
        protobuf_c_message_unpack(type, &allocator, bytes.len, bytes.data);
    if (!body)
        return -EBADMSG;
    *out = body;
    return 0;
}

/* ---- details of a reply ---- */

static int read_detail(struct wire_detail *out, struct slice bytes, struct arena *arena)
{
    struct proto_reader reader = proto_reader(bytes);
    struct proto_field field;
    struct slice key = slice_of(""), value = slice_of("");
    while (reader.at != reader.end) {
        if (!proto_field(&reader, &field))
            return -EBADMSG;
        if (field.tag == PROTO_TAG(DETAIL_KEY, PROTO_BYTES))
            key = field.bytes;
        else if (field.tag == PROTO_TAG(DETAIL_VALUE, PROTO_BYTES))
            value = field.bytes;
        else if (proto_number(field.tag) <= DETAIL_VALUE)
            return -EBADMSG;
    }
    if (!utf8_valid_text(key) || !utf8_valid_text(value))
        return -EBADMSG;
    out->key = arena_text(arena, key);
    out->value = arena_text(arena, value);
    return 0;
}

int wire_read_details(const struct wire_detail **out, size_t count, struct slice reply,
                      struct arena *arena)
{
    struct wire_detail *details = arena_alloc(arena, count * sizeof(*details));
    struct proto_reader reader = proto_reader(reply);
    struct proto_field field;
    for (size_t n = 0; n < count && proto_field(&reader, &field);) {
        if (field.tag != PROTO_TAG(REPLY_DETAILS, PROTO_BYTES))
            continue;
        int rc = read_detail(&details[n++], field.bytes, arena);
        if (rc < 0)
            return rc;
    }
    *out = details;
    return 0;
}
