/* fuzz_envelope.c - bodies from strangers: the first byte picks the kind. What was
 * read is written and read again, and must come out the same from then on. */
#include "base/mem.h"
#include "wire/fields.h"
#include "wire/put.h"
#include "wire/wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* A frame of one envelope around a body of any bytes. */
static void wrap(struct buf *out, enum wire_kind kind, struct slice body)
{
    uint32_t tag = PROTO_TAG(kind, PROTO_BYTES);
    size_t inner = proto_varint_size(tag) + proto_varint_size(body.len) + body.len;
    uint8_t head[32], *at = head;
    *at++ = PROTO_TAG(FRAME_ENVELOPES, PROTO_BYTES);
    at = proto_put_varint(at, inner);
    at = proto_put_varint(at, tag);
    at = proto_put_varint(at, body.len);
    buf_append(out, head, (size_t)(at - head));
    buf_append(out, body.data, body.len);
}

static bool read_one(struct wire_envelope *envelope, struct slice bytes, struct arena *arena)
{
    struct wire_frame frame;
    return wire_read_frame(&frame, bytes, arena) == 0 && wire_next(&frame, envelope, arena) == 1;
}

static struct slice write_one(struct wire_out *out, const struct wire_envelope *envelope)
{
    switch (envelope->kind) {
    case WIRE_REQUEST:
        wire_put_request(out, envelope->id, 0, &envelope->request);
        break;
    case WIRE_REPLY:
        wire_put_reply(out, envelope->id, &envelope->reply);
        break;
    case WIRE_PART:
        wire_put_part(out, envelope->id, &envelope->part);
        break;
    case WIRE_PUBLISH:
        wire_put_publish(out, envelope->id, 0, &envelope->publish);
        break;
    case WIRE_DELIVERY:
        wire_put_delivery(out, envelope->id, 0, &envelope->delivery);
        break;
    default:
        wire_put_control(out, envelope->id, 0, envelope->kind, envelope->control);
        break;
    }
    return wire_seal_frame(out, &(struct wire_head){0});
}

static void check_round_trip(const struct wire_envelope *envelope, struct arena *arena)
{
    struct wire_out first, second;
    struct wire_envelope again;
    wire_out_init(&first);
    wire_out_init(&second);
    struct slice once = write_one(&first, envelope);
    require(read_one(&again, once, arena));
    require(slice_equal(once, write_one(&second, &again)));
    wire_out_finish(&first);
    wire_out_finish(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct buf frame = {0};
    struct wire_envelope envelope;
    if (size == 0)
        return 0;
    arena_init(&arena);
    wrap(&frame, (enum wire_kind)(WIRE_HELLO + data[0] % 17), slice_make(data + 1, size - 1));
    if (read_one(&envelope, buf_slice(&frame), &arena))
        check_round_trip(&envelope, &arena);
    buf_finish(&frame);
    arena_finish(&arena);
    return 0;
}
