/* Bad input: whatever bytes come, each exchange is used up once, memory stays in proportion,
 * and the broker goes on serving everybody else. */
#include "../testing.h"

#include "base/mem.h"
#include "core/session.h"
#include "core_stage.h"

#define CALLER "acme ann call:* publish:> subscribe:>"
#define SERVER "infra host serve:* call:*"

static struct stage stage;
static struct actor *ann, *host; /* well-behaved, to see that the broker goes on */
static uint32_t pipe;

static int open_stage(void **state)
{
    (void)state;
    stage_init(&stage);
    stage_start(&stage);
    ann = stage_join(&stage, CALLER);
    host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 0);
    pipe = stage_pipe(&stage);
    return 0;
}

static void goes_on(void)
{
    static uint64_t id = 1000;
    actor_call(ann, ++id, "orders", "echo");
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, id), STATUS_OK);
    assert_int_equal(stage_gauges(&stage).sessions, 2);
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

/* The status the broker gives to these bytes, which belong to no session. */
static enum status judged(struct slice bytes)
{
    struct wire_envelope envelope;
    struct arena arena;
    enum status status;
    arena_init(&arena);
    assert_true(stage_frame_in(&stage, pipe, bytes));
    assert_true(stage_answer(&stage, &arena, &envelope));
    if (envelope.kind == WIRE_ERROR)
        status = (enum status)envelope.error->status;
    else if (envelope.kind == WIRE_REPLY)
        status = envelope.reply.status;
    else
        status = (enum status)envelope.acknowledge->status;
    arena_finish(&arena);
    return status;
}

static void drop_answers(void)
{
    struct wire_envelope envelope;
    struct arena arena;
    arena_init(&arena);
    while (!list_empty(&stage.one_shots))
        stage_answer(&stage, &arena, &envelope);
    arena_finish(&arena);
}

/* ---- bytes ---- */

static void nonsense_gets_one_error(void **state)
{
    static const struct slice bad[] = {
        {(const uint8_t *)"", 0},
        {(const uint8_t *)"\0", 1},
        {(const uint8_t *)"hello", 5},
        {(const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11},
        {(const uint8_t *)"\x2a\xff\xff\xff\xff\x7f", 6}, /* announces 32 GiB */
        {(const uint8_t *)"\x0a\x10", 2},                 /* a session cut short */
        {(const uint8_t *)"\x0a\x03"
                          "abc",
         5},                                      /* a session of 3 bytes */
        {(const uint8_t *)"\x0b\x0b\x0b\x0b", 4}, /* groups within groups */
        {(const uint8_t *)"GET / HTTP/1.1\r\n\r\n", 18},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(judged(bad[i]), STATUS_INVALID_ARGUMENT);
    goes_on();
}

static void random_bytes_do_no_harm(void **state)
{
    uint8_t bytes[300];
    struct rng rng = {11};
    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        size_t len = rng_below(&rng, sizeof bytes);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)rng_next(&rng);
        stage_frame_in(&stage, pipe, slice_make(bytes, len));
        drop_answers();
    }
    goes_on();
}

/* ---- frames cut short and altered ---- */

static struct slice one_shot_call(struct wire_out *out, struct arena *arena, const char *token)
{
    const struct wire_credential credential = {.token = slice_of(token)};
    const struct wire_request request = {.service = slice_of("bus.registry"),
                                         .method = slice_of("list"),
                                         .payload = slice_of("\x80"),
                                         .traceparent = slice_of("00-1-2-01")};
    uint32_t index = wire_put_credential(out, wire_write_credential(&credential, arena));
    wire_put_request(out, 77, index, &request);
    return wire_seal_frame(out, &(struct wire_head){0});
}

static void a_frame_may_be_cut_anywhere(void **state)
{
    struct wire_out out;
    struct arena arena;
    (void)state;
    arena_init(&arena);
    wire_out_init(&out);
    struct slice frame = one_shot_call(&out, &arena, CALLER);
    assert_int_equal(judged(frame), STATUS_OK);
    for (size_t len = 0; len < frame.len; len++)
        assert_int_not_equal(judged(slice_make(frame.data, len)), STATUS_OK);
    wire_out_finish(&out);
    arena_finish(&arena);
    goes_on();
}

