/* proto.h - protobuf's wire format: the few primitives the readers and writers
 * here are made of. Internal to libs/wire. Pure.
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

/* ---- reading ---- */

struct proto_reader {
    const uint8_t *at, *end;
};

/* A field of any type: `value` of a number, `bytes` of the rest. */
struct proto_field {
    uint32_t tag;
    uint64_t value;
    struct slice bytes;
};

/* The slow path of proto_varint: where the varint ends, or NULL. */
const uint8_t *proto_long_varint(const uint8_t *at, const uint8_t *end, uint64_t *out);
/* Groups and reserved types are malformed: nothing in bus.proto nests unbounded. */
bool proto_value(struct proto_reader *reader, struct proto_field *field);
bool proto_field(struct proto_reader *reader, struct proto_field *field);

static inline struct proto_reader proto_reader(struct slice bytes)
{
    return (struct proto_reader){bytes.data, bytes.data + bytes.len};
}

static inline bool proto_varint(struct proto_reader *reader, uint64_t *out)
{
    if (reader->at != reader->end && *reader->at < 0x80) {
        *out = *reader->at++;
        return true;
    }
    reader->at = proto_long_varint(reader->at, reader->end, out);
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

static inline bool proto_fixed64(struct proto_reader *reader, uint64_t *out)
{
    uint64_t raw;
    if ((size_t)(reader->end - reader->at) < sizeof(raw))
        return false;
    memcpy(&raw, reader->at, sizeof(raw));
    reader->at += sizeof(raw);
    *out = le64toh(raw);
    return true;
}

/* ---- writing: each returns where the next byte goes ---- */

static inline size_t proto_varint_size(uint64_t value)
{
    /* bits / 7 rounded up, without dividing */
    return (size_t)((63 - __builtin_clzll(value | 1)) * 9 + 73) / 64;
}

static inline uint8_t *proto_put_varint(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

static inline uint8_t *proto_put_fixed64(uint8_t *at, uint64_t value)
{
    uint64_t raw = htole64(value);
    memcpy(at, &raw, sizeof(raw));
    return at + sizeof(raw);
}

static inline uint8_t *proto_put_bytes(uint8_t *at, struct slice bytes)
{
    at = proto_put_varint(at, bytes.len);
    memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

#endif
