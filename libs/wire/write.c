/* write.c - frames under construction. A body's size is added up first, so that
 * every length goes in front of what it measures at once and nothing is moved. */
#include "wire/fields.h"
#include "wire/put.h"
#include "wire/wire.h"

#define FIRST_BYTES                                                               \
    2048u /* of a frame: most fit, and page faults on more cost more than growing \
           */
#define SPARE_BYTES_MAX (2u * WIRE_FRAME_TARGET) /* what a reset frame may keep */

/* ---- hot bodies ---- */

#define SIZE_FIELD(type, number, name) +size_##type(body->name)
#define PUT_FIELD(type, number, name) \
    at = put_##type(at, PROTO_TAG(number, TYPE_##type), body->name);

#define BODY_WRITER(kind, FIELDS)                                                  \
    static inline size_t kind##_size(const struct wire_##kind *body)               \
    {                                                                              \
        return 0 FIELDS(SIZE_FIELD);                                               \
    }                                                                              \
    static inline uint8_t *put_##kind(uint8_t *at, const struct wire_##kind *body) \
    {                                                                              \
        FIELDS(PUT_FIELD)                                                          \
        return at;                                                                 \
    }

BODY_WRITER(request, REQUEST_FIELDS)
BODY_WRITER(reply, REPLY_FIELDS)
BODY_WRITER(part, PART_FIELDS)
BODY_WRITER(publish, PUBLISH_FIELDS)
BODY_WRITER(delivery, DELIVERY_FIELDS)

static size_t detail_size(const struct wire_detail *detail)
{
    return size_text(slice_of(detail->key)) + size_text(slice_of(detail->value));
}

static size_t details_size(const struct wire_reply *reply)
{
    size_t total = 0;
    for (size_t i = 0; i < reply->n_details; i++) {
        size_t size = detail_size(&reply->details[i]);
        total += 1 + proto_varint_size(size) + size;
    }
    return total;
}

static uint8_t *put_details(uint8_t *at, const struct wire_reply *reply)
{
    for (size_t i = 0; i < reply->n_details; i++) {
        const struct wire_detail *detail = &reply->details[i];
        *at++ = PROTO_TAG(REPLY_DETAILS, PROTO_BYTES);
        at = proto_put_varint(at, detail_size(detail));
        at = put_text(at, PROTO_TAG(DETAIL_KEY, PROTO_BYTES), slice_of(detail->key));
        at = put_text(at, PROTO_TAG(DETAIL_VALUE, PROTO_BYTES), slice_of(detail->value));
    }
    return at;
}

/* ---- the frame ---- */

void wire_out_init(struct wire_out *out)
{
    memset(out, 0, sizeof(*out));
}

void wire_out_finish(struct wire_out *out)
{
    buf_finish(&out->buf);
    wire_out_init(out);
}

void wire_out_reset(struct wire_out *out)
{
    if (out->buf.cap > SPARE_BYTES_MAX)
        buf_finish(&out->buf);
    out->buf.len = 0;
    out->n_envelopes = 0;
    out->n_credentials = 0;
}

/* Room for `size` bytes at the end of the frame, and where they go. */
static inline uint8_t *make_room(struct wire_out *out, size_t size)
{
    if (out->buf.len == 0) {
        size_t first = WIRE_HEADROOM + size;
        buf_reserve(&out->buf, first > FIRST_BYTES ? first : FIRST_BYTES);
        out->buf.len = WIRE_HEADROOM;
    }
    return buf_reserve(&out->buf, size);
}

/* Writes an envelope up to its body, whose `size` bytes the caller then puts where this returns. */
static inline uint8_t *put_envelope(struct wire_out *out, uint64_t id, uint32_t credential,
                                    enum wire_kind kind, size_t size)
{
    uint32_t tag = PROTO_TAG(kind, PROTO_BYTES);
    size_t inner = size_fixed64(id) + size_u32(credential) + proto_varint_size(tag) +
                   proto_varint_size(size) + size;
    size_t total = 1 + proto_varint_size(inner) + inner;
    uint8_t *at = make_room(out, total);
    out->buf.len += total;
    out->n_envelopes++;
    *at++ = PROTO_TAG(FRAME_ENVELOPES, PROTO_BYTES);
    at = proto_put_varint(at, inner);
    at = put_fixed64(at, PROTO_TAG(ENVELOPE_ID, PROTO_FIXED64), id);
    at = put_u32(at, PROTO_TAG(ENVELOPE_CREDENTIAL, PROTO_VARINT), credential);
    at = proto_put_varint(at, tag);
    return proto_put_varint(at, size);
}

