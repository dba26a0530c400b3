/* read.c - frames and envelopes from bytes. The hot bodies are read by hand into
 * slices: no copy, no allocation, each byte of a header looked at once. */
#include "wire/read.h"
#include "wire/fields.h"
#include "wire/utf8.h"

#include <errno.h>

/* ---- one field: where the types of fields.h get their meaning ---- */

static inline bool read_bytes(struct proto_reader *reader, struct slice *out)
{
    return proto_bytes(reader, out);
}

static inline bool read_text(struct proto_reader *reader, struct slice *out)
{
    return proto_bytes(reader, out) && utf8_valid_text(*out);
}

static inline bool read_u64(struct proto_reader *reader, uint64_t *out)
{
    return proto_varint(reader, out);
}

static inline bool read_fixed64(struct proto_reader *reader, uint64_t *out)
{
    return proto_fixed(reader, sizeof(*out), out);
}

static inline bool read_u32(struct proto_reader *reader, uint32_t *out)
{
    uint64_t value;
    if (!proto_varint(reader, &value))
        return false;
    *out = (uint32_t)value; /* protobuf truncates */
    return true;
}

static inline bool read_flag(struct proto_reader *reader, bool *out)
{
    uint64_t value;
    if (!proto_varint(reader, &value))
        return false;
    *out = value != 0;
    return true;
}

static inline bool read_status(struct proto_reader *reader, enum status *out)
{
    uint32_t value;
    if (!read_u32(reader, &value))
        return false;
    *out = value < STATUS_COUNT ? (enum status)value : STATUS_INTERNAL;
    return true;
}

/* Only counts: whoever wants details has to know how many before it can place them. */
static inline bool read_details(struct proto_reader *reader, size_t *count)
{
    struct slice detail;
    ++*count;
    return proto_bytes(reader, &detail);
}

/* A field that is not in the list: skipped when it is from a later version; one we
 * know by number has the wrong type. */
static bool skip_unknown(struct proto_reader *reader, uint32_t tag, uint32_t last)
{
    struct proto_field field = {.tag = tag};
    return proto_number(tag) > last && proto_value(reader, &field);
}

/* ---- hot bodies ---- */

