/* Who used what, counted once, through the whole core and over its deaths. */
#include "../testing.h"

#include "core_stage.h"
#include "metered.h"

#include "core/state.h"

#define ANN "acme ann call:*"
#define SERVER "infra host serve:* call:*"
#define A_SAVE_MS 250u /* more than the time between two */
#define HOUR_MS 3600000u

static struct stage stage;
static struct actor *ann, *host;

static void everybody_joins(void)
{
    ann = stage_join(&stage, ANN);
    host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
}

static int open_stage(void **state)
{
    (void)state;
    stage_init(&stage);
    stage_start(&stage);
    everybody_joins();
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

static void call_and_answer(struct actor *caller, uint64_t id, enum status status)
{
    actor_call(caller, id, "orders", "get");
    actor_reply(host, actor_requested(host), status, "four");
    assert_int_equal(actor_outcome(caller, id), status);
}

/* ---- what the books say ---- */

static struct metered booked(const char *user, const char *method)
{
    return metered(&stage, user, method);
}

static void assert_booked(uint64_t calls)
{
    assert_int_equal(booked(NULL, NULL).usage.calls, calls);
}

/* ---- what is counted ---- */

static void a_call_is_booked_with_all_that_belongs_to_it(void **state)
{
    (void)state;
    const struct wire_request request = {
        .service = slice_of("orders"), .method = slice_of("get"), .payload = slice_of("question")};
    actor_request(ann, 1, &request, slice_make(NULL, 0));
    uint64_t id = actor_requested(host);
    stage_pass(&stage, 40);
    actor_reply(host, id, STATUS_OK, "four");
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    call_and_answer(ann, 2, STATUS_CONFLICT);
    assert_booked(0);
    stage_pass(&stage, A_SAVE_MS);
    struct metered sum = booked("ann", "get");
    assert_int_equal(sum.rows, 1);
    assert_string_equal(sum.hour, "2027-01-15T08");
    assert_int_equal(sum.usage.calls, 2);
    assert_int_equal(sum.usage.errors, 1);
    assert_int_equal(sum.usage.bytes_in, 8);
    assert_int_equal(sum.usage.bytes_out, 8);
    assert_int_equal(sum.usage.duration_ns, 40 * NS_PER_MS);
}

static void everyone_has_their_own_account(void **state)
{
    (void)state;
    struct actor *bob = stage_join(&stage, "acme bob call:*");
    struct actor *eve = stage_join(&stage, "globex ann call:*");
    for (uint64_t i = 1; i <= 3; i++)
        call_and_answer(bob, i, STATUS_OK);
    call_and_answer(eve, 1, STATUS_OK);
    call_and_answer(ann, 1, STATUS_OK);
    stage_pass(&stage, A_SAVE_MS);
    assert_int_equal(booked("bob", NULL).usage.calls, 3);
    assert_int_equal(booked("ann", NULL).rows, 2);
    assert_booked(5);
}

static void an_hour_has_its_own_account(void **state)
{
    (void)state;
    call_and_answer(ann, 1, STATUS_OK);
    stage.now.unix_ms += HOUR_MS;
    call_and_answer(ann, 2, STATUS_OK);
    call_and_answer(ann, 3, STATUS_OK);
    stage_pass(&stage, A_SAVE_MS);
    struct metered sum = booked(NULL, NULL);
    assert_int_equal(sum.rows, 2);
    assert_string_equal(sum.hour, "2027-01-15T09");
    assert_booked(3);
}

static void what_reached_no_service_is_free(void **state)
{
    (void)state;
    struct actor *poor = stage_join(&stage, "acme poor call:other.*");
    actor_call(poor, 1, "orders", "get");
    assert_int_equal(actor_outcome(poor, 1), STATUS_PERMISSION_DENIED);
    actor_call(ann, 1, "nobody", "get");
    assert_int_equal(actor_outcome(ann, 1), STATUS_SERVICE_NOT_FOUND);
    actor_call(ann, 2, "bus.registry", "list");
    assert_int_equal(actor_outcome(ann, 2), STATUS_OK);
    stage_pass(&stage, A_SAVE_MS);
    assert_booked(0);
    assert_int_equal(stage.ledger.last, 0);
}

static void what_nobody_hears_is_free(void **state)
{
    (void)state;
    struct actor *gone = stage_join(&stage, "acme gone call:*");
    actor_call(gone, 1, "orders", "get");
    uint64_t id = actor_requested(host);
    actor_cut(gone, false);
    stage_pass(&stage, 2000); /* longer than its grace */
    actor_reply(host, id, STATUS_OK, "");
    stage_pass(&stage, A_SAVE_MS);
    assert_booked(0);
}

static void time_run_out_is_an_error_counted_once(void **state)
{
    (void)state;
    const struct wire_request request = {
        .service = slice_of("orders"), .method = slice_of("get"), .timeout_ms = 50};
    actor_request(ann, 1, &request, slice_make(NULL, 0));
    uint64_t id = actor_requested(host);
    stage_pass(&stage, 100);
    assert_int_equal(actor_outcome(ann, 1), STATUS_DEADLINE_EXCEEDED);
    actor_reply(host, id, STATUS_OK, "late");
    stage_pass(&stage, A_SAVE_MS);
    assert_int_equal(booked("ann", "get").usage.errors, 1);
    assert_booked(1);
}

/* Whoever makes names up must not fill the books. */
static void methods_that_do_not_exist_share_an_account(void **state)
{
    (void)state;
    for (uint64_t id = 1; id <= 20; id++) {
        char method[16];
        snprintf(method, sizeof method, "made-up-%u", (unsigned)id);
        actor_call(ann, id, "orders", method);
        actor_reply(host, actor_requested(host), STATUS_METHOD_NOT_FOUND, "");
    }
    stage_pass(&stage, A_SAVE_MS);
    assert_int_equal(booked(NULL, "?").usage.errors, 20);
    assert_int_equal(booked(NULL, NULL).rows, 1);
}

/* Nor must who calls a service that takes whatever it is given. */
static void methods_without_end_share_an_account(void **state)
{
    (void)state;
    for (uint64_t id = 1; id <= 300; id++) {
        char method[16];
        snprintf(method, sizeof method, "made-up-%u", (unsigned)id);
        actor_call(ann, id, "orders", method);
        actor_reply(host, actor_requested(host), STATUS_OK, "");
        assert_int_equal(actor_outcome(ann, id), STATUS_OK);
    }
    assert_int_equal(stage.core->meter.tallies.count, 257);
    stage.now.unix_ms += HOUR_MS; /* the next hour has names of its own */
    call_and_answer(ann, 301, STATUS_OK);
    assert_int_equal(stage.core->meter.tallies.count, 258);
    assert_int_equal(stage.core->meter.methods.count, 1);
}

static void what_was_used_recently_is_found_again(void **state)
{
    (void)state;
    static const char *const methods[] = {"a", "b", "c", "d", "e", "f"};
    struct actor *bob = stage_join(&stage, "acme bob call:*");
    actor_register(host, "others", 10);
    for (uint64_t id = 1; id <= 60; id++) {
        struct actor *caller = id % 2 ? ann : bob;
        actor_call(caller, id, id % 5 ? "orders" : "others", methods[id % 6]);
        actor_reply(host, actor_requested(host), STATUS_OK, "");
        if (id % 7 == 0)
            stage_pass(&stage, A_SAVE_MS);
        if (id % 20 == 0)
            stage.now.unix_ms += HOUR_MS;
    }
    stage_pass(&stage, A_SAVE_MS);
    assert_int_equal(booked("ann", NULL).usage.calls, 30);
    assert_int_equal(booked("bob", NULL).usage.calls, 30);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(booked(NULL, methods[i]).usage.calls, 10);
}

static void streamed_bytes_count(void **state)
{
    (void)state;
    const struct wire_request request = {
        .service = slice_of("orders"), .method = slice_of("get"), .stream = true};
    actor_request(ann, 1, &request, slice_make(NULL, 0));
    uint64_t id = actor_requested(host);
    const struct wire_part part = {.payload = slice_of("0123456789")};
    wire_put_part(actor_out(host), id, &part);
    wire_put_part(actor_out(host), id, &part);
    actor_say(host);
    actor_reply(host, id, STATUS_OK, "four");
    stage_pass(&stage, A_SAVE_MS);
    assert_int_equal(booked("ann", NULL).usage.bytes_out, 24);
}

/* ---- before a frame leaves ---- */

static unsigned blocks_when_answered, answers_watched;
static void (*answer_really)(void *arg, struct exchange *exchange, struct slice frame);

static void watch_answer(void *arg, struct exchange *exchange, struct slice frame)
{
    blocks_when_answered = (unsigned)stage.ledger.last;
    answers_watched++;
    answer_really(arg, exchange, frame);
}

static void watch_answers(void)
{
    answer_really = stage.core->io.answer;
    stage.core->io.answer = watch_answer;
}

static void the_ledger_has_it_before_the_caller_does(void **state)
{
    (void)state;
    watch_answers();
    actor_call(ann, 1, "orders", "get");
    uint64_t id = actor_requested(host);
    assert_int_equal(stage.ledger.last, 0);
    answers_watched = 0;
    actor_reply(host, id, STATUS_OK, "");
    assert_true(answers_watched > 0);
    assert_int_equal(blocks_when_answered, 1);
}

static void a_one_shot_is_no_exception(void **state)
{
    (void)state;
    struct wire_out out;
    struct arena arena;
    struct wire_envelope answer;
    arena_init(&arena);
    wire_out_init(&out);
    const struct wire_credential token = {.token = slice_of(ANN)};
    uint32_t credential = wire_put_credential(&out, wire_write_credential(&token, &arena));
    const struct wire_request request = {.service = slice_of("orders"), .method = slice_of("get")};
    wire_put_request(&out, 7, credential, &request);
    stage_frame_in(&stage, stage_pipe(&stage), wire_seal_frame(&out, &(struct wire_head){0}));
    wire_out_finish(&out);
    watch_answers();
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    assert_true(stage_answer(&stage, &arena, &answer));
    assert_int_equal(stage.ledger.last, 1);
    stage_pass(&stage, A_SAVE_MS);
    assert_booked(1);
    arena_finish(&arena);
}

static void a_turn_is_one_block(void **state)
{
    (void)state;
    uint64_t ids[8];
    for (uint64_t i = 0; i < 8; i++)
        actor_call(ann, i + 1, "orders", "get");
    for (unsigned i = 0; i < 8; i++)
        ids[i] = actor_requested(host);
    for (unsigned i = 0; i < 8; i++)
        wire_put_reply(actor_out(host), ids[i], &(struct wire_reply){.status = STATUS_OK});
    actor_say(host);
    assert_int_equal(stage.ledger.last, 1);
    stage_pass(&stage, A_SAVE_MS);
    assert_booked(8);
}

/* ---- over the core's death ---- */

static void restart(void)
{
    stage_restart(&stage);
    everybody_joins();
}

static void what_was_answered_is_counted_after_a_death(void **state)
{
    (void)state;
    call_and_answer(ann, 1, STATUS_OK);
    call_and_answer(ann, 2, STATUS_OK);
    assert_booked(0);
    restart();
    call_and_answer(ann, 1, STATUS_OK);
    stage_pass(&stage, A_SAVE_MS);
    assert_booked(3);
}

static void what_was_booked_is_not_counted_again(void **state)
{
    (void)state;
    call_and_answer(ann, 1, STATUS_OK);
    stage.store_lags = true; /* so that nothing is trimmed */
    stage_pass(&stage, A_SAVE_MS);
    assert_booked(1);
    assert_int_equal(stage.ledger.trimmed, 0);
    for (unsigned i = 0; i < 3; i++) {
        restart();
        stage_pass(&stage, A_SAVE_MS);
        assert_booked(1);
    }
}

/* The store keeps rows in groups as it likes: some of one save may be on disk, others not. */
static void each_row_says_for_itself_what_it_has(void **state)
{
    (void)state;
    struct actor *bob = stage_join(&stage, "acme bob call:*");
    stage.store_lags = true;
    call_and_answer(ann, 1, STATUS_OK);
    call_and_answer(bob, 1, STATUS_OK);
    stage_pass(&stage, A_SAVE_MS);
    struct stage_record *lost = NULL;
    for (unsigned i = 0; i < stage.n_records; i++) {
        struct stage_record *record = &stage.records[i];
        if (memmem(record->key, record->key_len, "bob", 3))
            lost = record;
    }
    assert_non_null(lost);
    lost->value.len = 0;
    restart();
    stage_pass(&stage, A_SAVE_MS);
    assert_int_equal(booked("ann", NULL).usage.calls, 1);
    assert_int_equal(booked("bob", NULL).usage.calls, 1);
}

static void another_ledger_starts_from_one_again(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 5; i++)
        call_and_answer(ann, i, STATUS_OK);
    stage_pass(&stage, A_SAVE_MS);
    stage.ledger.id = 2;
    for (unsigned i = 0; i < STAGE_BLOCKS; i++)
        stage.ledger.blocks[i].len = 0;
    stage.ledger.last = stage.ledger.trimmed = 0;
    restart();
    call_and_answer(ann, 1, STATUS_OK);
    assert_int_equal(stage.ledger.last, 1);
    restart(); /* block 1 of this ledger is not in the row, which has block 5 of the other */
    stage_pass(&stage, A_SAVE_MS);
    assert_booked(6);
}

