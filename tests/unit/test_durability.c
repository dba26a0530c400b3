/* Where replies outlive the system, none leaves before the books have it on disk. */
#include "../testing.h"

#include "core_stage.h"
#include "metered.h"

#include "core/state.h"

#include <errno.h>

#define ANN "acme ann call:*"
#define BOB "acme bob call:*"
#define SERVER "infra host serve:* call:*"
#define A_SAVE_MS 250u /* more than the time between two */
#define A_MOMENT_MS 5u

static struct stage stage;
static struct actor *ann, *host;

static int open_stage(void **state)
{
    (void)state;
    stage_init(&stage);
    stage.options.limits.durability = DURABILITY_POWER;
    stage_start(&stage);
    ann = stage_join(&stage, ANN);
    host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    stage.store_lags = true;
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

static void call_and_answer(struct actor *caller, uint64_t id)
{
    actor_call(caller, id, "orders", "get");
    actor_reply(host, actor_requested(host), STATUS_OK, "four");
}

static void the_disk_keeps_up(void)
{
    stage.store_lags = false;
    stage_pass(&stage, A_MOMENT_MS);
}

static void assert_booked(uint64_t calls)
{
    assert_int_equal(metered(&stage, NULL, NULL).usage.calls, calls);
}

static void a_reply_waits_for_the_disk(void **state)
{
    (void)state;
    call_and_answer(ann, 1);
    assert_booked(1); /* given to the books with the turn */
    stage_pass(&stage, 2 * A_SAVE_MS);
    assert_true(actor_hears_nothing(ann));
    the_disk_keeps_up();
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    assert_int_equal(stage.core->hold.count, 0);
}

static void with_crash_it_does_not(void **state)
{
    (void)state;
    struct limits limits = stage.options.limits;
    limits.durability = DURABILITY_CRASH;
    core_reload(stage.core, &limits);
    call_and_answer(ann, 1);
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
}

static void what_counts_for_nothing_waits_for_nothing(void **state)
{
    (void)state;
    struct actor *bob = stage_join(&stage, BOB);
    call_and_answer(ann, 1);
    actor_call(bob, 1, "bus.registry", "list");
    assert_int_equal(actor_outcome(bob, 1), STATUS_OK);
    actor_call(bob, 2, "nobody", "get");
    assert_int_equal(actor_outcome(bob, 2), STATUS_SERVICE_NOT_FOUND);
}

static void nobody_waits_for_those_who_come_after(void **state)
{
    (void)state;
    struct actor *bob = stage_join(&stage, BOB);
    call_and_answer(ann, 1);
    uint64_t first = stage.asked;
    call_and_answer(bob, 1);
    assert_true(stage.asked > first);
    core_begin(stage.core, stage.now);
    core_kept(stage.core, first);
    core_finish(stage.core);
    stage_pass(&stage, A_MOMENT_MS);
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    assert_true(actor_hears_nothing(bob));
}

/* The frame goes out again by another connection: not before its time either. */
static void a_new_connection_is_no_way_around(void **state)
{
    (void)state;
    call_and_answer(ann, 1);
    actor_cut(ann, true);
    actor_say(ann);
    stage_pass(&stage, A_SAVE_MS);
    assert_true(actor_hears_nothing(ann));
    the_disk_keeps_up();
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
}

static void call_with_key(struct actor *caller, uint64_t id)
{
    const struct wire_request request = {.service = slice_of("orders"),
                                         .method = slice_of("get"),
                                         .idempotency_key = slice_of("once")};
    actor_request(caller, id, &request, slice_make(NULL, 0));
}

static void nor_is_asking_again(void **state)
{
    (void)state;
    struct actor *elsewhere = stage_join(&stage, ANN);
    call_with_key(ann, 1);
    actor_reply(host, actor_requested(host), STATUS_OK, "four");
    call_with_key(elsewhere, 1);
    stage_pass(&stage, A_SAVE_MS);
    assert_true(actor_hears_nothing(ann));
    assert_true(actor_hears_nothing(elsewhere));
    the_disk_keeps_up();
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    assert_int_equal(actor_outcome(elsewhere, 1), STATUS_OK);
    assert_booked(1);
}

/* It has the answer from the ledger, which a failing system loses. */
static void nor_is_asking_the_next_broker(void **state)
{
    (void)state;
    call_with_key(ann, 1);
    actor_reply(host, actor_requested(host), STATUS_OK, "four");
    stage_restart(&stage);
    ann = stage_join(&stage, ANN);
    host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    call_with_key(ann, 1);
    stage_pass(&stage, A_SAVE_MS);
    assert_true(actor_hears_nothing(ann));
    the_disk_keeps_up();
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    assert_booked(1);
}

static uint32_t one_shot(void)
{
    struct wire_out out;
    struct arena arena;
    uint32_t pipe = stage_pipe(&stage);
    arena_init(&arena);
    wire_out_init(&out);
    const struct wire_credential token = {.token = slice_of(ANN)};
    uint32_t credential = wire_put_credential(&out, wire_write_credential(&token, &arena));
    const struct wire_request request = {.service = slice_of("orders"), .method = slice_of("get")};
    wire_put_request(&out, 7, credential, &request);
    stage_frame_in(&stage, pipe, wire_seal_frame(&out, &(struct wire_head){0}));
    wire_out_finish(&out);
    arena_finish(&arena);
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    return pipe;
}

static void a_one_shot_waits_too(void **state)
{
    (void)state;
    struct arena arena;
    struct wire_envelope answer;
    arena_init(&arena);
    one_shot();
    assert_false(stage_answer(&stage, &arena, &answer));
    the_disk_keeps_up();
    assert_true(stage_answer(&stage, &arena, &answer));
    arena_finish(&arena);
}

static void who_has_gone_waits_no_longer(void **state)
{
    (void)state;
    uint32_t pipe = one_shot();
    assert_int_equal(stage.core->hold.count, 1);
    core_begin(stage.core, stage.now);
    core_pipe_lost(stage.core, pipe);
    core_finish(stage.core);
    assert_int_equal(stage.core->hold.count, 0);
}

static void an_orderly_end_waits_for_them(void **state)
{
    (void)state;
    call_and_answer(ann, 1);
    core_drain(stage.core);
    assert_false(core_is_drained(stage.core));
    the_disk_keeps_up();
    assert_true(core_is_drained(stage.core));
}

static void what_cannot_be_recorded_is_not_served(void **state)
{
    (void)state;
    stage.store_fails = true;
    call_and_answer(ann, 1);
    struct actor *bob = stage_join(&stage, BOB);
    actor_call(bob, 1, "orders", "get");
    assert_int_equal(actor_outcome(bob, 1), STATUS_UNAVAILABLE);
    stage.store_fails = stage.store_lags = false;
    stage_pass(&stage, A_SAVE_MS);
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    call_and_answer(bob, 2);
    stage_pass(&stage, A_MOMENT_MS);
    assert_int_equal(actor_outcome(bob, 2), STATUS_OK);
    assert_booked(2);
}

static void a_full_ledger_is_no_hindrance(void **state)
{
    (void)state;
    stage.ledger.fails = true;
    stage.store_lags = false;
    call_and_answer(ann, 1);
    stage_pass(&stage, A_MOMENT_MS);
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    assert_booked(1);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_reply_waits_for_the_disk),
        CASE(with_crash_it_does_not),
        CASE(what_counts_for_nothing_waits_for_nothing),
        CASE(nobody_waits_for_those_who_come_after),
        CASE(a_new_connection_is_no_way_around),
        CASE(nor_is_asking_again),
        CASE(nor_is_asking_the_next_broker),
        CASE(a_one_shot_waits_too),
        CASE(who_has_gone_waits_no_longer),
        CASE(an_orderly_end_waits_for_them),
        CASE(what_cannot_be_recorded_is_not_served),
        CASE(a_full_ledger_is_no_hindrance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