static void any_bit_may_be_flipped(void **state)
{
    struct wire_out out;
    struct arena arena;
    struct buf spoilt = {0};
    (void)state;
    arena_init(&arena);
    wire_out_init(&out);
    struct slice frame = one_shot_call(&out, &arena, CALLER);
    for (size_t bit = 0; bit < frame.len * 8; bit++) {
        spoilt.len = 0;
        buf_append(&spoilt, frame.data, frame.len);
        spoilt.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        stage_frame_in(&stage, pipe, buf_slice(&spoilt));
        drop_answers();
    }
    buf_finish(&spoilt);
    wire_out_finish(&out);
    arena_finish(&arena);
    stage_pass(&stage, 100);
    goes_on();
}

/* A session's frame: it may end this session, and no other. */
static void a_session_may_spoil_its_own_frames(void **state)
{
    struct rng rng = {5};
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        struct actor *eve = stage_join(&stage, CALLER);
        const struct wire_publish event = {.topic = slice_of("news.a"), .confirm = true};
        struct buf spoilt = {0};
        wire_put_publish(actor_out(eve), 1, 0, &event);
        wire_put_control(actor_out(eve), 2, 0, WIRE_PING, NULL);
        struct slice frame = link_transmit(&eve->link, eve->pipe);
        buf_append(&spoilt, frame.data, frame.len);
        for (uint64_t flips = 1 + rng_below(&rng, 3); flips > 0; flips--)
            spoilt.data[rng_below(&rng, spoilt.len)] ^= (uint8_t)(1u << rng_below(&rng, 8));
        stage_frame_in(&stage, eve->pipe, buf_slice(&spoilt));
        drop_answers();
        buf_finish(&spoilt);
        actor_cut(eve, false);
        stage_dismiss(eve);
        actor_say(ann); /* is still there */
        actor_say(host);
        stage_pass(&stage, 1100);
    }
    goes_on();
}

/* ---- memory ---- */

static void unknown_fields_cost_no_more_than_they_bring(void **state)
{
    const size_t size = 1000000;
    struct buf frame = {0};
    (void)state;
    /* Field 100, a varint: three bytes each. */
    while (frame.len + 3 < size)
        buf_append(&frame, "\xa0\x06\x01", 3);
    stage_frame_in(&stage, pipe, buf_slice(&frame));
    assert_true(stage.arena_used <= 4 * size);
    buf_append(&frame, "\x2a\x00", 2); /* the same around an envelope */
    stage_frame_in(&stage, pipe, buf_slice(&frame));
    assert_true(stage.arena_used <= 4 * size);
    drop_answers();
    buf_finish(&frame);
    goes_on();
}

static void put_length(struct buf *out, uint8_t tag, size_t length)
{
    buf_append(out, &tag, 1);
    for (; length >= 0x80; length >>= 7)
        buf_append(out, &(uint8_t){(uint8_t)(length | 0x80)}, 1);
    buf_append(out, &(uint8_t){(uint8_t)length}, 1);
}

/* Control bodies are unpacked by protobuf-c, which copies each unknown field. */
static void unknown_fields_of_a_control_body_are_counted(void **state)
{
    struct buf body = {0}, envelope = {0}, frame = {0};
    (void)state;
    while (body.len < 1000000)
        buf_append(&body, "\xa0\x06\x01", 3);
    put_length(&envelope, 0x1a, body.len); /* hello */
    buf_append(&envelope, body.data, body.len);
    put_length(&frame, 0x2a, envelope.len);
    buf_append(&frame, envelope.data, envelope.len);
    assert_int_not_equal(judged(buf_slice(&frame)), STATUS_OK);
    assert_true(stage.arena_used <= 4 * frame.len);
    buf_finish(&body);
    buf_finish(&envelope);
    buf_finish(&frame);
    goes_on();
}