#define READ_FIELD(type, number, name)          \
    case PROTO_TAG(number, TYPE_##type):        \
        if (!read_##type(&reader, &body->name)) \
            return false;                       \
        break;

#define BODY_READER(kind, FIELDS, last)                                   \
    static bool read_##kind(struct wire_##kind *body, struct slice bytes) \
    {                                                                     \
        struct proto_reader reader = proto_reader(bytes);                 \
        memset(body, 0, sizeof(*body));                                   \
        while (reader.at != reader.end) {                                 \
            uint32_t tag;                                                 \
            if (!proto_tag(&reader, &tag))                                \
                return false;                                             \
            switch (tag) {                                                \
                FIELDS(READ_FIELD)                                        \
            default:                                                      \
                if (!skip_unknown(&reader, tag, last))                    \
                    return false;                                         \
            }                                                             \
        }                                                                 \
        return true;                                                      \
    }

#define REPLY_FIELDS_TO_READ(X) REPLY_FIELDS(X) X(details, REPLY_DETAILS, n_details)

BODY_READER(request, REQUEST_FIELDS, REQUEST_LAST)
BODY_READER(reply, REPLY_FIELDS_TO_READ, REPLY_LAST)
BODY_READER(part, PART_FIELDS, PART_LAST)
BODY_READER(publish, PUBLISH_FIELDS, PUBLISH_LAST)
BODY_READER(delivery, DELIVERY_FIELDS, DELIVERY_LAST)

static int reply_details(struct wire_reply *reply, struct slice bytes, uint32_t *budget,
                         struct arena *arena)
{
    if (reply->n_details > *budget)
        return -EMSGSIZE;
    *budget -= (uint32_t)reply->n_details;
    return wire_read_details(&reply->details, reply->n_details, bytes, arena);
}

static int read_body(struct wire_envelope *envelope, struct slice bytes, uint32_t *budget,
                     struct arena *arena)
{
    switch (envelope->kind) {
    case WIRE_REQUEST:
        return read_request(&envelope->request, bytes) ? 0 : -EBADMSG;
    case WIRE_REPLY:
        if (!read_reply(&envelope->reply, bytes))
            return -EBADMSG;
        if (envelope->reply.n_details == 0)
            return 0;
        return reply_details(&envelope->reply, bytes, budget, arena);
    case WIRE_PART:
        return read_part(&envelope->part, bytes) ? 0 : -EBADMSG;
    case WIRE_PUBLISH:
        return read_publish(&envelope->publish, bytes) ? 0 : -EBADMSG;
    case WIRE_DELIVERY:
        return read_delivery(&envelope->delivery, bytes) ? 0 : -EBADMSG;
    case WIRE_NONE:
        return 0;
    default:
        return wire_read_control(&envelope->control, envelope->kind, bytes, budget, arena);
    }
}

/* ---- envelopes ---- */

/* Of several bodies the last one counts, as in any oneof. */
static bool read_envelope_fields(struct wire_envelope *envelope, struct slice *body,
                                 struct slice bytes)
{
    struct proto_reader reader = proto_reader(bytes);
    struct proto_field field = {0};
    envelope->id = 0;
    envelope->credential = 0;
    envelope->kind = WIRE_NONE;
    while (reader.at != reader.end) {
        if (!proto_field(&reader, &field))
            return false;
        uint32_t number = proto_number(field.tag);
        if (field.tag == PROTO_TAG(ENVELOPE_ID, PROTO_FIXED64)) {
            envelope->id = field.value;
        } else if (field.tag == PROTO_TAG(ENVELOPE_CREDENTIAL, PROTO_VARINT)) {
            envelope->credential = (uint32_t)field.value;
        } else if (number >= ENVELOPE_BODY_FIRST && number <= ENVELOPE_BODY_LAST &&
                   field.tag == PROTO_TAG(number, PROTO_BYTES)) {
            envelope->kind = (enum wire_kind)number;
            *body = field.bytes;
        } else if (number <= ENVELOPE_BODY_LAST) {
            return false;
        }
    }
    return true;
}

int wire_next(struct wire_frame *frame, struct wire_envelope *envelope, struct arena *arena)
{
    if (frame->cursor == frame->bytes.len)
        return 0;
    struct proto_reader reader = proto_reader(frame->bytes);
    reader.at += frame->cursor;
    struct proto_field field;
    do {
        if (reader.at == reader.end) {
            frame->cursor = frame->bytes.len;
            return 0;
        }
        if (!proto_field(&reader, &field))
            return -EBADMSG;
    } while (field.tag != PROTO_TAG(FRAME_ENVELOPES, PROTO_BYTES));
    frame->cursor = (size_t)(reader.at - frame->bytes.data);

    struct slice body = slice_of("");
    if (!read_envelope_fields(envelope, &body, field.bytes) ||
        envelope->credential > frame->n_credentials)
        return -EBADMSG;
    int rc = read_body(envelope, body, &frame->budget, arena);
    return rc < 0 ? rc : 1;
}

/* ---- frames ---- */

static int survey_session(struct wire_frame *frame, struct slice session)
{
    if (session.len != 0 && session.len != WIRE_SESSION_BYTES)
        return -EBADMSG;
    frame->has_session = session.len != 0;
    memcpy(frame->session, session.data, session.len);
    return 0;
}

static int survey_field(struct wire_frame *frame, const struct proto_field *field)
{
    switch (field->tag) {
    case PROTO_TAG(FRAME_SESSION, PROTO_BYTES):
        return survey_session(frame, field->bytes);
    case PROTO_TAG(FRAME_SEQUENCE, PROTO_VARINT):
        frame->sequence = field->value;
        return 0;
    case PROTO_TAG(FRAME_ACKNOWLEDGED, PROTO_VARINT):
        frame->acknowledged = field->value;
        return 0;
    case PROTO_TAG(FRAME_CREDENTIALS, PROTO_BYTES):
        if (field->bytes.len > WIRE_CREDENTIAL_BYTES_MAX)
            return -EMSGSIZE;
        return ++frame->n_credentials > WIRE_CREDENTIALS_MAX ? -EMSGSIZE : 0;
    case PROTO_TAG(FRAME_ENVELOPES, PROTO_BYTES):
        return ++frame->n_envelopes > WIRE_ENVELOPES_MAX ? -EMSGSIZE : 0;
    default:
        return proto_number(field->tag) <= FRAME_LAST ? -EBADMSG : 0;
    }
}

/* Counts and bounds everything before a byte of it is kept. */
static int survey(struct wire_frame *frame)
{
    struct proto_reader reader = proto_reader(frame->bytes);
    struct proto_field field;
    while (reader.at != reader.end) {
        if (!proto_field(&reader, &field))
            return -EBADMSG;
        int rc = survey_field(frame, &field);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Of a surveyed frame, so every field is there. */
static void collect_credentials(struct wire_frame *frame, struct arena *arena)
{
    struct proto_reader reader = proto_reader(frame->bytes);
    struct proto_field field;
    frame->credentials = arena_alloc(arena, frame->n_credentials * sizeof(*frame->credentials));
    for (size_t n = 0; n < frame->n_credentials && proto_field(&reader, &field);)
        if (field.tag == PROTO_TAG(FRAME_CREDENTIALS, PROTO_BYTES))
            frame->credentials[n++] = field.bytes;
}

int wire_read_frame(struct wire_frame *frame, struct slice bytes, struct arena *arena)
{
    if (bytes.len > WIRE_FRAME_MAX)
        return -EMSGSIZE;
    struct wire_frame found = {
        .bytes = bytes.len > 0 ? bytes : slice_of(""),
        .budget = WIRE_COSTLY_FIELDS_MAX,
    };
    int rc = survey(&found);
    if (rc < 0)
        return rc;
    if (found.n_credentials > 0)
        collect_credentials(&found, arena);
    *frame = found;
    return 0;
}
