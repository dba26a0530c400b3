/* fuzz_frame.c - frames from strangers: the outer walk, the credentials, every
 * envelope, and the numbers as a session would judge them. */
#include "base/mem.h"
#include "wire/link.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_inside(struct slice part, struct slice whole)
{
    require(part.len == 0 || (part.data >= whole.data && part.len <= whole.len &&
                              (size_t)(part.data - whole.data) <= whole.len - part.len));
}

static void read_credentials(const struct wire_frame *frame)
{
    for (size_t i = 0; i < frame->n_credentials; i++) {
        struct wire_credential credential;
        require_inside(frame->credentials[i], frame->bytes);
        if (wire_read_credential(&credential, frame->credentials[i]) < 0)
            continue;
        require_inside(credential.token, frame->bytes);
        require_inside(credential.context, frame->bytes);
        require_inside(credential.seal, frame->bytes);
        require(credential.token.len == 0 || credential.context.len + credential.seal.len == 0);
    }
}

static void read_envelopes(struct wire_frame frame, struct arena *arena)
{
    struct wire_envelope envelope;
    size_t n = 0;
    int rc;
    while ((rc = wire_next(&frame, &envelope, arena)) == 1) {
        require(envelope.credential <= frame.n_credentials);
        n++;
    }
    require(rc == 0 ? n == frame.n_envelopes : n < frame.n_envelopes);
}

static void admit(const struct wire_frame *frame)
{
    struct link link;
    struct buf held = {0};
    link_init(&link);
    enum link_verdict verdict = link_admit(&link, frame);
    require(verdict == LINK_BROKEN || frame->acknowledged == 0);
    require(verdict != LINK_DELIVER || frame->sequence == 1);
    require(!link_take_held(&link, &held));
    link_finish(&link);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct wire_frame frame;
    arena_init(&arena);
    if (wire_read_frame(&frame, slice_make(data, size), &arena) == 0) {
        read_credentials(&frame);
        read_envelopes(frame, &arena);
        admit(&frame);
    }
    /* 16384 envelopes of a few bytes may unpack into as many small structs */
    require(arena.used <= 4u * size + (4u << 20));
    arena_finish(&arena);
    return 0;
}
