/* Two links over a network that loses pipes, repeats and reorders: whatever is put
 * in comes out once and in order, and nothing is kept for ever. */
#include "../testing.h"

#include "base/mem.h"
#include "wire/link.h"

#define SEEDS 5000u
#define PIPES 2u          /* at a time */
#define IN_FLIGHT 6u      /* frames in one direction of a pipe, as many as a peer has exchanges */
#define REORDER 4u        /* frames that may overtake one another */
#define STEPS 500u        /* with losses */
#define DRAIN_STEPS 2000u /* then without: must be quiet by then */

/* ---- the network ---- */

struct flight {
    struct buf frames[IN_FLIGHT];
    size_t n;
};

struct pipe {
    uint32_t id;
    bool noticed[2]; /* has this end noticed that it was lost? */
    bool lost;
    struct flight to[2];
};

struct end {
    struct link link;
    uint64_t put, got; /* ids of envelopes, counted from 1 */
};

struct world {
    struct rng rng;
    struct arena arena;
    struct end ends[2];
    struct pipe pipes[PIPES];
    uint32_t next_pipe;
};

static void empty_flight(struct flight *flight)
{
    for (size_t i = 0; i < flight->n; i++)
        buf_finish(&flight->frames[i]);
    flight->n = 0;
}

static void open_pipe(struct world *world, struct pipe *pipe)
{
    *pipe = (struct pipe){.id = ++world->next_pipe};
}

static void world_init(struct world *world, uint64_t seed)
{
    *world = (struct world){.rng = {seed}};
    arena_init(&world->arena);
    for (size_t i = 0; i < 2; i++)
        link_init(&world->ends[i].link);
    for (size_t i = 0; i < PIPES; i++)
        open_pipe(world, &world->pipes[i]);
}

static void world_finish(struct world *world)
{
    for (size_t i = 0; i < PIPES; i++)
        for (size_t k = 0; k < 2; k++)
            empty_flight(&world->pipes[i].to[k]);
    for (size_t i = 0; i < 2; i++)
        link_finish(&world->ends[i].link);
    arena_finish(&world->arena);
}

/* Both directions are lost, and each end learns of it in its own time. */
static void lose(struct pipe *pipe)
{
    pipe->lost = true;
    empty_flight(&pipe->to[0]);
    empty_flight(&pipe->to[1]);
}

static void notice(struct world *world, struct pipe *pipe, size_t who)
{
    if (!pipe->lost || pipe->noticed[who])
        return;
    pipe->noticed[who] = true;
    link_pipe_lost(&world->ends[who].link, pipe->id);
    if (pipe->noticed[!who])
        open_pipe(world, pipe);
}

static bool may_send(const struct pipe *pipe, size_t who)
{
    return !(pipe->lost && pipe->noticed[who]) && pipe->to[!who].n < IN_FLIGHT;
}

static void send(struct world *world, struct pipe *pipe, size_t who)
{
    struct link *link = &world->ends[who].link;
    if (!may_send(pipe, who) || !(link_pending(link) || link->ack_due))
        return;
    struct slice frame = link_transmit(link, pipe->id);
    if (pipe->lost)
        return; /* said into the void */
    struct flight *flight = &pipe->to[!who];
    flight->frames[flight->n] = (struct buf){0};
    buf_append(&flight->frames[flight->n++], frame.data, frame.len);
}

/* ---- the ends ---- */

static void put_some(struct world *world, size_t who)
{
    static const uint8_t payload[50000];
    struct end *end = &world->ends[who];
    for (uint64_t n = rng_below(&world->rng, 4); n > 0; n--) {
        size_t len = rng_below(&world->rng, 20) ? rng_below(&world->rng, 20) : sizeof(payload);
        struct wire_part part = {.payload = slice_make(payload, len)};
        wire_put_part(link_out(&end->link), ++end->put, &part);
    }
}

static void take_envelopes(struct world *world, struct end *end, struct wire_frame *frame)
{
    struct wire_envelope envelope;
    while (wire_next(frame, &envelope, &world->arena) == 1)
        assert_int_equal(envelope.id, ++end->got);
}