static void many_empty_envelopes_are_bounded(void **state)
{
    struct buf frame = {0};
    (void)state;
    while (frame.len < 1000000)
        buf_append(&frame, "\x2a\x00", 2);
    assert_int_equal(judged(buf_slice(&frame)), STATUS_TOO_LARGE);
    assert_true(stage.arena_used <= 4 * frame.len);
    buf_finish(&frame);
    goes_on();
}

static void a_frame_over_the_limit_is_refused_unread(void **state)
{
    (void)state;
    uint8_t *bytes = mem_zalloc(WIRE_FRAME_MAX + 1);
    assert_int_equal(judged(slice_make(bytes, WIRE_FRAME_MAX + 1)), STATUS_TOO_LARGE);
    mem_free(bytes);
    goes_on();
}

/* ---- sense ---- */

static void without_a_session_there_is_one_envelope(void **state)
{
    struct wire_out out;
    (void)state;
    wire_out_init(&out);
    wire_put_control(&out, 1, 0, WIRE_PING, NULL);
    assert_int_equal(judged(wire_seal_frame(&out, &(struct wire_head){0})), STATUS_OK);
    wire_put_control(&out, 2, 0, WIRE_PING, NULL);
    assert_int_equal(judged(wire_seal_frame(&out, &(struct wire_head){0})),
                     STATUS_INVALID_ARGUMENT);
    wire_out_finish(&out);
}

static void some_things_need_a_session(void **state)
{
    static const enum wire_kind kinds[] = {WIRE_CANCEL, WIRE_UNSUBSCRIBE, WIRE_DRAIN, WIRE_GOODBYE};
    Farebox__V1__Register registration = FAREBOX__V1__REGISTER__INIT;
    const struct wire_reply reply = {.status = STATUS_OK};
    struct wire_out out;
    (void)state;
    wire_out_init(&out);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        wire_out_reset(&out);
        wire_put_control(&out, 1, 0, kinds[i], NULL);
        assert_int_equal(judged(wire_seal_frame(&out, &(struct wire_head){0})),
                         STATUS_INVALID_ARGUMENT);
    }
    wire_out_reset(&out);
    wire_put_control(&out, 1, 0, WIRE_REGISTER, &registration.base);
    assert_int_equal(judged(wire_seal_frame(&out, &(struct wire_head){0})),
                     STATUS_INVALID_ARGUMENT);
    wire_out_reset(&out);
    wire_put_reply(&out, 1, &reply);
    assert_int_equal(judged(wire_seal_frame(&out, &(struct wire_head){0})),
                     STATUS_INVALID_ARGUMENT);
    wire_out_finish(&out);
}

static void a_request_without_a_token_is_nobodys(void **state)
{
    const struct wire_request request = {.service = slice_of("bus.registry"),
                                         .method = slice_of("list")};
    struct wire_out out;
    struct arena arena;
    (void)state;
    arena_init(&arena);
    wire_out_init(&out);
    wire_put_request(&out, 1, 0, &request);
    assert_int_equal(judged(wire_seal_frame(&out, &(struct wire_head){0})), STATUS_UNAUTHENTICATED);
    wire_out_reset(&out);
    assert_int_equal(judged(one_shot_call(&out, &arena, "nonsense")), STATUS_UNAUTHENTICATED);
    wire_out_finish(&out);
    arena_finish(&arena);
}

static void an_unknown_session_is_not_made(void **state)
{
    uint8_t id[WIRE_SESSION_BYTES] = {1, 2, 3};
    struct wire_out out;
    (void)state;
    wire_out_init(&out);
    wire_put_control(&out, 1, 0, WIRE_PING, NULL);
    const struct wire_head head = {.session = id, .sequence = 1};
    assert_int_equal(judged(wire_seal_frame(&out, &head)), STATUS_UNAUTHENTICATED);
    wire_out_finish(&out);
    goes_on();
}

