/* link.h - one end of a session: numbered frames, delivered exactly once and in
 * order over exchanges that may be reordered, repeated or lost with their pipe.
 * Both the broker's sessions and the client engine are built on it. Pure; not
 * thread safe.
 *
 * Outgoing envelopes are put into the open frame. When an exchange can carry a
 * frame, link_transmit() closes the open frame, numbers it and hands it out; it
 * is kept until the other side acknowledges it. When a pipe is lost,
 * link_pipe_lost() marks what it carried, and link_transmit() hands exactly those
 * frames out again, oldest first, under their old numbers.
 *
 * Incoming frames are admitted by number: the next one is delivered, an early one
 * is copied and held, an old one is recognised as a repeat. */
#ifndef WIRE_LINK_H
#define WIRE_LINK_H

#include "base/list.h"
#include "wire/wire.h"

/* Early frames held at most; beyond either bound is a protocol error. */
#define LINK_HELD_MAX 32u
#define LINK_HELD_BYTES_MAX (8u * 1024u * 1024u)

struct link {
    uint8_t session[WIRE_SESSION_BYTES];
    bool named;            /* session is set */
    uint64_t sent;         /* number of the newest frame closed */
    uint64_t received;     /* highest number delivered in order */
    uint64_t acknowledged; /* highest of ours the other side has */
    struct list kept;      /* closed frames, oldest first: struct link_frame */
    struct list held;      /* early frames: struct link_frame */
    size_t n_held, held_bytes;
    struct wire_out *open; /* NULL when nothing is gathering */
    struct list ready;     /* closed because full, not yet numbered out on a pipe */
    size_t n_lost;         /* kept frames that are to go out again */
    size_t bytes;          /* in ready and kept frames */
    bool ack_due;          /* the other side should hear what we have received */
    struct wire_out bare;  /* the frame that only acknowledges */
    struct list spare;     /* frames to use again */
    size_t n_spare;
};

void link_init(struct link *link);
void link_finish(struct link *link);
void link_name(struct link *link, const uint8_t session[WIRE_SESSION_BYTES]);

/* The frame to put the next envelope into; closes a full one and opens another. */
struct wire_out *link_out(struct link *link);
/* Bytes waiting or unacknowledged: what a bound on an outbox looks at. */
static inline size_t link_backlog(const struct link *link)
{
    return link->bytes + (link->open ? wire_out_size(link->open) : 0);
}
/* Is there a frame with envelopes to transmit (new, or lost with a pipe)? */
bool link_pending(const struct link *link);
/* The next frame for `pipe`: one lost earlier, else the oldest full one, else the open one, else an
 * empty frame (sequence 0) that only acknowledges. Valid until the next call on
 * this link. */
struct slice link_transmit(struct link *link, uint32_t pipe);
/* Everything unacknowledged that `pipe` carried is to go out again. Pipe 0: all pipes. */
void link_pipe_lost(struct link *link, uint32_t pipe);

enum link_verdict {
    LINK_DELIVER, /* process its envelopes now, then loop over link_take_held() */
    LINK_NOTHING, /* sequence 0: only an acknowledgement */
    LINK_REPEAT,  /* seen before: ignore its envelopes */
    LINK_HELD,    /* early: copied, comes back from link_take_held() */
    LINK_BROKEN,  /* impossible numbers: end the session */
};
/* Takes in the header of a frame: frees what it acknowledges, judges its number. */
enum link_verdict link_admit(struct link *link, const struct wire_frame *frame);
/* After LINK_DELIVER: the next held frame if its turn has come. `out` (an empty buf) receives its
 * bytes; the caller frees it with buf_finish. */
bool link_take_held(struct link *link, struct buf *out);
/* Releases spare buffers; for sessions that have gone quiet. */
void link_shrink(struct link *link);

#endif
