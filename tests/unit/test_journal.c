/* Blocks that outlive the core: large ones, strange ones, and such as cannot be dealt with yet. */
#include "../testing.h"

#include "core_stage.h"
#include "metered.h"

#include "core/changes.h"
#include "core/state.h"

#include <errno.h>

#define ANN "acme ann call:*"
#define SERVER "infra host serve:* call:*"
#define A_SAVE_MS 250u /* more than the time between two */

static struct stage stage;
static struct actor *ann, *host;

static void everybody_joins(void)
{
    ann = stage_join(&stage, ANN);
    host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 2000);
}

static int open_stage(void **state)
{
    (void)state;
    stage_init(&stage);
    stage.options.limits.max_calls = 4096;
    stage.options.limits.outbox_bytes = 16 << 20;
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

static void assert_booked(uint64_t calls)
{
    assert_int_equal(metered(&stage, NULL, NULL).usage.calls, calls);
}

static bool stats_say(struct actor *who, uint64_t id, const char *text)
{
    actor_call(who, id, "bus.stats", "show");
    struct wire_envelope answer = actor_expect(who, WIRE_REPLY);
    assert_int_equal(answer.reply.status, STATUS_OK);
    return memmem(answer.reply.payload.data, answer.reply.payload.len, text, strlen(text));
}

static void what_fails_can_be_seen(void **state)
{
    (void)state;
    struct actor *operator= stage_join(&stage, "infra operator admin:* call:*");
    assert_false(stats_say(operator, 1, strerror(ENOSPC)));
    stage.ledger.fails = true;
    call_and_answer(ann, 1, STATUS_OK);
    assert_true(stats_say(operator, 2, strerror(ENOSPC)));
    stage.store_fails = true;
    stage_pass(&stage, A_SAVE_MS);
    assert_true(stats_say(operator, 3, "they refuse"));
    stage.store_fails = stage.ledger.fails = false;
    call_and_answer(ann, 2, STATUS_OK);
    stage_pass(&stage, A_SAVE_MS);
    assert_false(stats_say(operator, 4, "they refuse") || stats_say(operator, 5, strerror(ENOSPC)));
}

static void what_cannot_be_read_at_start_is_read_later(void **state)
{
    (void)state;
    call_and_answer(ann, 1, STATUS_OK);
    stage.store_fails = true;
    stage_restart(&stage);
    stage_pass(&stage, 3 * A_SAVE_MS);
    stage.store_fails = false;
    everybody_joins();
    call_and_answer(ann, 1, STATUS_OK);
    assert_int_equal(stage.ledger.trimmed, 0);
    stage_pass(&stage, 3 * A_SAVE_MS);
    assert_booked(2);
    assert_int_equal(stage.ledger.trimmed, stage.ledger.last);
}

static void add_block(const void *bytes, size_t len)
{
    buf_append(&stage.ledger.blocks[stage.ledger.last++], bytes, len);
}

static void blocks_that_make_no_sense_are_passed_over(void **state)
{
    (void)state;
    static const uint8_t other_format[] = {9, 1, 2, 3}, too_short[] = {1, 0, 0},
                         other_section[] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 200, 2, 0, 0, 0, 'a', 'b'},
                         cut[] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 99, 0, 0, 0, 'a', 'b'},
                         odd[] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 0, 0, 0, 50, 0, 'a'};
    call_and_answer(ann, 1, STATUS_OK);
    add_block(other_format, sizeof other_format);
    add_block(too_short, sizeof too_short);
    add_block(other_section, sizeof other_section);
    add_block(cut, sizeof cut);
    add_block(odd, sizeof odd);
    add_block("", 0);
    stage_restart(&stage);
    everybody_joins();
    call_and_answer(ann, 1, STATUS_OK);
    stage_restart(&stage);
    stage_pass(&stage, A_SAVE_MS);
    assert_booked(2);
}

static size_t largest_block(void)
{
    size_t most = 0;
    for (uint64_t i = 0; i < stage.ledger.last; i++)
        most = stage.ledger.blocks[i].len > most ? stage.ledger.blocks[i].len : most;
    return most;
}

/* More than the ledger takes at once: a turn may end the calls of thousands. */
static void a_large_turn_is_several_blocks(void **state)
{
    (void)state;
    enum { CALLERS = 8, METHODS = 250 };
    uint64_t ids[CALLERS * METHODS];
    struct actor *callers[CALLERS];
    for (unsigned i = 0; i < CALLERS; i++) {
        char token[160];
        snprintf(token, sizeof token, "acme %u-%.*d call:*", i, 100, 0);
        callers[i] = stage_join(&stage, token);
    }
    for (unsigned i = 0; i < CALLERS * METHODS; i++) {
        char method[16];
        snprintf(method, sizeof method, "m%u", i / CALLERS);
        actor_call(callers[i % CALLERS], 1 + i / CALLERS, "orders", method);
        ids[i] = actor_requested(host);
    }
    for (unsigned i = 0; i < CALLERS * METHODS; i++)
        wire_put_reply(actor_out(host), ids[i], &(struct wire_reply){.status = STATUS_OK});
    actor_say(host);
    assert_in_range(stage.ledger.last, 2, 4);
    assert_in_range(largest_block(), 1, JOURNAL_SECTION_MAX + 1024);
    stage_restart(&stage);
    assert_int_equal(stage.core->meter.tallies.count, CALLERS * METHODS);
}

/* Nothing of a turn may be too much for the ledger, whichever parts of the core have done it. */
static void a_large_turn_of_many_parts_is_all_there(void **state)
{
    static char value[60000];
    const unsigned values = 40;
    (void)state;
    memset(value, 'x', sizeof value - 1);
    uint64_t before = stage.ledger.last;
    core_begin(stage.core, stage.now);
    for (unsigned i = 0; i < values; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%u", i);
        changes_add(stage.core, &stage.core->values.changes, slice_of(key), slice_of(value));
        changes_add(stage.core, &stage.core->accounts.changes, slice_of(key), slice_of(value));
    }
    journal_write(stage.core); /* as before a frame leaves */
    core_finish(stage.core);
    assert_int_equal(stage.core->journal.ledger_error, 0);
    size_t bytes = 0;
    for (uint64_t i = before; i < stage.ledger.last; i++)
        bytes += stage.ledger.blocks[i].len;
    assert_in_range(bytes, 2 * values * (sizeof value - 1), 3 * values * sizeof value);
}

static void what_was_found_at_start_is_let_go_of(void **state)
{
    (void)state;
    call_and_answer(ann, 1, STATUS_OK);
    stage_restart(&stage);
    stage_pass(&stage, 5 * A_SAVE_MS);
    assert_int_equal(stage.ledger.trimmed, stage.ledger.last);
    assert_booked(1);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_fails_can_be_seen),
        CASE(what_cannot_be_read_at_start_is_read_later),
        CASE(blocks_that_make_no_sense_are_passed_over),
        CASE(a_large_turn_is_several_blocks),
        CASE(a_large_turn_of_many_parts_is_all_there),
        CASE(what_was_found_at_start_is_let_go_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
