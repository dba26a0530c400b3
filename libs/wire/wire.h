/* wire.h - frames and envelopes as bytes. Pure; not thread safe by itself.
 *
 * Frames are stock protobuf (proto/farebox/v1/bus.proto). Reading has two steps:
 * wire_read_frame() walks the outer message without copying and bounds it before
 * anything is unpacked; wire_next() decodes one envelope. The bodies of
 * the hot path (request, reply, part, publish, delivery) are read by hand into
 * slices of the frame: protobuf-c copies every field, several times the cost of
 * the rest of a call; tests hold the two codecs to the same answers. All other
 * bodies go through protobuf-c, into an arena.
 *
 * Writing appends to a frame under construction: protobuf fields concatenate, so
 * a frame is simply its envelopes one after the other, with the header put in
 * front when it leaves.
 *
 * Errors: 0, or -EBADMSG (not a frame), -EMSGSIZE (over a limit). */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include "base/arena.h"
#include "base/buf.h"
#include "wire/status.h"

#include "farebox/v1/bus.pb-c.h"

#define WIRE_SESSION_BYTES 16u
#define WIRE_PAYLOAD_MAX (1024u * 1024u)
#define WIRE_FRAME_TARGET (128u * 1024u) /* a frame under construction is closed beyond this */
/* Larger is refused unread. Room for the largest payload at the end of a nearly full frame. */
#define WIRE_FRAME_MAX (WIRE_PAYLOAD_MAX + 2u * WIRE_FRAME_TARGET)
#define WIRE_ENVELOPES_MAX 16384u /* in one frame */
#define WIRE_CREDENTIALS_MAX 4096u
#define WIRE_CREDENTIAL_BYTES_MAX 8448u /* an 8 KiB token and its framing */
#define WIRE_COSTLY_FIELDS_MAX 16384u   /* in one frame: fields of control bodies, details */

/* Numbers are those of the oneof in bus.proto. */
enum wire_kind {
    WIRE_NONE = 0,
    WIRE_HELLO = 3,
    WIRE_WELCOME,
    WIRE_REQUEST,
    WIRE_REPLY,
    WIRE_PART,
    WIRE_CANCEL,
    WIRE_PUBLISH,
    WIRE_DELIVERY,
    WIRE_ACKNOWLEDGE,
    WIRE_SUBSCRIBE,
    WIRE_UNSUBSCRIBE,
    WIRE_REGISTER,
    WIRE_DEREGISTER,
    WIRE_PING,
    WIRE_DRAIN,
    WIRE_GOODBYE,
    WIRE_ERROR,
};

const char *wire_kind_text(enum wire_kind kind);

/* ---- hot bodies: every slice borrows from the frame it was read from ---- */

struct wire_request {
    struct slice service, method, payload, content_type;
    struct slice idempotency_key, request_id, traceparent, tracestate, tenant;
    uint64_t parent;
    uint32_t timeout_ms;
    bool idempotent, stream, terms;
};

struct wire_detail {
    const char *key, *value;
};

/* What the broker says of a call to its caller: which it was, what is left of the rate (no limit:
 * 0), and if the request asked for terms the rest; else empty and 0. In a body each has its own
 * name there, and all are `said`. */
#define WIRE_SAID                          \
    struct slice request_id, tenant, tier; \
    uint32_t rate_limit, rate_remaining;   \
    uint64_t quota_limit, quota_remaining;

struct wire_said {
    WIRE_SAID
};

struct wire_reply {
    enum status status; /* out of range on the wire reads as STATUS_INTERNAL */
    struct slice payload, content_type, message;
    const struct wire_detail *details; /* read: in the arena */
    size_t n_details;
    uint32_t retry_after_ms;
    bool retryable;
    bool replayed; /* the answer to the same idempotency key before */
    union {
        struct wire_said said;
        struct {
            WIRE_SAID
        };
    };
};

struct wire_part {
    struct slice payload;
    uint32_t index;
    union { /* with the first, if the request asked for terms; else empty and 0 */
        struct wire_said said;
        struct {
            WIRE_SAID
        };
    };
};

struct wire_publish {
    struct slice topic, payload, content_type, event_id, tenant, traceparent;
    bool confirm;
};

struct wire_delivery {
    struct slice topic, payload, content_type, event_id, tenant, user, traceparent;
    uint64_t sequence, missed;
};

