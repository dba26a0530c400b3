/* put.h - fields of a message under construction, by the types of fields.h: how
 * large each is, and its bytes. Zero is the default and not written. Internal to
 * libs/wire. Pure.
 * Tags are one byte: fields are numbered below 16. Putting returns where the next
 * byte goes; the caller has made room. */
#ifndef WIRE_PUT_H
#define WIRE_PUT_H

#include "wire/proto.h"

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

static inline size_t size_bytes(struct slice bytes)
{
    return bytes.len > 0 ? 1 + proto_varint_size(bytes.len) + bytes.len : 0;
}

static inline uint8_t *put_bytes(uint8_t *at, uint8_t tag, struct slice bytes)
{
    if (bytes.len == 0)
        return at;
    *at++ = tag;
    return proto_put_bytes(at, bytes);
}

static inline size_t size_u64(uint64_t value)
{
    return value > 0 ? 1 + proto_varint_size(value) : 0;
}

static inline uint8_t *put_u64(uint8_t *at, uint8_t tag, uint64_t value)
{
    if (value == 0)
        return at;
    *at++ = tag;
    return proto_put_varint(at, value);
}

static inline size_t size_fixed64(uint64_t value)
{
    return value > 0 ? 1 + sizeof(value) : 0;
}

static inline uint8_t *put_fixed64(uint8_t *at, uint8_t tag, uint64_t value)
{
    if (value == 0)
        return at;
    *at++ = tag;
    return proto_put_fixed64(at, value);
}

/* The other types of fields.h travel like one of these. */
#define size_text size_bytes
#define put_text put_bytes
#define size_u32 size_u64
#define put_u32 put_u64
#define size_flag size_u64
#define put_flag put_u64
#define size_status size_u64
#define put_status put_u64

#endif