static void receive(struct world *world, size_t who, struct slice bytes)
{
    struct end *end = &world->ends[who];
    struct wire_frame frame;
    arena_reset(&world->arena);
    assert_int_equal(wire_read_frame(&frame, bytes, &world->arena), 0);
    enum link_verdict verdict = link_admit(&end->link, &frame);
    assert_int_not_equal(verdict, LINK_BROKEN);
    if (verdict != LINK_DELIVER)
        return;
    take_envelopes(world, end, &frame);
    struct buf held = {0};
    while (link_take_held(&end->link, &held)) {
        assert_int_equal(wire_read_frame(&frame, buf_slice(&held), &world->arena), 0);
        take_envelopes(world, end, &frame);
        buf_finish(&held);
    }
}

/* One of the next few frames, which may stay in flight to arrive again. */
static void deliver(struct world *world, struct pipe *pipe, size_t who)
{
    struct flight *flight = &pipe->to[who];
    if (flight->n == 0)
        return;
    size_t window = flight->n < REORDER ? flight->n : REORDER;
    size_t i = rng_below(&world->rng, window);
    receive(world, who, buf_slice(&flight->frames[i]));
    if (rng_below(&world->rng, 10) == 0)
        return;
    buf_finish(&flight->frames[i]);
    flight->n--;
    memmove(&flight->frames[i], &flight->frames[i + 1],
            (flight->n - i) * sizeof(flight->frames[0]));
}

static void step(struct world *world, bool losses)
{
    struct pipe *pipe = &world->pipes[rng_below(&world->rng, PIPES)];
    size_t who = rng_below(&world->rng, 2);
    switch (rng_below(&world->rng, losses ? 12 : 11)) {
    case 0:
    case 1:
        if (losses)
            put_some(world, who);
        break;
    case 2:
    case 3:
    case 4:
    case 5:
        send(world, pipe, who);
        break;
    case 11:
        if (rng_below(&world->rng, 3) == 0)
            lose(pipe);
        break;
    default:
        deliver(world, pipe, who);
        break;
    }
    for (size_t i = 0; i < PIPES; i++)
        if (rng_below(&world->rng, 4) == 0)
            notice(world, &world->pipes[i], rng_below(&world->rng, 2));
}

static bool quiet(const struct world *world)
{
    for (size_t i = 0; i < 2; i++) {
        const struct link *link = &world->ends[i].link;
        if (link_pending(link) || link->ack_due || !list_empty(&link->kept))
            return false;
    }
    return true;
}

static void check_everything_arrived(const struct world *world)
{
    for (size_t i = 0; i < 2; i++) {
        const struct link *link = &world->ends[i].link;
        assert_int_equal(world->ends[i].put, world->ends[!i].got);
        assert_int_equal(link_backlog(link), 0);
        assert_int_equal(link->n_lost, 0);
        assert_int_equal(link->n_held, 0);
        assert_int_equal(link->held_bytes, 0);
        assert_int_equal(link->sent, world->ends[!i].link.received);
    }
}

static void exactly_once_in_order(void **state)
{
    (void)state;
    uint64_t envelopes = 0, pipes = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        world_init(&world, seed);
        for (unsigned i = 0; i < STEPS; i++)
            step(&world, true);
        unsigned left = DRAIN_STEPS;
        while (!quiet(&world) && left-- > 0)
            step(&world, false);
        if (!quiet(&world))
            print_error("seed %llu never falls quiet\n", (unsigned long long)seed);
        assert_true(quiet(&world));
        check_everything_arrived(&world);
        envelopes += world.ends[0].put + world.ends[1].put;
        pipes += world.next_pipe;
        world_finish(&world);
    }
    assert_true(envelopes > SEEDS * 20 && pipes > SEEDS * 3);
}

/* ---- one link, by hand ---- */

static struct wire_frame header(uint64_t sequence, uint64_t acknowledged, size_t n_envelopes)
{
    static const uint8_t bytes[100];
    return (struct wire_frame){.sequence = sequence,
                               .acknowledged = acknowledged,
                               .n_envelopes = n_envelopes,
                               .bytes = slice_make(bytes, sizeof(bytes))};
}

static enum link_verdict admit(struct link *link, uint64_t sequence, uint64_t acknowledged)
{
    struct wire_frame frame = header(sequence, acknowledged, sequence > 0);
    return link_admit(link, &frame);
}

static void put_ping(struct link *link)
{
    wire_put_control(link_out(link), 1, 0, WIRE_PING, NULL);
}

static struct wire_frame transmitted(struct link *link, uint32_t pipe)
{
    struct arena arena;
    struct wire_frame frame;
    arena_init(&arena);
    assert_int_equal(wire_read_frame(&frame, link_transmit(link, pipe), &arena), 0);
    arena_finish(&arena);
    return frame;
}

