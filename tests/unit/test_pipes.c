/* Connections: how long one may be silent, and how much it may ask for. */
#include "../testing.h"

#include "core/session.h"
#include "core_stage.h"

#define CALLER "acme ann call:*"
#define SERVER "infra host serve:*"

static struct stage stage;
static struct actor *host;

static int open_stage(void **state)
{
    (void)state;
    stage_init(&stage);
    stage_start(&stage);
    host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 2 * PIPE_ONE_SHOTS_MAX);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

/* The status of the oldest answer to what was sent without a session. */
static enum status answered(enum wire_kind kind)
{
    struct wire_envelope envelope;
    struct arena arena;
    arena_init(&arena);
    assert_true(stage_answer(&stage, &arena, &envelope));
    assert_int_equal(envelope.kind, kind);
    enum status status =
        kind == WIRE_REPLY ? envelope.reply.status : (enum status)envelope.acknowledge->status;
    arena_finish(&arena);
    return status;
}

static void ping(uint32_t pipe)
{
    struct wire_out out;
    wire_out_init(&out);
    wire_put_control(&out, 1, 0, WIRE_PING, NULL);
    stage_frame_in(&stage, pipe, wire_seal_frame(&out, &(struct wire_head){0}));
    wire_out_finish(&out);
}

static void call(uint32_t pipe)
{
    const struct wire_credential credential = {.token = slice_of(CALLER)};
    const struct wire_request request = {.service = slice_of("orders"), .method = slice_of("echo")};
    struct wire_out out;
    struct arena arena;
    arena_init(&arena);
    wire_out_init(&out);
    uint32_t index = wire_put_credential(&out, wire_write_credential(&credential, &arena));
    wire_put_request(&out, 77, index, &request);
    stage_frame_in(&stage, pipe, wire_seal_frame(&out, &(struct wire_head){0}));
    wire_out_finish(&out);
    arena_finish(&arena);
}

/* Silence is over after 5 s. */
static void having_spoken_once_is_not_enough(void **state)
{
    (void)state;
    uint32_t pipe = stage_pipe(&stage);
    stage_pass(&stage, 4000);
    ping(pipe);
    assert_int_equal(answered(WIRE_ACKNOWLEDGE), STATUS_OK);
    stage_pass(&stage, 4900);
    assert_int_equal(stage.closed_pipes, 0);
    stage_pass(&stage, 200);
    assert_int_equal(stage.closed_pipes, 1);
}

static void who_waits_for_an_answer_may_be_silent(void **state)
{
    (void)state;
    call(stage_pipe(&stage));
    stage_pass(&stage, 12000);
    assert_int_equal(stage.closed_pipes, 0);
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    assert_int_equal(answered(WIRE_REPLY), STATUS_OK);
    stage_pass(&stage, 10100);
    assert_int_equal(stage.closed_pipes, 1);
}

static void a_session_that_ends_leaves_a_silent_connection(void **state)
{
    (void)state;
    struct actor *eve = stage_join(&stage, CALLER);
    stage_pass(&stage, 8000);
    assert_int_equal(stage.closed_pipes, 0);
    wire_put_control(actor_out(eve), 0, 0, WIRE_GOODBYE, NULL);
    actor_say(eve);
    stage_pass(&stage, 4900);
    assert_int_equal(stage.closed_pipes, 0);
    stage_pass(&stage, 200);
    assert_int_equal(stage.closed_pipes, 1);
}

static void a_connection_has_only_so_many_one_shots(void **state)
{
    (void)state;
    uint32_t pipe = stage_pipe(&stage), other = stage_pipe(&stage);
    for (unsigned n = 0; n < PIPE_ONE_SHOTS_MAX; n++)
        call(pipe);
    assert_true(list_empty(&stage.one_shots));
    call(pipe);
    assert_int_equal(answered(WIRE_REPLY), STATUS_OVERLOADED);
    call(other);
    assert_true(list_empty(&stage.one_shots));
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    assert_int_equal(answered(WIRE_REPLY), STATUS_OK);
    call(pipe);
    assert_true(list_empty(&stage.one_shots));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(having_spoken_once_is_not_enough),
        TEST(who_waits_for_an_answer_may_be_silent),
        TEST(a_session_that_ends_leaves_a_silent_connection),
        TEST(a_connection_has_only_so_many_one_shots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
