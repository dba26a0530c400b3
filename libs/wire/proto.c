/* proto.c - the parts of protobuf's wire format that need not be inline. */
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

static bool fixed32(struct proto_reader *reader, uint64_t *out)
{
    uint32_t raw;
    if ((size_t)(reader->end - reader->at) < sizeof(raw))
        return false;
    memcpy(&raw, reader->at, sizeof(raw));
    reader->at += sizeof(raw);
    *out = le32toh(raw);
    return true;
}

bool proto_value(struct proto_reader *reader, struct proto_field *field)
{
    switch (field->tag & 7) {
    case PROTO_VARINT:
        return proto_varint(reader, &field->value);
    case PROTO_FIXED64:
        return proto_fixed64(reader, &field->value);
    case PROTO_BYTES:
        return proto_bytes(reader, &field->bytes);
    case PROTO_FIXED32:
        return fixed32(reader, &field->value);
    default:
        return false;
    }
}

bool proto_field(struct proto_reader *reader, struct proto_field *field)
{
    return proto_tag(reader, &field->tag) && proto_value(reader, field);
}
