/* proto.c - the rare varint: protobuf's other primitives are inline. */
#include "wire/proto.h"

#define VARINT_BYTES_MAX 10

const uint8_t *proto_long_varint(const uint8_t *at, const uint8_t *end, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_BYTES_MAX && at != end; i++) {
        uint64_t byte = *at++;
        value |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            if (i == VARINT_BYTES_MAX - 1 && byte > 1)
                return NULL; /* bits beyond the 64th */
            *out = value;
            return at;
        }
    }
    return NULL;
}
