/* pack.c - MessagePack values from bytes and to bytes. */
#include "wire/pack.h"

#include <endian.h>

enum { /* first bytes, as the specification names them */
       FIXMAP = 0x80,
       FIXARRAY = 0x90,
       FIXSTR = 0xa0,
       NIL = 0xc0,
       FALSE = 0xc2,
       TRUE = 0xc3,
       BIN8 = 0xc4,
       BIN16 = 0xc5,
       BIN32 = 0xc6,
       EXT8 = 0xc7,
       EXT16 = 0xc8,
       EXT32 = 0xc9,
       FLOAT32 = 0xca,
       FLOAT64 = 0xcb,
       UINT8 = 0xcc,
       UINT16 = 0xcd,
       UINT32 = 0xce,
       UINT64 = 0xcf,
       INT8 = 0xd0,
       INT16 = 0xd1,
       INT32 = 0xd2,
       INT64 = 0xd3,
       FIXEXT1 = 0xd4,
       FIXEXT16 = 0xd8,
       STR8 = 0xd9,
       STR16 = 0xda,
       STR32 = 0xdb,
       ARRAY16 = 0xdc,
       ARRAY32 = 0xdd,
       MAP16 = 0xde,
       MAP32 = 0xdf,
       NEGATIVE_FIXINT = 0xe0,
};

/* ---- reading ---- */