void wire_put_request(struct wire_out *out, uint64_t id, uint32_t credential,
                      const struct wire_request *request)
{
    put_request(put_envelope(out, id, credential, WIRE_REQUEST, request_size(request)), request);
}

void wire_put_reply(struct wire_out *out, uint64_t id, const struct wire_reply *reply)
{
    size_t size = reply_size(reply) + details_size(reply);
    put_details(put_reply(put_envelope(out, id, 0, WIRE_REPLY, size), reply), reply);
}

void wire_put_part(struct wire_out *out, uint64_t id, const struct wire_part *part)
{
    put_part(put_envelope(out, id, 0, WIRE_PART, part_size(part)), part);
}

void wire_put_publish(struct wire_out *out, uint64_t id, uint32_t credential,
                      const struct wire_publish *publish)
{
    put_publish(put_envelope(out, id, credential, WIRE_PUBLISH, publish_size(publish)), publish);
}

void wire_put_delivery(struct wire_out *out, uint64_t id, uint32_t credential,
                       const struct wire_delivery *delivery)
{
    put_delivery(put_envelope(out, id, credential, WIRE_DELIVERY, delivery_size(delivery)),
                 delivery);
}

void wire_put_control(struct wire_out *out, uint64_t id, uint32_t credential, enum wire_kind kind,
                      const ProtobufCMessage *body)
{
    size_t size = body ? protobuf_c_message_get_packed_size(body) : 0;
    uint8_t *at = put_envelope(out, id, credential, kind, size);
    if (size > 0)
        protobuf_c_message_pack(body, at);
}

void wire_encode_delivery(struct buf *into, const struct wire_delivery *delivery)
{
    size_t size = delivery_size(delivery);
    put_delivery(buf_reserve(into, size), delivery);
    into->len += size;
}

void wire_put_encoded_delivery(struct wire_out *out, uint64_t id, struct slice encoded)
{
    uint8_t *at = put_envelope(out, id, 0, WIRE_DELIVERY, encoded.len);
    if (encoded.len > 0)
        memcpy(at, encoded.data, encoded.len);
}

/* ---- credentials ---- */

uint32_t wire_put_credential(struct wire_out *out, struct slice credential)
{
    if (credential.len == 0)
        return 0;
    for (uint32_t i = out->n_credentials; i > 0 && out->n_credentials - i < WIRE_RECENT; i--) {
        uint32_t at = out->recent[i % WIRE_RECENT].at, len = out->recent[i % WIRE_RECENT].len;
        if (slice_equal(slice_make(out->buf.data + at, len), credential))
            return i;
    }
    size_t total = size_bytes(credential);
    uint8_t *at = make_room(out, total);
    put_bytes(at, PROTO_TAG(FRAME_CREDENTIALS, PROTO_BYTES), credential);
    out->buf.len += total;
    uint32_t index = ++out->n_credentials;
    out->recent[index % WIRE_RECENT].at = (uint32_t)(out->buf.len - credential.len);
    out->recent[index % WIRE_RECENT].len = (uint32_t)credential.len;
    return index;
}

/* ---- the header ---- */

struct slice wire_seal_frame(struct wire_out *out, const struct wire_head *head)
{
    if (out->buf.len == 0) {
        buf_reserve(&out->buf, WIRE_HEADROOM);
        out->buf.len = WIRE_HEADROOM;
    }
    struct slice session = slice_make(head->session, head->session ? WIRE_SESSION_BYTES : 0);
    size_t size = size_bytes(session) + size_u64(head->sequence) + size_u64(head->acknowledged);
    uint8_t *start = out->buf.data + WIRE_HEADROOM - size;
    uint8_t *at = put_bytes(start, PROTO_TAG(FRAME_SESSION, PROTO_BYTES), session);
    at = put_u64(at, PROTO_TAG(FRAME_SEQUENCE, PROTO_VARINT), head->sequence);
    put_u64(at, PROTO_TAG(FRAME_ACKNOWLEDGED, PROTO_VARINT), head->acknowledged);
    return slice_make(start, out->buf.len - (size_t)(start - out->buf.data));
}
