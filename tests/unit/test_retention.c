/* Hours that are long past become days, and what is too old goes: through the whole core, which may
 * end at any step. */
#include "../testing.h"

#include "core_stage.h"

#include "core/state.h"

#include <errno.h>

#define ANN "acme ann call:*"
#define BOB "acme bob call:*"
#define SERVER "infra host serve:*"
#define HOUR_MS 3600000u
#define DAY_MS (24u * HOUR_MS)
#define HOURS 3u
#define STEP_MS 60u   /* more than between two steps of it */
#define DONE_MS 5000u /* enough for all of them */

static struct stage stage;
static struct actor *ann, *bob, *host;

static void everybody_joins(void)
{
    ann = stage_join(&stage, ANN);
    bob = stage_join(&stage, BOB);
    host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
}

static void used(struct actor *who, unsigned calls)
{
    static uint64_t id;
    for (unsigned n = 0; n < calls; n++) {
        actor_call(who, ++id, "orders", "get");
        actor_reply(host, actor_requested(host), STATUS_OK, "four");
        assert_int_equal(actor_outcome(who, id), STATUS_OK);
    }
}

/* On 2027-01-15, from 8 o'clock on: ann 1, 2 and 3 calls, bob 5 each hour. */
static int open_stage(void **state)
{
    (void)state;
    stage_init(&stage);
    stage.options.limits.usage_hours_kept = 10;
    stage_start(&stage);
    everybody_joins();
    for (unsigned n = 1; n <= HOURS; n++) {
        used(ann, n);
        used(bob, 5);
        stage_pass(&stage, 300);
        stage.now.unix_ms += HOUR_MS;
    }
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

static void days_pass(unsigned days)
{
    stage.now.unix_ms += (uint64_t)days * DAY_MS;
    stage_restart(&stage);
}

/* ---- what there is ---- */

struct found {
    unsigned hours, days;
    struct usage ann, bob;
};

static int look_at(void *arg, struct slice key, struct slice row)
{
    struct found *found = arg;
    struct usage_key parts;
    struct usage usage;
    assert_true(usage_read_key(&parts, key));
    assert_true(usage_read_row(&usage, row));
    found->hours += parts.time.len == CALENDAR_HOUR;
    found->days += parts.time.len == CALENDAR_DAY;
    if (!retention_has_added(stage.core, key))
        usage_add(slice_is(parts.user, "ann") ? &found->ann : &found->bob, &usage);
    return 0;
}

static struct found find(void)
{
    struct found found = {0};
    const struct io *io = &stage.options.io;
    assert_int_equal(io->scan(io->arg, USAGE_TABLE, look_at, &found), 0);
    return found;
}

static void assert_all_is_there(const struct found *found)
{
    assert_int_equal(found->ann.calls, 6);
    assert_int_equal(found->ann.bytes_out, 24);
    assert_int_equal(found->bob.calls, 15);
}

/* ---- what becomes of it ---- */

static void hours_stay_as_long_as_they_are_to(void **state)
{
    (void)state;
    days_pass(10);
    stage_pass(&stage, DONE_MS);
    struct found found = find();
    assert_int_equal(found.hours, 2 * HOURS);
    assert_int_equal(found.days, 0);
    assert_all_is_there(&found);
}

static void then_they_are_a_day(void **state)
{
    (void)state;
    days_pass(11);
    stage_pass(&stage, DONE_MS);
    struct found found = find();
    assert_int_equal(found.hours, 0);
    assert_int_equal(found.days, 2);
    assert_all_is_there(&found);
}

static void days_follow_days(void **state)
{
    (void)state;
    days_pass(1);
    everybody_joins();
    used(ann, 7);
    stage_pass(&stage, 300);
    days_pass(20);
    stage_pass(&stage, 2 * DONE_MS);
    struct found found = find();
    assert_int_equal(found.hours, 0);
    assert_int_equal(found.days, 3);
    assert_int_equal(found.ann.calls, 13);
}

/* At no moment is anything missing or there twice, whenever the broker ends. */
static void ending_in_between_changes_nothing(void **state)
{
    (void)state;
    for (unsigned steps = 1; steps < 30; steps++) {
        open_stage(NULL);
        days_pass(11);
        for (unsigned step = 0; step < steps; step++) {
            stage_pass(&stage, STEP_MS);
            struct found found = find();
            assert_all_is_there(&found);
        }
        stage_restart(&stage);
        struct found found = find();
        assert_all_is_there(&found);
        stage_pass(&stage, DONE_MS);
        found = find();
        assert_int_equal(found.hours, 0);
        assert_all_is_there(&found);
        close_stage(NULL);
    }
}

/* A store that has not said so may have lost what it was given, and kept what came after. */
static void nothing_is_deleted_before_its_day_is_on_disk(void **state)
{
    (void)state;
    days_pass(11);
    while (stage.core->retention.phase != RETENTION_REMOVE)
        stage_pass(&stage, 10);
    stage.store_lags = true;
    stage_pass(&stage, DONE_MS);
    struct found found = find();
    assert_int_equal(found.hours, 2 * HOURS);
    assert_int_equal(found.days, 2);
    stage.store_lags = false;
    stage_pass(&stage, DONE_MS);
    found = find();
    assert_int_equal(found.hours, 0);
    assert_all_is_there(&found);
}

/* Otherwise a day might be on disk whose turn, as the disk has it, it is not. */
static void nothing_is_added_before_its_turn_is_on_disk(void **state)
{
    (void)state;
    days_pass(11);
    while (stage.core->retention.phase != RETENTION_ADD)
        stage_pass(&stage, 10);
    stage.store_lags = true;
    stage_pass(&stage, DONE_MS);
    struct found found = find();
    assert_int_equal(found.hours, 2 * HOURS);
    assert_int_equal(found.days, 0);
    stage.store_lags = false;
    stage_pass(&stage, DONE_MS);
    found = find();
    assert_int_equal(found.days, 2);
    assert_all_is_there(&found);
}

/* Hours that are in their day already would be counted twice for as long as nobody knows. */
static void a_turn_that_cannot_be_read_is_asked_for_again(void **state)
{
    (void)state;
    days_pass(11);
    while (stage.core->retention.phase != RETENTION_REMOVE)
        stage_pass(&stage, 10);
    stage.options.limits.usage_hours_kept = 0;
    stage.store_fails = true;
    stage_restart(&stage);
    stage_pass(&stage, 2 * STEP_MS);
    stage.store_fails = false;
    stage_pass(&stage, STEP_MS);
    struct found found = find();
    assert_int_equal(found.hours, 2 * HOURS);
    assert_int_equal(found.days, 2);
    assert_all_is_there(&found);
}

static int refuse_to_trim(void *arg, uint64_t sequence)
{
    (void)arg, (void)sequence;
    return -EIO;
}

/* A block that stays in the ledger is read at every start: once its hour is gone, and another day
 * has its turn, nothing says that it was counted. */
static void nothing_begins_while_the_ledger_has_what_was_found(void **state)
{
    int (*trim)(void *arg, uint64_t sequence) = stage.options.io.ledger_trim;
    (void)state;
    used(ann, 7);
    stage.options.io.ledger_trim = refuse_to_trim;
    days_pass(1);
    everybody_joins();
    used(ann, 1);
    for (unsigned starts = 0; starts < 2; starts++) {
        days_pass(11);
        stage_pass(&stage, 2 * DONE_MS);
    }
    struct found found = find();
    assert_int_equal(found.ann.calls, 14);
    assert_int_equal(found.days, 0);
    stage.options.io.ledger_trim = trim;
    days_pass(0);
    stage_pass(&stage, 2 * DONE_MS);
    found = find();
    assert_int_equal(found.ann.calls, 14);
    assert_int_equal(found.hours, 0);
}

static void what_is_too_old_goes(void **state)
{
    (void)state;
    stage.options.limits.usage_kept = 30;
    days_pass(30);
    stage_pass(&stage, DONE_MS);
    struct found found = find();
    assert_int_equal(found.days, 2);
    days_pass(1);
    stage_pass(&stage, DONE_MS);
    found = find();
    assert_int_equal(found.days + found.hours, 0);
}

static void unless_told_otherwise_nothing_changes(void **state)
{
    (void)state;
    stage.options.limits.usage_hours_kept = 0;
    days_pass(4000);
    stage_pass(&stage, DONE_MS);
    struct found found = find();
    assert_int_equal(found.hours, 2 * HOURS);
    assert_all_is_there(&found);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hours_stay_as_long_as_they_are_to),
        TEST(then_they_are_a_day),
        TEST(days_follow_days),
        cmocka_unit_test(ending_in_between_changes_nothing),
        TEST(nothing_is_deleted_before_its_day_is_on_disk),
        TEST(nothing_is_added_before_its_turn_is_on_disk),
        TEST(a_turn_that_cannot_be_read_is_asked_for_again),
        TEST(nothing_begins_while_the_ledger_has_what_was_found),
        TEST(what_is_too_old_goes),
        TEST(unless_told_otherwise_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
