/* How often a user may call, through the whole core. */
#include "../testing.h"

#include "core/rates.h"
#include "core_stage.h"

#define ANN "acme ann call:*"
#define SERVER "infra host serve:* call:* tier:internal"

static struct stage stage;

static int open_stage(void **state)
{
    char why[TIER_WHY_BYTES];
    (void)state;
    stage_init(&stage);
    stage.options.limits.max_limited_users = 100;
    assert_int_equal(tiers_add(&stage.options.limits.tiers, "free per-minute=60 burst=3", why), 0);
    assert_int_equal(tiers_add(&stage.options.limits.tiers, "few per-minute=5", why), 0);
    assert_int_equal(tiers_add(&stage.options.limits.tiers, "internal", why), 0);
    stage_start(&stage);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

static struct wire_envelope call_and_answer(struct actor *caller, struct actor *host, uint64_t id)
{
    actor_call(caller, id, "orders", "get");
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    return actor_expect(caller, WIRE_REPLY);
}

static void a_burst_then_the_rate(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    for (uint32_t id = 1; id <= 3; id++) {
        struct wire_envelope reply = call_and_answer(ann, host, id);
        assert_int_equal(reply.reply.rate_limit, 60);
        assert_int_equal(reply.reply.rate_remaining, 3 - id);
    }
    actor_call(ann, 4, "orders", "get");
    struct wire_envelope refused = actor_expect(ann, WIRE_REPLY);
    assert_int_equal(refused.reply.status, STATUS_RATE_LIMITED);
    assert_true(refused.reply.retryable);
    assert_in_range(refused.reply.retry_after_ms, 900, 1000);
    stage_pass(&stage, refused.reply.retry_after_ms);
    assert_int_equal(call_and_answer(ann, host, 5).reply.status, STATUS_OK);
}

static void neighbours_have_their_own(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    struct actor *bob = stage_join(&stage, "acme bob call:*");
    struct actor *eve = stage_join(&stage, "globex ann call:*");
    actor_register(host, "orders", 10);
    for (uint32_t id = 1; id <= 3; id++)
        call_and_answer(ann, host, id);
    assert_int_equal(call_and_answer(bob, host, 1).reply.rate_remaining, 2);
    assert_int_equal(call_and_answer(eve, host, 1).reply.rate_remaining, 2);
}

/* A second session of the same user is the same user. */
static void sessions_share_what_is_their_users(void **state)
{
    (void)state;
    struct actor *one = stage_join(&stage, ANN), *other = stage_join(&stage, ANN);
    struct actor *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    call_and_answer(one, host, 1);
    assert_int_equal(call_and_answer(other, host, 1).reply.rate_remaining, 1);
}

static void a_refusal_by_another_filter_is_not_counted(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, "acme ann call:orders.get");
    struct actor *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    for (uint32_t id = 1; id <= 9; id++) {
        actor_call(ann, id, "orders", "delete");
        assert_int_equal(actor_outcome(ann, id), STATUS_PERMISSION_DENIED);
    }
    assert_int_equal(call_and_answer(ann, host, 10).reply.rate_remaining, 2);
}

static void a_nested_call_is_part_of_its_parent(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    actor_register(host, "prices", 10);
    for (uint32_t id = 1; id <= 2; id++) {
        actor_call(ann, id, "orders", "get");
        struct wire_envelope outer = actor_expect(host, WIRE_REQUEST);
        struct wire_request nested = {
            .service = slice_of("prices"), .method = slice_of("get"), .parent = outer.id};
        actor_request(host, 100 + id, &nested, actor_credential(host, &outer));
        actor_reply(host, actor_requested(host), STATUS_OK, "");
        assert_int_equal(actor_outcome(host, 100 + id), STATUS_OK);
        actor_reply(host, outer.id, STATUS_OK, "");
        assert_int_equal(actor_expect(ann, WIRE_REPLY).reply.rate_remaining, 3 - id);
    }
}

static enum status nested_outcome(struct actor *from, uint64_t parent, struct slice credential,
                                  struct actor *host)
{
    static uint64_t ids = 1000;
    const struct wire_request nested = {
        .service = slice_of("prices"), .method = slice_of("get"), .parent = parent};
    struct wire_envelope request;
    actor_request(from, ++ids, &nested, credential);
    while (actor_next(host, &request)) {
        if (request.kind == WIRE_REQUEST)
            actor_reply(host, request.id, STATUS_OK, "");
    }
    return actor_expect(from, WIRE_REPLY).reply.status;
}

