/* link.c - numbering, keeping, repeating and putting in order. */
#include "wire/link.h"

#include "base/mem.h"

#define SPARES_MAX 8u /* about what a busy session has unacknowledged at a time */

struct link_frame {
    struct list node;
    struct wire_out out; /* of a held frame: the bytes as they came */
    uint64_t sequence;
    uint32_t pipe; /* that carried it last */
    bool lost;
};

static struct link_frame *frame_of(struct list *node)
{
    return LIST_ENTRY(node, struct link_frame, node);
}

/* ---- frames, used again rather than allocated ---- */

static struct link_frame *take_frame(struct link *link)
{
    struct list *node = list_first(&link->spare);
    if (!node) {
        struct link_frame *frame = mem_zalloc(sizeof(*frame));
        list_init(&frame->node);
        wire_out_init(&frame->out);
        return frame;
    }
    list_remove(node);
    link->n_spare--;
    return frame_of(node);
}

static void free_frame(struct link_frame *frame)
{
    list_remove(&frame->node);
    wire_out_finish(&frame->out);
    mem_free(frame);
}

/* The last one in is the first one out: its memory is still in the cache. */
static void give_frame(struct link *link, struct link_frame *frame)
{
    if (link->n_spare == SPARES_MAX) {
        free_frame(frame);
        return;
    }
    list_remove(&frame->node);
    wire_out_reset(&frame->out);
    frame->lost = false;
    list_push(link->spare.next, &frame->node);
    link->n_spare++;
}

static void free_list(struct list *frames)
{
    while (!list_empty(frames))
        free_frame(frame_of(frames->next));
}

void link_init(struct link *link)
{
    memset(link, 0, sizeof(*link));
    list_init(&link->kept);
    list_init(&link->held);
    list_init(&link->ready);
    list_init(&link->spare);
    wire_out_init(&link->bare);
}

void link_shrink(struct link *link)
{
    free_list(&link->spare);
    link->n_spare = 0;
    wire_out_finish(&link->bare);
}

void link_finish(struct link *link)
{
    if (!link)
        return;
    link_shrink(link);
    free_list(&link->kept);
    free_list(&link->held);
    free_list(&link->ready);
    if (link->open)
        free_frame(LIST_ENTRY(link->open, struct link_frame, out));
    link_init(link);
}

void link_name(struct link *link, const uint8_t session[WIRE_SESSION_BYTES])
{
    memcpy(link->session, session, WIRE_SESSION_BYTES);
    link->named = true;
}

/* ---- going out ---- */

static bool is_full(const struct wire_out *out)
{
    return wire_out_size(out) >= WIRE_FRAME_TARGET || out->n_envelopes >= WIRE_ENVELOPES_MAX ||
           out->n_credentials >= WIRE_CREDENTIALS_MAX;
}

static void close_open(struct link *link)
{
    struct link_frame *frame = LIST_ENTRY(link->open, struct link_frame, out);
    link->bytes += wire_out_size(&frame->out);
    list_push(&link->ready, &frame->node);
    link->open = NULL;
}

struct wire_out *link_out(struct link *link)
{
    if (link->open && is_full(link->open))
        close_open(link);
    if (!link->open)
        link->open = &take_frame(link)->out;
    return link->open;
}

bool link_pending(const struct link *link)
{
    return link->n_lost > 0 || !list_empty(&link->ready) ||
           (link->open && link->open->n_envelopes > 0);
}

static struct link_frame *oldest_lost(struct link *link)
{
    struct list *node = link->kept.next;
    while (!frame_of(node)->lost)
        node = node->next;
    return frame_of(node);
}

static struct link_frame *number_next(struct link *link)
{
    if (list_empty(&link->ready))
        close_open(link);
    struct link_frame *frame = frame_of(link->ready.next);
    list_remove(&frame->node);
    frame->sequence = ++link->sent;
    list_push(&link->kept, &frame->node);
    return frame;
}

