/* pack.h - MessagePack, value by value. Pure.
 *
 * Our own few lines because the contract of json.h asks for more than libraries
 * give: msgpack-c stops at 32 levels and allocates what an array announces,
 * jansson knows no unsigned 64-bit integers and builds trees many times the
 * size of the text. Tests hold this to both of them. */
#ifndef WIRE_PACK_H
#define WIRE_PACK_H

#include "base/buf.h"

enum pack_type {
    PACK_NIL,
    PACK_BOOL,
    PACK_UINT, /* not negative */
    PACK_INT,  /* negative */
    PACK_FLOAT,
    PACK_STR,
    PACK_BIN,
    PACK_EXT,
    PACK_ARRAY, /* `count` values follow */
    PACK_MAP,   /* `count` pairs follow */
};

/* A value, or the head of a container. */
struct pack_value {
    enum pack_type type;
    union {
        bool boolean;
        uint64_t uint;
        int64_t integer;
        double number;
        uint32_t count;
        struct slice bytes; /* borrowed from the input */
    };
};

struct pack_reader {
    const uint8_t *at, *end;
};

/* False: the bytes end early, or are no MessagePack. A count that could not fit
 * into what is left is refused too, so loops over it are bounded by the input. */
bool pack_read(struct pack_reader *reader, struct pack_value *out);

/* Each appends the shortest form. */
void pack_nil(struct buf *out);
void pack_bool(struct buf *out, bool value);
void pack_uint(struct buf *out, uint64_t value);
void pack_int(struct buf *out, int64_t value);
void pack_float(struct buf *out, double value);
void pack_str_head(struct buf *out, uint32_t len);
void pack_str(struct buf *out, struct slice text);

/* A container whose size is only known at its end. */
size_t pack_open(struct buf *out); /* returns what pack_close() wants as `start` */
void pack_close_array(struct buf *out, size_t start, uint32_t count);
void pack_close_map(struct buf *out, size_t start, uint32_t count);

#endif
