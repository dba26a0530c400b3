/* fields.h - the hot bodies field by field: how each travels, its number in
 * bus.proto, its name in wire.h. The reader and the writer are both made from
 * these lists. Internal to libs/wire.
 *
 * text: UTF-8 into a slice; bytes: anything into a slice; the rest are numbers.
 * Details of a reply are a list of messages and handled by hand. */
#ifndef WIRE_FIELDS_H
#define WIRE_FIELDS_H

#include "wire/proto.h"

#define REQUEST_FIELDS(X)       \
    X(text, 1, service)         \
    X(text, 2, method)          \
    X(bytes, 3, payload)        \
    X(text, 4, content_type)    \
    X(u32, 5, timeout_ms)       \
    X(text, 6, idempotency_key) \
    X(flag, 7, idempotent)      \
    X(fixed64, 8, parent)       \
    X(text, 9, request_id)      \
    X(text, 10, traceparent)    \
    X(text, 11, tracestate)     \
    X(text, 12, tenant)         \
    X(flag, 13, stream)         \
    X(flag, 14, terms)

#define REPLY_FIELDS(X)        \
    X(status, 1, status)       \
    X(bytes, 2, payload)       \
    X(text, 3, content_type)   \
    X(text, 4, message)        \
    X(u32, 6, retry_after_ms)  \
    X(flag, 7, retryable)      \
    X(text, 8, request_id)     \
    X(u32, 9, rate_limit)      \
    X(u32, 10, rate_remaining) \
    X(flag, 11, replayed)      \
    X(text, 12, tenant)        \
    X(text, 13, tier)          \
    X(u64, 14, quota_limit)    \
    X(u64, 15, quota_remaining)

#define PART_FIELDS(X)        \
    X(bytes, 1, payload)      \
    X(u32, 2, index)          \
    X(text, 3, request_id)    \
    X(text, 4, tenant)        \
    X(text, 5, tier)          \
    X(u32, 6, rate_limit)     \
    X(u32, 7, rate_remaining) \
    X(u64, 8, quota_limit)    \
    X(u64, 9, quota_remaining)

#define PUBLISH_FIELDS(X)    \
    X(text, 1, topic)        \
    X(bytes, 2, payload)     \
    X(text, 3, content_type) \
    X(text, 4, event_id)     \
    X(flag, 5, confirm)      \
    X(text, 6, tenant)       \
    X(text, 7, traceparent)

#define DELIVERY_FIELDS(X)   \
    X(text, 1, topic)        \
    X(bytes, 2, payload)     \
    X(text, 3, content_type) \
    X(text, 4, event_id)     \
    X(u64, 5, sequence)      \
    X(u64, 6, missed)        \
    X(text, 7, tenant)       \
    X(text, 8, user)         \
    X(text, 9, traceparent)

/* The highest number of each; what is above is from a later version. */
enum {
    REQUEST_LAST = 14,
    REPLY_LAST = 15,
    PART_LAST = 9,
    PUBLISH_LAST = 7,
    DELIVERY_LAST = 9,
};

#define REPLY_DETAILS 5

enum {
    TYPE_text = PROTO_BYTES,
    TYPE_bytes = PROTO_BYTES,
    TYPE_details = PROTO_BYTES,
    TYPE_u32 = PROTO_VARINT,
    TYPE_u64 = PROTO_VARINT,
    TYPE_flag = PROTO_VARINT,
    TYPE_status = PROTO_VARINT,
    TYPE_fixed64 = PROTO_FIXED64,
};

/* Numbers in the frame and the envelope, likewise from bus.proto. */
enum {
    FRAME_SESSION = 1,
    FRAME_SEQUENCE,
    FRAME_ACKNOWLEDGED,
    FRAME_CREDENTIALS,
    FRAME_ENVELOPES,
    FRAME_LAST = FRAME_ENVELOPES,

    ENVELOPE_ID = 1,
    ENVELOPE_CREDENTIAL = 2,
    ENVELOPE_BODY_FIRST = 3,
    ENVELOPE_BODY_LAST = 19,

    CREDENTIAL_TOKEN = 1,
    CREDENTIAL_SEALED = 2,
    SEALED_CONTEXT = 1,
    SEALED_SEAL = 2,

    DETAIL_KEY = 1,
    DETAIL_VALUE = 2,
};

#endif