static void impossible_numbers_end_a_session(void **state)
{
    (void)state;
    struct link link;
    link_init(&link);
    put_ping(&link);
    assert_int_equal(admit(&link, 0, 1), LINK_BROKEN); /* we have sent nothing yet */
    link_transmit(&link, 1);
    assert_int_equal(admit(&link, 0, 2), LINK_BROKEN);
    assert_int_equal(admit(&link, 0, UINT64_MAX), LINK_BROKEN);
    struct wire_frame smuggled = header(0, 0, 1); /* unnumbered envelopes could come twice */
    assert_int_equal(link_admit(&link, &smuggled), LINK_BROKEN);
    assert_int_equal(admit(&link, 0, 1), LINK_NOTHING);
    assert_true(list_empty(&link.kept));
    link_finish(&link);
}

static void early_frames_are_bounded(void **state)
{
    (void)state;
    struct link link;
    link_init(&link);
    for (uint64_t i = 0; i < LINK_HELD_MAX; i++)
        assert_int_equal(admit(&link, 100 - i, 0), LINK_HELD);
    assert_int_equal(admit(&link, 90, 0), LINK_REPEAT);
    assert_int_equal(admit(&link, 101, 0), LINK_BROKEN);
    link_finish(&link);

    link_init(&link);
    uint8_t *megabyte = mem_zalloc(1u << 20);
    struct wire_frame frame = header(0, 0, 1);
    frame.bytes = slice_make(megabyte, 1u << 20);
    for (frame.sequence = 2; frame.sequence < 10; frame.sequence++)
        assert_int_equal(link_admit(&link, &frame), LINK_HELD);
    assert_int_equal(link_admit(&link, &frame), LINK_BROKEN);
    mem_free(megabyte);
    link_finish(&link);
}

static void held_frames_come_in_their_turn(void **state)
{
    (void)state;
    struct link link;
    struct buf held = {0};
    link_init(&link);
    assert_int_equal(admit(&link, 4, 0), LINK_HELD);
    assert_int_equal(admit(&link, 2, 0), LINK_HELD);
    assert_false(link_take_held(&link, &held));
    assert_int_equal(admit(&link, 1, 0), LINK_DELIVER);
    assert_true(link_take_held(&link, &held));
    assert_int_equal(held.len, 100);
    buf_finish(&held);
    assert_false(link_take_held(&link, &held));
    assert_int_equal(link.received, 2);
    link_transmit(&link, 1);
    assert_false(link.ack_due);
    assert_int_equal(admit(&link, 2, 0), LINK_REPEAT);
    assert_true(link.ack_due); /* or the other side would keep it for ever */
    link_finish(&link);
}

/* A frame goes out again under its old number, but with what we know now. */
static void a_repeat_acknowledges_the_newest(void **state)
{
    (void)state;
    struct link link;
    link_init(&link);
    put_ping(&link);
    assert_int_equal(transmitted(&link, 7).acknowledged, 0);
    put_ping(&link);
    assert_int_equal(transmitted(&link, 8).sequence, 2);
    assert_int_equal(admit(&link, 1, 0), LINK_DELIVER);
    link_pipe_lost(&link, 7);
    put_ping(&link);
    struct wire_frame again = transmitted(&link, 9);
    assert_int_equal(again.sequence, 1);
    assert_int_equal(again.acknowledged, 1);
    assert_int_equal(again.n_envelopes, 1);
    assert_int_equal(transmitted(&link, 9).sequence, 3);
    assert_int_equal(transmitted(&link, 9).sequence, 0);
    link_pipe_lost(&link, 0); /* whichever pipe */
    for (uint64_t i = 1; i <= 3; i++)
        assert_int_equal(transmitted(&link, 10).sequence, i);
    assert_false(link_pending(&link));
    link_finish(&link);
}

static void what_was_acknowledged_is_not_repeated(void **state)
{
    (void)state;
    struct link link;
    link_init(&link);
    for (unsigned i = 0; i < 3; i++) {
        put_ping(&link);
        link_transmit(&link, 7);
    }
    link_pipe_lost(&link, 7);
    assert_int_equal(admit(&link, 0, 2), LINK_NOTHING);
    assert_int_equal(transmitted(&link, 8).sequence, 3);
    assert_false(link_pending(&link));
    assert_int_equal(admit(&link, 0, 1), LINK_NOTHING); /* late news */
    assert_int_equal(admit(&link, 0, 3), LINK_NOTHING);
    assert_int_equal(link_backlog(&link), 0);
    link_finish(&link);
}