/* Nor does an event, of which there may be any number. */
static void a_service_of_ones_own_exempts_nobody(void **state)
{
    Farebox__V1__Register own = FAREBOX__V1__REGISTER__INIT;
    own.service = (char *)(uintptr_t) "mine";
    own.tenant = (char *)(uintptr_t) "acme";
    (void)state;
    struct actor *host = stage_join(&stage, SERVER);
    struct actor *ann = stage_join(&stage, ANN " serve:acme/* publish:news.>");
    struct actor *reader = stage_join(&stage, "infra reader subscribe:*/news.>");
    actor_register(host, "prices", 10);
    actor_register(host, "orders", 10);
    assert_int_equal(actor_register_as(ann, &own), STATUS_OK);
    assert_int_equal(actor_subscribe(reader, 1, "news.>", NULL, "*"), STATUS_OK);
    assert_int_equal(actor_publish(ann, "news.today", "x"), STATUS_OK);
    struct wire_envelope event = actor_expect(reader, WIRE_DELIVERY);
    struct slice sealed_with_event = actor_credential(reader, &event);
    assert_true(sealed_with_event.len > 0);
    actor_call(ann, 1, "mine", "hold");
    struct wire_envelope outer = actor_expect(ann, WIRE_REQUEST);
    struct slice sealed = actor_credential(ann, &outer);
    assert_int_equal(nested_outcome(ann, outer.id, slice_make(NULL, 0), host), STATUS_OK);
    assert_int_equal(nested_outcome(ann, 0, sealed, host), STATUS_OK);
    assert_int_equal(nested_outcome(ann, outer.id, slice_make(NULL, 0), host), STATUS_RATE_LIMITED);
    assert_int_equal(nested_outcome(ann, 0, sealed, host), STATUS_RATE_LIMITED);
    assert_int_equal(nested_outcome(ann, outer.id, sealed, host), STATUS_RATE_LIMITED);
    assert_int_equal(nested_outcome(reader, 0, sealed_with_event, host), STATUS_RATE_LIMITED);
}

/* Even if it was one of a tenant's own that called the shared one. */
static void what_a_shared_service_calls_is_part_of_its_call(void **state)
{
    Farebox__V1__Register own = FAREBOX__V1__REGISTER__INIT;
    own.service = (char *)(uintptr_t) "mine";
    own.tenant = (char *)(uintptr_t) "acme";
    (void)state;
    struct actor *host = stage_join(&stage, SERVER);
    struct actor *ann = stage_join(&stage, ANN " serve:acme/*");
    struct actor *other = stage_join(&stage, SERVER);
    actor_register(other, "prices", 10);
    actor_register(host, "orders", 10);
    assert_int_equal(actor_register_as(ann, &own), STATUS_OK);
    actor_call(ann, 1, "mine", "get");
    struct wire_envelope outer = actor_expect(ann, WIRE_REQUEST);
    const struct wire_request middle = {
        .service = slice_of("orders"), .method = slice_of("get"), .parent = outer.id};
    actor_request(ann, 2, &middle, actor_credential(ann, &outer));
    struct wire_envelope inner = actor_expect(host, WIRE_REQUEST);
    struct slice sealed = actor_credential(host, &inner);
    for (unsigned n = 0; n < 5; n++)
        assert_int_equal(nested_outcome(host, inner.id, sealed, other), STATUS_OK);
    actor_reply(host, inner.id, STATUS_OK, "");
    assert_int_equal(actor_expect(ann, WIRE_REPLY).reply.rate_remaining, 1);
}

static void a_tier_without_a_rate_is_not_limited(void **state)
{
    (void)state;
    struct actor *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    for (uint32_t id = 1; id <= 200; id++) {
        actor_call(host, id, "orders", "get");
        actor_reply(host, actor_requested(host), STATUS_OK, "");
        struct wire_envelope reply = actor_expect(host, WIRE_REPLY);
        assert_int_equal(reply.reply.status, STATUS_OK);
        assert_int_equal(reply.reply.rate_limit, 0);
    }
}

static void a_reload_is_no_refill(void **state)
{
    char why[TIER_WHY_BYTES];
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    for (uint32_t id = 1; id <= 3; id++)
        call_and_answer(ann, host, id);
    struct limits limits = stage.options.limits;
    limits.tiers.n = 0;
    assert_int_equal(tiers_add(&limits.tiers, "free per-minute=60 burst=4", why), 0);
    core_reload(stage.core, &limits);
    assert_int_equal(call_and_answer(ann, host, 4).reply.rate_remaining, 0);
}

