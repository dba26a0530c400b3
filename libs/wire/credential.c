/* credential.c - credentials as bytes: a token, or a sealed context. */
#include "wire/fields.h"
#include "wire/put.h"
#include "wire/utf8.h"
#include "wire/wire.h"

#include <errno.h>

static int read_sealed(struct wire_credential *out, struct slice bytes)
{
    struct proto_reader reader = proto_reader(bytes);
    struct proto_field field;
    while (reader.at != reader.end) {
        if (!proto_field(&reader, &field))
            return -EBADMSG;
        if (field.tag == PROTO_TAG(SEALED_CONTEXT, PROTO_BYTES))
            out->context = field.bytes;
        else if (field.tag == PROTO_TAG(SEALED_SEAL, PROTO_BYTES))
            out->seal = field.bytes;
        else if (proto_number(field.tag) <= SEALED_SEAL)
            return -EBADMSG;
    }
    return 0;
}

int wire_read_credential(struct wire_credential *out, struct slice bytes)
{
    struct wire_credential found = {0};
    struct proto_reader reader = proto_reader(bytes.len > 0 ? bytes : slice_of(""));
    struct proto_field field;
    while (reader.at != reader.end) {
        if (!proto_field(&reader, &field))
            return -EBADMSG;
        if (field.tag == PROTO_TAG(CREDENTIAL_TOKEN, PROTO_BYTES)) {
            if (!utf8_valid_text(field.bytes))
                return -EBADMSG;
            found = (struct wire_credential){.token = field.bytes};
        } else if (field.tag == PROTO_TAG(CREDENTIAL_SEALED, PROTO_BYTES)) {
            found = (struct wire_credential){0};
            if (read_sealed(&found, field.bytes) < 0)
                return -EBADMSG;
        } else if (proto_number(field.tag) <= CREDENTIAL_SEALED) {
            return -EBADMSG;
        }
    }
    *out = found;
    return 0;
}

struct slice wire_write_credential(const struct wire_credential *credential, struct arena *arena)
{
    size_t sealed = size_bytes(credential->context) + size_bytes(credential->seal);
    uint8_t *start, *at;
    if (sealed > 0) {
        start = at = arena_alloc(arena, 1 + proto_varint_size(sealed) + sealed);
        *at++ = PROTO_TAG(CREDENTIAL_SEALED, PROTO_BYTES);
        at = proto_put_varint(at, sealed);
        at = put_bytes(at, PROTO_TAG(SEALED_CONTEXT, PROTO_BYTES), credential->context);
        at = put_bytes(at, PROTO_TAG(SEALED_SEAL, PROTO_BYTES), credential->seal);
    } else if (credential->token.len > 0) {
        start = at = arena_alloc(arena, size_bytes(credential->token));
        at = put_bytes(at, PROTO_TAG(CREDENTIAL_TOKEN, PROTO_BYTES), credential->token);
    } else {
        return slice_of("");
    }
    return slice_make(start, (size_t)(at - start));
}