struct slice link_transmit(struct link *link, uint32_t pipe)
{
    struct wire_head head = {
        .session = link->named ? link->session : NULL,
        .acknowledged = link->received,
    };
    link->ack_due = false;
    if (!link_pending(link))
        return wire_seal_frame(&link->bare, &head);

    struct link_frame *frame;
    if (link->n_lost > 0) {
        frame = oldest_lost(link);
        frame->lost = false;
        link->n_lost--;
    } else {
        frame = number_next(link);
    }
    frame->pipe = pipe;
    head.sequence = frame->sequence;
    return wire_seal_frame(&frame->out, &head);
}

void link_pipe_lost(struct link *link, uint32_t pipe)
{
    for (struct list *node = link->kept.next; node != &link->kept; node = node->next) {
        struct link_frame *frame = frame_of(node);
        if (!frame->lost && (pipe == 0 || frame->pipe == pipe)) {
            frame->lost = true;
            link->n_lost++;
        }
    }
    /* Acknowledgements may have been lost with it; nothing else would repeat the last one. */
    link->ack_due = link->received > 0;
}

/* ---- coming in ---- */

static void release_acknowledged(struct link *link, uint64_t acknowledged)
{
    if (acknowledged <= link->acknowledged)
        return;
    link->acknowledged = acknowledged;
    while (!list_empty(&link->kept)) {
        struct link_frame *frame = frame_of(link->kept.next);
        if (frame->sequence > acknowledged)
            return;
        link->n_lost -= frame->lost;
        link->bytes -= wire_out_size(&frame->out);
        give_frame(link, frame);
    }
}

/* Where an early frame belongs among the held ones: before the first that is not older. */
static struct list *held_place(struct link *link, uint64_t sequence)
{
    struct list *node = link->held.next;
    while (node != &link->held && frame_of(node)->sequence < sequence)
        node = node->next;
    return node;
}

static enum link_verdict hold(struct link *link, const struct wire_frame *frame)
{
    struct list *place = held_place(link, frame->sequence);
    if (place != &link->held && frame_of(place)->sequence == frame->sequence)
        return LINK_REPEAT;
    if (link->n_held == LINK_HELD_MAX || link->held_bytes + frame->bytes.len > LINK_HELD_BYTES_MAX)
        return LINK_BROKEN;
    struct link_frame *held = take_frame(link);
    held->sequence = frame->sequence;
    buf_append(&held->out.buf, frame->bytes.data, frame->bytes.len);
    list_push(place, &held->node);
    link->n_held++;
    link->held_bytes += frame->bytes.len;
    return LINK_HELD;
}

enum link_verdict link_admit(struct link *link, const struct wire_frame *frame)
{
    if (frame->acknowledged > link->sent)
        return LINK_BROKEN;
    if (frame->sequence == 0 && frame->n_envelopes > 0)
        return LINK_BROKEN;
    release_acknowledged(link, frame->acknowledged);
    if (frame->sequence == 0)
        return LINK_NOTHING;
    if (frame->sequence <= link->received) {
        link->ack_due = true; /* the repeat says that our acknowledgement never arrived */
        return LINK_REPEAT;
    }
    if (frame->sequence - link->received > 1)
        return hold(link, frame);
    link->received++;
    link->ack_due = true;
    return LINK_DELIVER;
}

bool link_take_held(struct link *link, struct buf *out)
{
    while (!list_empty(&link->held)) {
        struct link_frame *frame = frame_of(link->held.next);
        if (frame->sequence > link->received + 1)
            return false;
        link->n_held--;
        link->held_bytes -= frame->out.buf.len;
        bool turn = frame->sequence == link->received + 1;
        if (turn) {
            *out = frame->out.buf;
            wire_out_init(&frame->out);
            link->received++;
            link->ack_due = true;
        }
        give_frame(link, frame);
        if (turn)
            return true;
    }
    return false;
}