/* ---- a restart is no refill ---- */

static void everybody_comes_back(struct actor **ann, const char *token, struct actor **host)
{
    stage_restart(&stage);
    *ann = stage_join(&stage, token);
    *host = stage_join(&stage, SERVER);
    actor_register(*host, "orders", 10);
}

/* `ms` after the last call: what is not in the books by then is in the ledger. */
static void restart_after(unsigned ms)
{
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    for (uint32_t id = 1; id <= 3; id++)
        call_and_answer(ann, host, id);
    stage_pass(&stage, ms);
    everybody_comes_back(&ann, ANN, &host);
    actor_call(ann, 1, "orders", "get");
    struct wire_envelope refused = actor_expect(ann, WIRE_REPLY);
    assert_int_equal(refused.reply.status, STATUS_RATE_LIMITED);
    assert_in_range(refused.reply.retry_after_ms, 1000 - ms - 10, 1001 - ms);
    stage_pass(&stage, refused.reply.retry_after_ms);
    assert_int_equal(call_and_answer(ann, host, 2).reply.rate_remaining, 0);
}

static void a_restart_is_no_refill(void **state)
{
    (void)state;
    restart_after(0);
}

static void what_the_books_say_is_not_added_again(void **state)
{
    (void)state;
    restart_after(500);
}

static void a_minute_is_remembered_over_many_restarts(void **state)
{
    static const char token[] = "acme ann call:* tier:few";
    (void)state;
    struct actor *ann = stage_join(&stage, token), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    for (uint32_t id = 1; id <= 5; id++)
        call_and_answer(ann, host, id);
    for (unsigned n = 0; n < 5; n++) {
        stage_pass(&stage, 11 * 1000);
        everybody_comes_back(&ann, token, &host);
        actor_call(ann, 1, "orders", "get");
        assert_int_equal(actor_outcome(ann, 1), STATUS_RATE_LIMITED);
    }
    stage_pass(&stage, 6 * 1000);
    everybody_comes_back(&ann, token, &host);
    assert_int_equal(call_and_answer(ann, host, 1).reply.rate_remaining, 4);
}

/* Three calls in one millisecond, and each is saved. */
static void what_is_saved_at_once_is_all_kept(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    for (uint32_t id = 1; id <= 3; id++) {
        call_and_answer(ann, host, id);
        assert_true(core_save(stage.core));
    }
    stage_pass(&stage, 500); /* the ledger lets go of them */
    assert_int_equal(stage.ledger.trimmed, stage.ledger.last);
    everybody_comes_back(&ann, ANN, &host);
    actor_call(ann, 1, "orders", "get");
    assert_int_equal(actor_outcome(ann, 1), STATUS_RATE_LIMITED);
}

/* What the books have of a ledger that is gone says nothing of the blocks of the next. */
static void what_another_ledger_counts_is_added(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    for (uint32_t id = 1; id <= 2; id++)
        call_and_answer(ann, host, id);
    stage_pass(&stage, 250);
    stage_lose_ledger(&stage);
    everybody_comes_back(&ann, ANN, &host);
    assert_int_equal(call_and_answer(ann, host, 1).reply.rate_remaining, 0);
    everybody_comes_back(&ann, ANN, &host);
    actor_call(ann, 1, "orders", "get");
    assert_int_equal(actor_outcome(ann, 1), STATUS_RATE_LIMITED);
}

/* As a version wrote it that had a row for each user. */
static void rows_of_earlier_versions_are_read(void **state)
{
    static const uint64_t burst = 3, per_minute = 60;
    struct buf key = {0}, row = {0};
    (void)state;
    for (unsigned shift = 64; shift > 0; shift -= 8)
        journal_put(&key, stage.now.unix_ms >> (shift - 8), 1);
    buf_append(&key, "acme\0ann", 8);
    journal_put(&row, 1, 1);
    journal_put(&row, stage.ledger.id, 8);
    journal_put(&row, 7, 8);
    journal_put(&row, per_minute, 4);
    journal_put(&row, burst, 4);
    journal_put(&row, stage.now.unix_ms, 8);
    journal_put(&row, burst, 4);
    stage.options.io.put(&stage, RATES_TABLE, buf_slice(&key), buf_slice(&row));
    buf_finish(&key);
    buf_finish(&row);
    struct actor *ann, *host;
    everybody_comes_back(&ann, ANN, &host);
    actor_call(ann, 1, "orders", "get");
    assert_int_equal(actor_outcome(ann, 1), STATUS_RATE_LIMITED);
}