static void full_frames_make_room(void **state)
{
    (void)state;
    static uint8_t payload[50000];
    struct wire_part part = {.payload = slice_make(payload, sizeof(payload))};
    struct link link;
    link_init(&link);
    for (unsigned i = 0; i < 10; i++)
        wire_put_part(link_out(&link), i, &part);
    assert_true(link_backlog(&link) > 10 * sizeof(payload));
    for (uint64_t i = 1; i <= 4; i++) {
        struct wire_frame frame = transmitted(&link, 1);
        assert_int_equal(frame.sequence, i);
        assert_int_equal(frame.n_envelopes, i < 4 ? 3 : 1);
        assert_true(frame.bytes.len < WIRE_FRAME_TARGET + sizeof(payload) + WIRE_HEADROOM);
    }
    assert_true(link_backlog(&link) > 10 * sizeof(payload));
    assert_int_equal(admit(&link, 0, 4), LINK_NOTHING);
    assert_int_equal(link_backlog(&link), 0);
    link_finish(&link);
}

/* The largest payload may be the last one into a frame that is nearly full. */
static void no_frame_outgrows_the_limit(void **state)
{
    (void)state;
    uint8_t *payload = mem_zalloc(WIRE_PAYLOAD_MAX);
    struct wire_part part = {.payload = slice_make(payload, WIRE_FRAME_TARGET - 100)};
    struct link link;
    link_init(&link);
    wire_put_part(link_out(&link), 1, &part);
    part.payload.len = WIRE_PAYLOAD_MAX;
    wire_put_part(link_out(&link), 2, &part);
    assert_int_equal(transmitted(&link, 1).n_envelopes, 2);
    mem_free(payload);
    link_finish(&link);
}

static void frames_hold_only_so_many(void **state)
{
    (void)state;
    struct link link;
    link_init(&link);
    for (unsigned i = 0; i < WIRE_ENVELOPES_MAX + 1; i++)
        wire_put_control(link_out(&link), 0, 0, WIRE_PING, NULL);
    assert_int_equal(transmitted(&link, 1).n_envelopes, WIRE_ENVELOPES_MAX);
    assert_int_equal(transmitted(&link, 1).n_envelopes, 1);
    link_finish(&link);
}

static void a_named_link_says_its_session(void **state)
{
    (void)state;
    static const uint8_t session[WIRE_SESSION_BYTES] = {9, 8, 7};
    struct link link;
    link_init(&link);
    assert_false(transmitted(&link, 1).has_session);
    link_name(&link, session);
    struct wire_frame frame = transmitted(&link, 1);
    assert_memory_equal(frame.session, session, sizeof(session));
    link_finish(&link);
    link_finish(&link);
    link_finish(NULL);
}

/* In the steady state the same few buffers go round. */
static void buffers_are_used_again(void **state)
{
    (void)state;
    struct link link;
    const uint8_t *seen[2] = {NULL, NULL};
    link_init(&link);
    for (uint64_t i = 1; i < 1000; i++) {
        put_ping(&link);
        if (i <= 2)
            seen[i % 2] = link.open->buf.data;
        assert_ptr_equal(link.open->buf.data, seen[i % 2]);
        link_transmit(&link, 1);
        if (i > 1)
            assert_int_equal(admit(&link, i - 1, i - 1), LINK_DELIVER);
    }
    assert_int_equal(link.n_spare, 1);
    link_shrink(&link);
    assert_int_equal(link.n_spare, 0);
    for (unsigned i = 0; i < 100; i++) {
        put_ping(&link);
        link_transmit(&link, 1);
    }
    admit(&link, 0, link.sent);
    assert_in_range(link.n_spare, 1, 16); /* a burst does not leave its memory behind */
    link_finish(&link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_once_in_order),
        cmocka_unit_test(impossible_numbers_end_a_session),
        cmocka_unit_test(early_frames_are_bounded),
        cmocka_unit_test(held_frames_come_in_their_turn),
        cmocka_unit_test(a_repeat_acknowledges_the_newest),
        cmocka_unit_test(what_was_acknowledged_is_not_repeated),
        cmocka_unit_test(full_frames_make_room),
        cmocka_unit_test(no_frame_outgrows_the_limit),
        cmocka_unit_test(frames_hold_only_so_many),
        cmocka_unit_test(a_named_link_says_its_session),
        cmocka_unit_test(buffers_are_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