static void impossible_numbers_end_the_session(void **state)
{
    static const struct wire_head heads[] = {
        {.sequence = 1, .acknowledged = 1000}, /* never sent */
        {.sequence = 0},                       /* with envelopes */
        {.sequence = UINT64_MAX, .acknowledged = UINT64_MAX},
    };
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct actor *eve = stage_join(&stage, CALLER);
        struct wire_head head = heads[i];
        struct wire_out out;
        head.session = eve->link.session;
        wire_out_init(&out);
        wire_put_control(&out, 1, 0, WIRE_PING, NULL);
        stage_frame_in(&stage, eve->pipe, wire_seal_frame(&out, &head));
        wire_out_finish(&out);
        drop_answers();
        assert_int_equal(stage_gauges(&stage).sessions, 2);
    }
    goes_on();
}

/* Frames from the future are held, up to a bound. */
static void a_gap_in_the_numbers_is_bounded(void **state)
{
    (void)state;
    struct actor *eve = stage_join(&stage, CALLER);
    struct wire_out out;
    wire_out_init(&out);
    wire_put_control(&out, 1, 0, WIRE_PING, NULL);
    for (uint64_t sequence = 100; sequence < 100 + LINK_HELD_MAX + 5; sequence++) {
        const struct wire_head head = {.session = eve->link.session, .sequence = sequence};
        stage_frame_in(&stage, eve->pipe, wire_seal_frame(&out, &head));
    }
    wire_out_finish(&out);
    drop_answers();
    assert_int_equal(stage_gauges(&stage).sessions, 2);
    goes_on();
}

/* ---- connections ---- */

static void a_silent_connection_is_closed(void **state)
{
    (void)state;
    stage_pass(&stage, 4900);
    assert_int_equal(stage.closed_pipes, 0);
    stage_pass(&stage, 200);
    assert_int_equal(stage.closed_pipes, 1);
}

static void what_a_lost_connection_brought_is_let_go(void **state)
{
    struct wire_out out;
    struct arena arena;
    (void)state;
    arena_init(&arena);
    wire_out_init(&out);
    unsigned released = stage.released;
    core_begin(stage.core, stage.now);
    core_pipe_lost(stage.core, pipe);
    core_finish(stage.core);
    assert_false(stage_frame_in(&stage, pipe, one_shot_call(&out, &arena, CALLER)));
    assert_int_equal(stage.released, released + 1);
    wire_out_finish(&out);
    arena_finish(&arena);
    goes_on();
}

static void a_peer_parks_only_so_many_exchanges(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 50; n++)
        actor_say(ann);
    assert_in_range(ann->parked, 1, SESSION_PARKED);
    goes_on();
}

static void silence_ends_a_session(void **state)
{
    (void)state;
    stage_join(&stage, CALLER)->silent = true;
    for (unsigned n = 0; n < 4; n++) {
        actor_say(ann);
        actor_say(host);
        stage_pass(&stage, 8000);
    }
    goes_on();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nonsense_gets_one_error),
        TEST(random_bytes_do_no_harm),
        TEST(a_frame_may_be_cut_anywhere),
        TEST(any_bit_may_be_flipped),
        TEST(a_session_may_spoil_its_own_frames),
        TEST(unknown_fields_cost_no_more_than_they_bring),
        TEST(unknown_fields_of_a_control_body_are_counted),
        TEST(many_empty_envelopes_are_bounded),
        TEST(a_frame_over_the_limit_is_refused_unread),
        TEST(without_a_session_there_is_one_envelope),
        TEST(some_things_need_a_session),
        TEST(a_request_without_a_token_is_nobodys),
        TEST(an_unknown_session_is_not_made),
        TEST(impossible_numbers_end_the_session),
        TEST(a_gap_in_the_numbers_is_bounded),
        TEST(a_silent_connection_is_closed),
        TEST(what_a_lost_connection_brought_is_let_go),
        TEST(a_peer_parks_only_so_many_exchanges),
        TEST(silence_ends_a_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
