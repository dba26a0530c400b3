/* Responses that go on: framing, what waits for a slow client, what can be told again. */
#include "../testing.h"

#include "../../gateway/framing.h"
#include "../../gateway/replay.h"
#include "../../gateway/stream.h"

#include "base/mem.h"

static void assert_framed(enum framing framing, const char *kind, const char *id, const char *want)
{
    struct buf out = {0};
    framing_put(&out, framing, kind, id, slice_of("{\"a\":1}"));
    assert_true(slice_is(buf_slice(&out), want));
    buf_finish(&out);
}

static void parts_are_told_apart(void **state)
{
    (void)state;
    assert_framed(FRAMING_LINES, "part", NULL, "{\"part\":{\"a\":1}}\n");
    assert_framed(FRAMING_EVENTS, "part", NULL, "event: part\ndata: {\"a\":1}\n\n");
    assert_framed(FRAMING_EVENTS, NULL, "s.1", "id: s.1\ndata: {\"a\":1}\n\n");
    assert_int_equal(framing_accepted(NULL), FRAMING_NONE);
    assert_int_equal(framing_accepted("application/json, */*"), FRAMING_NONE);
    assert_int_equal(framing_accepted("text/event-stream"), FRAMING_EVENTS);
    assert_int_equal(framing_accepted("application/x-ndjson"), FRAMING_LINES);
}

/* In pieces of any size the client reads what was put, in order, and then the end. */
static void a_stream_gives_what_was_put(void **state)
{
    struct stream stream;
    struct rng rng = {.state = 7};
    uint8_t next_put = 0, next_taken = 0;
    (void)state;
    stream_init(&stream);
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[64];
        size_t n = rng_below(&rng, sizeof bytes);
        for (size_t i = 0; i < n; i++)
            bytes[i] = next_put++;
        assert_true(stream_put(&stream, slice_make(bytes, n)));
        char out[80];
        ssize_t got = stream_take(&stream, out, rng_below(&rng, sizeof out));
        for (ssize_t i = 0; i < got; i++)
            assert_int_equal((uint8_t)out[i], next_taken++);
    }
    stream_end(&stream);
    char out[80];
    for (ssize_t got; (got = stream_take(&stream, out, sizeof out)) >= 0;)
        for (ssize_t i = 0; i < got; i++)
            assert_int_equal((uint8_t)out[i], next_taken++);
    assert_int_equal(next_taken, next_put);
    stream_finish(&stream);
}

/* A part may be over the limit as JSON, and what has failed must not look whole. */
static void a_stream_takes_any_one_part_and_tells_of_failure(void **state)
{
    struct stream stream;
    struct buf big = {0};
    char out[8];
    (void)state;
    memset(buf_reserve(&big, STREAM_BYTES_MAX + 1), 'x', STREAM_BYTES_MAX + 1);
    big.len = STREAM_BYTES_MAX + 1;
    stream_init(&stream);
    assert_true(stream_put(&stream, buf_slice(&big)));
    assert_false(stream_put(&stream, slice_of("y")));
    stream_fail(&stream);
    assert_false(stream_put(&stream, slice_of("y")));
    for (ssize_t n, left = (ssize_t)big.len; left > 0; left -= n) {
        n = stream_take(&stream, out, sizeof out);
        assert_true(n > 0);
    }
    assert_int_equal(stream_take(&stream, out, sizeof out), STREAM_FAILED);
    stream_finish(&stream);
    buf_finish(&big);
}

static void a_stream_holds_so_much_and_no_more(void **state)
{
    struct stream stream;
    uint8_t *block = mem_zalloc(STREAM_BYTES_MAX);
    char out[1];
    (void)state;
    stream_init(&stream);
    assert_true(stream_put(&stream, slice_make(block, STREAM_BYTES_MAX)));
    assert_false(stream_put(&stream, slice_make(block, 1)));
    assert_int_equal(stream_take(&stream, out, 1), 1);
    assert_true(stream_put(&stream, slice_make(block, 1)));
    stream_end(&stream);
    assert_false(stream_put(&stream, slice_make(block, 0)));
    stream_finish(&stream);
    mem_free(block);
}

static void put_event(struct replay *replay, size_t size)
{
    struct buf event = {0};
    memset(buf_reserve(&event, size), 'x', size);
    event.len = size;
    replay_put(replay, &event);
    assert_null(event.data);
}

static void the_newest_events_are_there(void **state)
{
    struct replay *replay = mem_alloc(sizeof *replay);
    (void)state;
    replay_init(replay);
    assert_true(replay_has(replay, 0));
    assert_false(replay_has(replay, 1));
    for (size_t n = 1; n <= 2 * REPLAY_EVENTS + 7; n++)
        put_event(replay, n % 50 + 1);
    const uint64_t newest = 2 * REPLAY_EVENTS + 7;
    assert_true(replay_has(replay, newest));
    assert_true(replay_has(replay, newest - REPLAY_EVENTS));
    assert_false(replay_has(replay, newest - REPLAY_EVENTS - 1));
    assert_null(replay_get(replay, newest + 1));
    assert_null(replay_get(replay, newest - REPLAY_EVENTS));
    assert_int_equal(replay_get(replay, newest)->len, newest % 50 + 1);
    replay_finish(replay);
    mem_free(replay);
}

static void large_events_push_others_out(void **state)
{
    struct replay *replay = mem_alloc(sizeof *replay);
    (void)state;
    replay_init(replay);
    for (int n = 0; n < 5; n++)
        put_event(replay, REPLAY_BYTES_MAX / 4);
    assert_false(replay_has(replay, 0));
    assert_true(replay_has(replay, 1));
    put_event(replay, REPLAY_BYTES_MAX + 1); /* not even itself stays */
    assert_true(replay_has(replay, 6));
    assert_false(replay_has(replay, 5));
    assert_int_equal(replay->bytes, 0);
    replay_finish(replay);
    mem_free(replay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_told_apart),
        cmocka_unit_test(a_stream_gives_what_was_put),
        cmocka_unit_test(a_stream_holds_so_much_and_no_more),
        cmocka_unit_test(a_stream_takes_any_one_part_and_tells_of_failure),
        cmocka_unit_test(the_newest_events_are_there),
        cmocka_unit_test(large_events_push_others_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