static void only_what_is_on_disk_is_trimmed(void **state)
{
    (void)state;
    stage.store_lags = true;
    call_and_answer(ann, 1, STATUS_OK);
    stage_pass(&stage, 3 * A_SAVE_MS);
    assert_booked(1);
    assert_int_equal(stage.ledger.trimmed, 0);
    stage.store_lags = false;
    stage_pass(&stage, A_SAVE_MS);
    assert_int_equal(stage.ledger.trimmed, 1);
}

/* ---- when something fails ---- */

static void books_that_refuse_get_it_later(void **state)
{
    (void)state;
    stage.store_fails = true;
    call_and_answer(ann, 1, STATUS_OK);
    stage_pass(&stage, 2 * A_SAVE_MS);
    assert_int_equal(stage.ledger.trimmed, 0);
    call_and_answer(ann, 2, STATUS_OK);
    stage.store_fails = false;
    stage_pass(&stage, 2 * A_SAVE_MS);
    assert_booked(2);
    assert_int_equal(stage.ledger.trimmed, stage.ledger.last);
}

static void a_row_that_cannot_be_read_is_not_overwritten(void **state)
{
    (void)state;
    call_and_answer(ann, 1, STATUS_OK);
    stage_pass(&stage, A_SAVE_MS);
    restart(); /* the account is not in memory any more */
    stage.store_fails = true;
    call_and_answer(ann, 1, STATUS_OK);
    stage_pass(&stage, A_SAVE_MS);
    stage.store_fails = false;
    stage_pass(&stage, A_SAVE_MS);
    assert_booked(2);
}