static unsigned rows_in_the_books(void)
{
    unsigned rows = 0;
    for (unsigned i = 0; i < stage.n_records; i++)
        rows += strcmp(stage.records[i].table, RATES_TABLE) == 0 && stage.records[i].value.len > 0;
    return rows;
}

/* Only the last minute is kept. */
static void the_books_do_not_grow(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, "acme ann call:* tier:few");
    struct actor *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    for (uint32_t id = 1; id <= 6; id++) {
        call_and_answer(ann, host, id);
        stage_pass(&stage, 30 * 1000);
        everybody_comes_back(&ann, "acme ann call:* tier:few", &host);
    }
    assert_in_range(rows_in_the_books(), 1, 3);
}

static void put_row_of(uint64_t unix_ms)
{
    struct buf key = {0};
    for (unsigned shift = 64; shift > 0; shift -= 8)
        journal_put(&key, unix_ms >> (shift - 8), 1);
    journal_put(&key, 0, 1);
    stage.options.io.put(&stage, RATES_TABLE, buf_slice(&key), slice_of("old"));
    buf_finish(&key);
}

/* The books are not read through at every save, and what has to go goes little by little. */
static void old_rows_go_now_and_then(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    for (unsigned n = 0; n < RATES_DELETED_AT_ONCE + 40; n++)
        put_row_of(stage.now.unix_ms - 200000 - n);
    call_and_answer(ann, host, 1);
    stage_pass(&stage, 250);
    assert_int_equal(rows_in_the_books(), 40 + 1);
    unsigned before = stage.scans;
    for (uint32_t id = 2; id <= 31; id++) {
        call_and_answer(ann, host, id);
        stage_pass(&stage, 1000);
    }
    assert_int_equal(rows_in_the_books(), 31);
    assert_int_equal(stage.scans - before, 1);
}

/* It counts once more, as of now, and not for as long as the clock takes to get there again. */
static void what_a_clock_ahead_has_dated_ends(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    for (uint32_t id = 1; id <= 3; id++)
        call_and_answer(ann, host, id);
    stage_pass(&stage, 500);
    stage.now.unix_ms -= 3600000;
    for (unsigned n = 0; n < 2; n++) {
        everybody_comes_back(&ann, ANN, &host);
        actor_call(ann, 1, "orders", "get");
        assert_int_equal(actor_outcome(ann, 1), STATUS_RATE_LIMITED);
        stage_pass(&stage, 250);
    }
    stage_pass(&stage, 60000);
    everybody_comes_back(&ann, ANN, &host);
    assert_int_equal(call_and_answer(ann, host, 1).reply.rate_remaining, 2);
    stage_pass(&stage, 250);
    assert_int_equal(rows_in_the_books(), 1);
}

/* Nor do those whose last minute is over have a place that another needs. */
static void what_was_long_ago_takes_no_place(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    call_and_answer(ann, host, 1); /* in the ledger, and not in the books */
    stage.options.limits.max_limited_users = 1;
    stage.now.mono_ns += 2 * WINDOW_NS;
    stage.now.unix_ms += 2 * WINDOW_NS / NS_PER_MS;
    everybody_comes_back(&ann, "acme bob call:*", &host);
    assert_int_equal(call_and_answer(ann, host, 1).reply.status, STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_burst_then_the_rate, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(neighbours_have_their_own, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(sessions_share_what_is_their_users, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(a_refusal_by_another_filter_is_not_counted, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(a_nested_call_is_part_of_its_parent, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(a_service_of_ones_own_exempts_nobody, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(what_a_shared_service_calls_is_part_of_its_call, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(a_tier_without_a_rate_is_not_limited, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(a_reload_is_no_refill, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(a_restart_is_no_refill, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(what_the_books_say_is_not_added_again, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(a_minute_is_remembered_over_many_restarts, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(what_is_saved_at_once_is_all_kept, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(what_another_ledger_counts_is_added, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(rows_of_earlier_versions_are_read, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(the_books_do_not_grow, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(old_rows_go_now_and_then, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(what_a_clock_ahead_has_dated_ends, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(what_was_long_ago_takes_no_place, open_stage, close_stage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
