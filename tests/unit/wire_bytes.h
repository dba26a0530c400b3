/* wire_bytes.h - protobuf made by hand, for tests of what no codec would write. */
#ifndef WIRE_BYTES_H
#define WIRE_BYTES_H

#include "base/buf.h"
#include "wire/fields.h"
#include "wire/wire.h"

static inline void add_varint(struct buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        buf_append(out, &(uint8_t){(uint8_t)(value | 0x80)}, 1);
    buf_append(out, &(uint8_t){(uint8_t)value}, 1);
}

static inline void add_number(struct buf *out, uint32_t number, uint64_t value)
{
    add_varint(out, PROTO_TAG(number, PROTO_VARINT));
    add_varint(out, value);
}

static inline void add_bytes(struct buf *out, uint32_t number, const void *data, size_t len)
{
    add_varint(out, PROTO_TAG(number, PROTO_BYTES));
    add_varint(out, len);
    buf_append(out, data, len);
}

static inline void add_buf(struct buf *out, uint32_t number, struct buf *inner)
{
    add_bytes(out, number, inner->data, inner->len);
    buf_finish(inner);
}

/* A frame of one envelope with one body; consumes the body. */
static inline struct buf frame_of(enum wire_kind kind, struct buf *body)
{
    struct buf envelope = {0}, frame = {0};
    add_buf(&envelope, (uint32_t)kind, body);
    add_buf(&frame, FRAME_ENVELOPES, &envelope);
    return frame;
}

#endif
