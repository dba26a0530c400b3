/* proto.h - protobuf's wire format: the few primitives the readers here are made
 * of; put.h has the writers'. Internal to libs/wire. Pure.
 * Readers stay inside [at, end) whatever the bytes say; false means malformed,
 * and then neither the reader nor the outputs may be relied on. */
#ifndef WIRE_PROTO_H
#define WIRE_PROTO_H

#include "base/slice.h"

#include <endian.h>

enum proto_type {
    PROTO_VARINT = 0,
    PROTO_FIXED64 = 1,
    PROTO_BYTES = 2,
    PROTO_FIXED32 = 5,
};

#define PROTO_TAG(number, type) ((uint32_t)(number) << 3 | (uint32_t)(type))

static inline uint32_t proto_number(uint32_t tag)
{
    return tag >> 3;
}

struct proto_reader {
    const uint8_t *at, *end;
};

/* A field of any type: `value` of a number, `bytes` of the rest. */
struct proto_field {
    uint32_t tag;
    uint64_t value;
    struct slice bytes;
};

/* Any varint, at the pace of the long ones: where it ends, or NULL. */
const uint8_t *proto_long_varint(const uint8_t *at, const uint8_t *end, uint64_t *out);

static inline struct proto_reader proto_reader(struct slice bytes)
{
    return (struct proto_reader){bytes.data, bytes.data + bytes.len};
}

/* Nearly all lengths and tags are one byte or two. */
static inline bool proto_varint(struct proto_reader *reader, uint64_t *out)
{
    const uint8_t *at = reader->at;
    if (reader->end - at >= 2) {
        if (at[0] < 0x80) {
            *out = at[0];
            reader->at = at + 1;
            return true;
        }
        if (at[1] < 0x80) {
            *out = (uint64_t)(at[0] & 0x7f) | (uint64_t)at[1] << 7;
            reader->at = at + 2;
            return true;
        }
    }
    reader->at = proto_long_varint(at, reader->end, out);
    return reader->at != NULL;
}

static inline bool proto_tag(struct proto_reader *reader, uint32_t *out)
{
    uint64_t tag;
    if (!proto_varint(reader, &tag) || tag > UINT32_MAX || tag < PROTO_TAG(1, 0))
        return false;
    *out = (uint32_t)tag;
    return true;
}

static inline bool proto_bytes(struct proto_reader *reader, struct slice *out)
{
    uint64_t len;
    if (!proto_varint(reader, &len) || len > (uint64_t)(reader->end - reader->at))
        return false;
    *out = slice_make(reader->at, (size_t)len);
    reader->at += len;
    return true;
}

/* `size` bytes, little-endian: 4 or 8. */
static inline bool proto_fixed(struct proto_reader *reader, size_t size, uint64_t *out)
{
    uint64_t raw = 0;
    if ((size_t)(reader->end - reader->at) < size)
        return false;
    memcpy(&raw, reader->at, size);
    reader->at += size;
    *out = le64toh(raw);
    return true;
}

/* The value behind a tag already read. Groups and reserved types are malformed:
 * nothing in bus.proto nests unbounded. */
static inline bool proto_value(struct proto_reader *reader, struct proto_field *field)
{
    switch (field->tag & 7) {
    case PROTO_BYTES:
        return proto_bytes(reader, &field->bytes);
    case PROTO_VARINT:
        return proto_varint(reader, &field->value);
    case PROTO_FIXED64:
        return proto_fixed(reader, 8, &field->value);
    case PROTO_FIXED32:
        return proto_fixed(reader, 4, &field->value);
    default:
        return false;
    }
}

static inline bool proto_field(struct proto_reader *reader, struct proto_field *field)
{
    return proto_tag(reader, &field->tag) && proto_value(reader, field);
}

#endif