struct wire_envelope {
    uint64_t id;
    uint32_t credential; /* 1-based index, already checked against the frame's table */
    enum wire_kind kind; /* WIRE_NONE: a body this version does not know; skip it */
    union {
        struct wire_request request;
        struct wire_reply reply;
        struct wire_part part;
        struct wire_publish publish;
        struct wire_delivery delivery;
        /* control bodies, in the arena; those without fields: NULL */
        const ProtobufCMessage *control; /* any of the following */
        const Farebox__V1__Hello *hello;
        const Farebox__V1__Welcome *welcome;
        const Farebox__V1__Cancel *cancel;
        const Farebox__V1__Acknowledge *acknowledge;
        const Farebox__V1__Subscribe *subscribe;
        const Farebox__V1__Register *registration;
        const Farebox__V1__Deregister *deregister;
        const Farebox__V1__Error *error;
    };
};

/* ---- reading ---- */

struct wire_frame {
    uint8_t session[WIRE_SESSION_BYTES];
    bool has_session; /* false: one-shot or Hello */
    uint64_t sequence, acknowledged;
    struct slice *credentials; /* in the arena; each a serialised Credential */
    size_t n_credentials;
    size_t n_envelopes;
    struct slice bytes; /* the frame, as given */
    size_t cursor;      /* of wire_next */
    uint32_t budget;    /* costly fields still allowed */
};

/* `bytes` must outlive the frame and everything read from it. */
int wire_read_frame(struct wire_frame *frame, struct slice bytes, struct arena *arena);
/* Decodes the next envelope. 1: there was one, 0: no more, negative: malformed, and then
 * `envelope` holds nothing to rely on. */
int wire_next(struct wire_frame *frame, struct wire_envelope *envelope, struct arena *arena);

/* A credential from a frame's table, taken apart; slices borrow from it. */
struct wire_credential {
    struct slice token;         /* or empty */
    struct slice context, seal; /* or empty */
};
int wire_read_credential(struct wire_credential *out, struct slice bytes);
/* Serialises one; the result, in the arena, is what wire_put_credential() takes. */
struct slice wire_write_credential(const struct wire_credential *credential, struct arena *arena);

/* ---- writing ---- */

#define WIRE_HEADROOM 48u /* the header is put right-aligned into it */
#define WIRE_RECENT 8u

/* A frame under construction. */
struct wire_out {
    struct buf buf; /* starts with WIRE_HEADROOM unused bytes */
    uint32_t n_envelopes, n_credentials;
    /* Where the newest credentials are, so that a batch names each once: that of
     * index i in slot i % WIRE_RECENT. */
    struct {
        uint32_t at, len;
    } recent[WIRE_RECENT];
};

void wire_out_init(struct wire_out *out);
void wire_out_finish(struct wire_out *out);
void wire_out_reset(struct wire_out *out); /* empty again, keeps a small buffer */
static inline size_t wire_out_size(const struct wire_out *out)
{
    return out->buf.len > WIRE_HEADROOM ? out->buf.len - WIRE_HEADROOM : 0;
}

/* Index for an envelope; writes the credential into the frame unless a recent one is the same.
 * Empty: 0. */
uint32_t wire_put_credential(struct wire_out *out, struct slice credential);

void wire_put_request(struct wire_out *out, uint64_t id, uint32_t credential,
                      const struct wire_request *request);
void wire_put_reply(struct wire_out *out, uint64_t id, const struct wire_reply *reply);
void wire_put_part(struct wire_out *out, uint64_t id, const struct wire_part *part);
void wire_put_publish(struct wire_out *out, uint64_t id, uint32_t credential,
                      const struct wire_publish *publish);
void wire_put_delivery(struct wire_out *out, uint64_t id, uint32_t credential,
                       const struct wire_delivery *delivery);
/* Any other body; NULL for the empty ones (Ping, Unsubscribe, Drain, Goodbye, Cancel). */
void wire_put_control(struct wire_out *out, uint64_t id, uint32_t credential, enum wire_kind kind,
                      const ProtobufCMessage *body);

/* For fan-out: a delivery serialised once, put into many frames under different ids. */
void wire_encode_delivery(struct buf *into, const struct wire_delivery *delivery);
void wire_put_encoded_delivery(struct wire_out *out, uint64_t id, struct slice encoded);

struct wire_head {
    const uint8_t *session; /* WIRE_SESSION_BYTES, or NULL for none */
    uint64_t sequence, acknowledged;
};
/* Puts the header in front and returns the whole frame, valid until `out` changes.
 * May be called again with another header. */
struct slice wire_seal_frame(struct wire_out *out, const struct wire_head *head);

#endif