static size_t left(const struct pack_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

static bool read_big_endian(struct pack_reader *reader, size_t size, uint64_t *out)
{
    if (left(reader) < size)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | reader->at[i];
    reader->at += size;
    *out = value;
    return true;
}

static bool take_bytes(struct pack_reader *reader, enum pack_type type, uint64_t len,
                       struct pack_value *out)
{
    if (len > left(reader))
        return false;
    out->type = type;
    out->bytes = slice_make(reader->at, (size_t)len);
    reader->at += len;
    return true;
}

/* Length in `size` bytes, then as many bytes; an ext has its type in between. */
static bool read_bytes(struct pack_reader *reader, enum pack_type type, size_t size,
                       struct pack_value *out)
{
    uint64_t len;
    return read_big_endian(reader, size, &len) &&
           take_bytes(reader, type, len + (type == PACK_EXT), out);
}

static bool take_count(struct pack_reader *reader, enum pack_type type, uint64_t count,
                       struct pack_value *out)
{
    if (count * (type == PACK_MAP ? 2 : 1) > left(reader))
        return false;
    out->type = type;
    out->count = (uint32_t)count;
    return true;
}

static bool read_count(struct pack_reader *reader, enum pack_type type, size_t size,
                       struct pack_value *out)
{
    uint64_t count;
    return read_big_endian(reader, size, &count) && take_count(reader, type, count, out);
}

static bool read_unsigned(struct pack_reader *reader, size_t size, struct pack_value *out)
{
    out->type = PACK_UINT;
    return read_big_endian(reader, size, &out->uint);
}

static void set_integer(struct pack_value *out, int64_t value)
{
    out->type = value < 0 ? PACK_INT : PACK_UINT;
    out->integer = value;
}

static bool read_signed(struct pack_reader *reader, size_t size, struct pack_value *out)
{
    uint64_t raw;
    if (!read_big_endian(reader, size, &raw))
        return false;
    uint64_t sign = 1ull << (8 * size - 1);
    set_integer(out, (int64_t)((raw ^ sign) - sign));
    return true;
}

static bool read_float(struct pack_reader *reader, size_t size, struct pack_value *out)
{
    uint64_t raw;
    if (!read_big_endian(reader, size, &raw))
        return false;
    out->type = PACK_FLOAT;
    if (size == sizeof(float)) {
        uint32_t bits = (uint32_t)raw;
        float value;
        memcpy(&value, &bits, sizeof(value));
        out->number = (double)value;
    } else {
        memcpy(&out->number, &raw, sizeof(out->number));
    }
    return true;
}

/* The forms that have their value in the first byte. */
static bool read_fixed(struct pack_reader *reader, uint8_t first, struct pack_value *out)
{
    if (first < FIXMAP || first >= NEGATIVE_FIXINT) {
        set_integer(out, (int8_t)first);
        return true;
    }
    if (first < FIXARRAY)
        return take_count(reader, PACK_MAP, first & 0x0f, out);
    if (first < FIXSTR)
        return take_count(reader, PACK_ARRAY, first & 0x0f, out);
    return take_bytes(reader, PACK_STR, first & 0x1f, out);
}

static bool read_sized(struct pack_reader *reader, uint8_t first, struct pack_value *out)
{
    switch (first) {
    case BIN8:
    case BIN16:
    case BIN32:
        return read_bytes(reader, PACK_BIN, (size_t)1 << (first - BIN8), out);
    case EXT8:
    case EXT16:
    case EXT32:
        return read_bytes(reader, PACK_EXT, (size_t)1 << (first - EXT8), out);
    case FLOAT32:
    case FLOAT64:
        return read_float(reader, (size_t)4 << (first - FLOAT32), out);
    case UINT8:
    case UINT16:
    case UINT32:
    case UINT64:
        return read_unsigned(reader, (size_t)1 << (first - UINT8), out);
    case INT8:
    case INT16:
    case INT32:
    case INT64:
        return read_signed(reader, (size_t)1 << (first - INT8), out);
    case STR8:
    case STR16:
    case STR32:
        return read_bytes(reader, PACK_STR, (size_t)1 << (first - STR8), out);
    case ARRAY16:
    case ARRAY32:
        return read_count(reader, PACK_ARRAY, (size_t)2 << (first - ARRAY16), out);
    case MAP16:
    case MAP32:
        return read_count(reader, PACK_MAP, (size_t)2 << (first - MAP16), out);
    default:
        return false;
    }
}

bool pack_read(struct pack_reader *reader, struct pack_value *out)
{
    if (reader->at == reader->end)
        return false;
    uint8_t first = *reader->at++;
    if (first < NIL || first >= NEGATIVE_FIXINT)
        return read_fixed(reader, first, out);
    if (first == NIL) {
        out->type = PACK_NIL;
        return true;
    }
    if (first == FALSE || first == TRUE) {
        out->type = PACK_BOOL;
        out->boolean = first == TRUE;
        return true;
    }
    if (first >= FIXEXT1 && first <= FIXEXT16)
        return take_bytes(reader, PACK_EXT, 1 + (1ull << (first - FIXEXT1)), out);
    return read_sized(reader, first, out);
}

/* ---- writing ---- */

/* A first byte and the `size` low bytes of a number. */
static void put(struct buf *out, uint8_t first, uint64_t value, size_t size)
{
    uint8_t *at = buf_reserve(out, 1 + size);
    uint64_t big = htobe64(value);
    at[0] = first;
    memcpy(at + 1, (const uint8_t *)&big + sizeof(big) - size, size);
    out->len += 1 + size;
}

void pack_nil(struct buf *out)
{
    put(out, NIL, 0, 0);
}

void pack_bool(struct buf *out, bool value)
{
    put(out, value ? TRUE : FALSE, 0, 0);
}

void pack_uint(struct buf *out, uint64_t value)
{
    if (value < FIXMAP)
        put(out, (uint8_t)value, 0, 0);
    else if (value <= UINT8_MAX)
        put(out, UINT8, value, 1);
    else if (value <= UINT16_MAX)
        put(out, UINT16, value, 2);
    else if (value <= UINT32_MAX)
        put(out, UINT32, value, 4);
    else
        put(out, UINT64, value, 8);
}

void pack_int(struct buf *out, int64_t value)
{
    uint64_t bits = (uint64_t)value;
    if (value >= 0)
        pack_uint(out, bits);
    else if (value >= -32)
        put(out, (uint8_t)bits, 0, 0);
    else if (value >= INT8_MIN)
        put(out, INT8, bits, 1);
    else if (value >= INT16_MIN)
        put(out, INT16, bits, 2);
    else if (value >= INT32_MIN)
        put(out, INT32, bits, 4);
    else
        put(out, INT64, bits, 8);
}

void pack_float(struct buf *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    put(out, FLOAT64, bits, 8);
}

void pack_str_head(struct buf *out, uint32_t len)
{
    if (len < 32)
        put(out, (uint8_t)(FIXSTR | len), 0, 0);
    else if (len <= UINT8_MAX)
        put(out, STR8, len, 1);
    else if (len <= UINT16_MAX)
        put(out, STR16, len, 2);
    else
        put(out, STR32, len, 4);
}

void pack_str(struct buf *out, struct slice text)
{
    pack_str_head(out, (uint32_t)text.len);
    buf_append(out, text.data, text.len);
}

size_t pack_open(struct buf *out)
{
    put(out, NIL, 0, 0); /* the head of a small container; a larger one is made room for */
    return out->len - 1;
}

static void close_container(struct buf *out, size_t start, uint32_t count, uint8_t fix,
                            uint8_t sized16)
{
    if (count < 16) {
        out->data[start] = (uint8_t)(fix | count);
        return;
    }
    size_t more = count <= UINT16_MAX ? 2 : 4;
    buf_reserve(out, more);
    uint8_t *body = out->data + start + 1;
    memmove(body + more, body, out->len - start - 1);
    out->data[start] = (uint8_t)(sized16 + (more == 4));
    uint32_t big = htobe32(count);
    memcpy(body, (const uint8_t *)&big + sizeof(big) - more, more);
    out->len += more;
}

void pack_close_array(struct buf *out, size_t start, uint32_t count)
{
    close_container(out, start, count, FIXARRAY, ARRAY16);
}

void pack_close_map(struct buf *out, size_t start, uint32_t count)
{
    close_container(out, start, count, FIXMAP, MAP16);
}