static void without_a_ledger_the_books_still_know(void **state)
{
    (void)state;
    stage.ledger.fails = true;
    call_and_answer(ann, 1, STATUS_OK);
    stage.ledger.fails = false;
    call_and_answer(ann, 2, STATUS_OK);
    stage_pass(&stage, A_SAVE_MS);
    assert_booked(2);
    restart();
    stage_pass(&stage, A_SAVE_MS);
    assert_booked(2);
}

static void an_orderly_end_leaves_nothing_to_be_done(void **state)
{
    (void)state;
    call_and_answer(ann, 1, STATUS_OK);
    assert_true(core_save(stage.core));
    assert_booked(1);
    stage.store_fails = true;
    call_and_answer(ann, 2, STATUS_OK);
    assert_false(core_save(stage.core));
}

static void nothing_is_due_when_nothing_was_used(void **state)
{
    (void)state;
    size_t armed = stage.core->wheel.armed;
    call_and_answer(ann, 1, STATUS_OK);
    assert_int_equal(stage.core->wheel.armed, armed + 1);
    stage_pass(&stage, 3 * A_SAVE_MS);
    assert_int_equal(stage.core->wheel.armed, armed);
}

static void accounts_of_past_hours_are_forgotten(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 5; i++) {
        call_and_answer(ann, i, STATUS_OK);
        stage_pass(&stage, A_SAVE_MS);
        stage.now.unix_ms += HOUR_MS;
    }
    assert_in_range(stage.core->meter.tallies.count, 1, 2);
    assert_booked(5);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_call_is_booked_with_all_that_belongs_to_it),
        CASE(everyone_has_their_own_account),
        CASE(an_hour_has_its_own_account),
        CASE(what_reached_no_service_is_free),
        CASE(what_nobody_hears_is_free),
        CASE(time_run_out_is_an_error_counted_once),
        CASE(methods_that_do_not_exist_share_an_account),
        CASE(methods_without_end_share_an_account),
        CASE(what_was_used_recently_is_found_again),
        CASE(streamed_bytes_count),
        CASE(the_ledger_has_it_before_the_caller_does),
        CASE(a_one_shot_is_no_exception),
        CASE(a_turn_is_one_block),
        CASE(what_was_answered_is_counted_after_a_death),
        CASE(what_was_booked_is_not_counted_again),
        CASE(each_row_says_for_itself_what_it_has),
        CASE(another_ledger_starts_from_one_again),
        CASE(only_what_is_on_disk_is_trimmed),
        CASE(books_that_refuse_get_it_later),
        CASE(a_row_that_cannot_be_read_is_not_overwritten),
        CASE(without_a_ledger_the_books_still_know),
        CASE(an_orderly_end_leaves_nothing_to_be_done),
        CASE(nothing_is_due_when_nothing_was_used),
        CASE(accounts_of_past_hours_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
