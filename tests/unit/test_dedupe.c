/* Idempotency keys, through the whole core: the same answer again, and nothing done twice. */
#include "../testing.h"

#include "core/meter.h"
#include "core/state.h"
#include "core_stage.h"

#include <errno.h>

#define ANN "acme ann call:*"
#define SERVER "infra host serve:*"
#define A_SAVE_MS 250u

static struct stage stage;
static struct actor *ann, *host;
static uint64_t ids;

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

static void ask_with(struct actor *who, const char *method, const char *key, const char *payload,
                     uint32_t timeout_ms)
{
    const struct wire_request request = {.service = slice_of("orders"),
                                         .method = slice_of(method),
                                         .payload = slice_of(payload),
                                         .idempotency_key = slice_of(key),
                                         .timeout_ms = timeout_ms};
    actor_request(who, ++ids, &request, slice_make(NULL, 0));
}

static void ask(struct actor *who, const char *key)
{
    ask_with(who, "pay", key, "10 euro", 0);
}

/* It is the service that answers. */
static void served(struct actor *who, const char *answer)
{
    actor_reply(host, actor_requested(host), STATUS_OK, answer);
    struct wire_envelope reply = actor_expect(who, WIRE_REPLY);
    assert_true(slice_is(reply.reply.payload, answer));
    assert_false(reply.reply.replayed);
}

/* It is the broker that answers, as before. */
static void replayed(struct actor *who, const char *answer)
{
    struct wire_envelope reply = actor_expect(who, WIRE_REPLY);
    assert_true(actor_hears_nothing(host));
    assert_int_equal(reply.reply.status, STATUS_OK);
    assert_true(slice_is(reply.reply.payload, answer));
    assert_true(reply.reply.replayed);
}

static int add_row(void *arg, struct slice key, struct slice row)
{
    struct usage usage;
    (void)key;
    assert_true(usage_read_row(&usage, row));
    usage_add(arg, &usage);
    return 0;
}

static struct usage booked(void)
{
    struct usage sum = {0};
    const struct io *io = &stage.options.io;
    stage_pass(&stage, A_SAVE_MS);
    assert_int_equal(io->scan(io->arg, USAGE_TABLE, add_row, &sum), 0);
    return sum;
}

/* ---- the same again ---- */

static void the_same_key_gets_the_same_answer(void **state)
{
    (void)state;
    ask(ann, "k1");
    served(ann, "paid once");
    for (unsigned n = 0; n < 3; n++) {
        ask(ann, "k1");
        replayed(ann, "paid once");
    }
    ask(ann, "k2");
    served(ann, "paid twice");
    assert_int_equal(booked().calls, 2);
    stage_is_idle(&stage);
}

static void a_refusal_by_the_service_is_an_answer(void **state)
{
    const struct wire_detail detail = {"field", "amount"};
    const struct wire_reply no = {.status = STATUS_CONFLICT,
                                  .message = slice_of("paid already"),
                                  .details = &detail,
                                  .n_details = 1};
    (void)state;
    ask(ann, "k1");
    wire_put_reply(actor_out(host), actor_requested(host), &no);
    actor_say(host);
    assert_int_equal(actor_outcome(ann, ids), STATUS_CONFLICT);
    ask(ann, "k1");
    struct wire_envelope again = actor_expect(ann, WIRE_REPLY);
    assert_int_equal(again.reply.status, STATUS_CONFLICT);
    assert_true(slice_is(again.reply.message, "paid already"));
    assert_int_equal(again.reply.n_details, 1);
    assert_string_equal(again.reply.details[0].value, "amount");
    assert_true(actor_hears_nothing(host));
}

static void what_may_be_tried_again_is(void **state)
{
    (void)state;
    ask(ann, "k1");
    actor_reply(host, actor_requested(host), STATUS_UNAVAILABLE, "");
    assert_int_equal(actor_outcome(ann, ids), STATUS_UNAVAILABLE);
    ask(ann, "k1");
    served(ann, "now");
}

static void another_request_is_not_the_same(void **state)
{
    (void)state;
    ask(ann, "k1");
    served(ann, "done");
    ask_with(ann, "pay", "k1", "11 euro", 0);
    assert_int_equal(actor_outcome(ann, ids), STATUS_INVALID_ARGUMENT);
    assert_true(actor_hears_nothing(host));
}

static void a_key_is_its_owners(void **state)
{
    (void)state;
    struct actor *bob = stage_join(&stage, "acme bob call:*");
    struct actor *eve = stage_join(&stage, "globex ann call:*");
    ask(ann, "k1");
    served(ann, "for ann");
    ask(bob, "k1");
    served(bob, "for bob");
    ask(eve, "k1");
    served(eve, "for eve");
    ask_with(ann, "refund", "k1", "10 euro", 0);
    served(ann, "another method");
    ask(ann, "k1");
    replayed(ann, "for ann");
}

static void nonsense_is_refused(void **state)
{
    char key[ANSWER_KEY_MAX + 2];
    (void)state;
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    ask(ann, key);
    assert_int_equal(actor_outcome(ann, ids), STATUS_INVALID_ARGUMENT);
}

/* ---- under way ---- */

static void who_comes_meanwhile_waits(void **state)
{
    (void)state;
    struct actor *other = stage_join(&stage, ANN);
    ask(ann, "k1");
    uint64_t id = actor_requested(host);
    ask(other, "k1");
    ask(other, "k1");
    assert_true(actor_hears_nothing(host));
    assert_true(actor_hears_nothing(other));
    actor_reply(host, id, STATUS_OK, "once");
    assert_int_equal(actor_expect(ann, WIRE_REPLY).reply.status, STATUS_OK);
    replayed(other, "once");
    replayed(other, "once");
    assert_int_equal(booked().calls, 1);
    stage_is_idle(&stage);
}

/* One of those who wait goes instead. */
static void when_the_first_fails_the_next_goes(void **state)
{
    (void)state;
    struct actor *other = stage_join(&stage, ANN);
    ask(ann, "k1");
    uint64_t id = actor_requested(host);
    ask(other, "k1");
    actor_reply(host, id, STATUS_UNAVAILABLE, "");
    assert_int_equal(actor_expect(ann, WIRE_REPLY).reply.status, STATUS_UNAVAILABLE);
    served(other, "second");
    stage_is_idle(&stage);
}

/* In the turn in which the first fails, before the timers tell that time is up. */
static void whose_time_is_up_does_not_go(void **state)
{
    (void)state;
    struct actor *other = stage_join(&stage, ANN);
    ask(ann, "k1");
    uint64_t id = actor_requested(host);
    ask_with(other, "pay", "k1", "10 euro", 50);
    stage.now.mono_ns += 100 * NS_PER_MS;
    actor_reply(host, id, STATUS_UNAVAILABLE, "");
    assert_int_equal(actor_expect(ann, WIRE_REPLY).reply.status, STATUS_UNAVAILABLE);
    assert_int_equal(actor_expect(other, WIRE_REPLY).reply.status, STATUS_DEADLINE_EXCEEDED);
    assert_true(actor_hears_nothing(host));
    stage_is_idle(&stage);
}

static void who_waits_may_give_up(void **state)
{
    (void)state;
    struct actor *other = stage_join(&stage, ANN);
    ask(ann, "k1");
    uint64_t id = actor_requested(host);
    ask_with(other, "pay", "k1", "10 euro", 50);
    stage_pass(&stage, 100);
    assert_int_equal(actor_expect(other, WIRE_REPLY).reply.status, STATUS_DEADLINE_EXCEEDED);
    actor_reply(host, id, STATUS_OK, "late");
    assert_int_equal(actor_expect(ann, WIRE_REPLY).reply.status, STATUS_OK);
    stage_is_idle(&stage);
}

/* The service was at it when time ran out: nothing is begun a second time. */
static void a_late_answer_is_an_answer(void **state)
{
    (void)state;
    ask_with(ann, "pay", "k1", "10 euro", 50);
    uint64_t id = actor_requested(host);
    stage_pass(&stage, 100);
    assert_int_equal(actor_outcome(ann, ids), STATUS_DEADLINE_EXCEEDED);
    ask(ann, "k1");
    assert_false(stage_gauges(&stage).in_flight == 2);
    actor_reply(host, id, STATUS_OK, "at last");
    struct wire_envelope reply = actor_expect(ann, WIRE_REPLY);
    assert_true(slice_is(reply.reply.payload, "at last"));
    ask(ann, "k1");
    assert_true(slice_is(actor_expect(ann, WIRE_REPLY).reply.payload, "at last"));
    struct usage usage = booked();
    assert_int_equal(usage.calls, 2); /* the one that ran out of time, and the answer: once */
    assert_int_equal(usage.errors, 1);
    stage_is_idle(&stage);
}

static void a_service_that_vanishes_leaves_nothing(void **state)
{
    (void)state;
    ask(ann, "k1");
    (void)actor_requested(host);
    wire_put_control(actor_out(host), 0, 0, WIRE_GOODBYE, NULL);
    actor_say(host);
    assert_int_equal(actor_outcome(ann, ids), STATUS_OUTCOME_UNKNOWN);
    host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    ask(ann, "k1");
    served(ann, "by another");
}

static void whoever_hears_it_first_pays(void **state)
{
    (void)state;
    struct actor *gone = stage_join(&stage, ANN);
    ask(gone, "k1");
    uint64_t id = actor_requested(host);
    actor_cut(gone, false);
    stage_pass(&stage, 2000); /* longer than its grace */
    actor_reply(host, id, STATUS_OK, "unheard");
    assert_int_equal(booked().calls, 0);
    for (unsigned n = 0; n < 3; n++) {
        ask(ann, "k1");
        assert_true(slice_is(actor_expect(ann, WIRE_REPLY).reply.payload, "unheard"));
    }
    assert_int_equal(booked().calls, 1);
}

/* ---- how long, and how many ---- */

static void an_answer_outlives_the_broker(void **state)
{
    (void)state;
    ask(ann, "k1");
    served(ann, "before");
    for (unsigned n = 0; n < 3; n++) { /* from the ledger first, then from the books */
        stage_restart(&stage);
        everybody_joins();
        ask(ann, "k1");
        replayed(ann, "before");
        stage_pass(&stage, A_SAVE_MS);
    }
    assert_int_equal(booked().calls, 1);
}

static void an_answer_is_kept_for_a_while(void **state)
{
    (void)state;
    stage.options.limits.answer_ttl_ms = 1000;
    core_reload(stage.core, &stage.options.limits);
    ask(ann, "k1");
    served(ann, "first");
    stage_pass(&stage, 900);
    ask(ann, "k1");
    replayed(ann, "first");
    stage_pass(&stage, 200);
    ask(ann, "k1");
    served(ann, "second");
}

static unsigned kept_rows(void)
{
    unsigned rows = 0;
    for (unsigned i = 0; i < stage.n_records; i++)
        rows +=
            strcmp(stage.records[i].table, ANSWERS_TABLE) == 0 && stage.records[i].value.len > 0;
    return rows;
}

/* A quarter of them all: eight. */
static void a_tenant_has_a_share(void **state)
{
    char key[16];
    (void)state;
    struct actor *eve = stage_join(&stage, "globex eve call:*");
    ask(eve, "hers");
    served(eve, "kept");
    for (unsigned n = 0; n < 20; n++) {
        snprintf(key, sizeof key, "k%u", n);
        ask(ann, key);
        served(ann, "x");
    }
    stage_pass(&stage, A_SAVE_MS);
    assert_int_equal(kept_rows(), 9);
    ask(ann, "k19");
    replayed(ann, "x");
    ask(ann, "k0");
    served(ann, "made again");
    ask(eve, "hers");
    replayed(eve, "kept");
}

/* Hers are no fewer because his are large. */
static void a_share_is_of_bytes_too(void **state)
{
    static char large[600];
    char key[16];
    (void)state;
    memset(large, 'x', sizeof large - 1);
    stage.options.limits.answers_bytes = 8192;
    core_reload(stage.core, &stage.options.limits);
    struct actor *eve = stage_join(&stage, "globex eve call:*");
    ask(eve, "hers");
    served(eve, "kept");
    for (unsigned n = 0; n < 20; n++) {
        snprintf(key, sizeof key, "k%u", n);
        ask(ann, key);
        served(ann, large);
    }
    ask(eve, "hers");
    replayed(eve, "kept");
    ask(ann, "k17");
    replayed(ann, large);
    ask(ann, "k15"); /* of 2048 bytes it was the fourth */
    served(ann, large);
}

/* ---- what the books have of it ---- */

static struct buf *kept_record(void)
{
    for (unsigned i = 0; i < stage.n_records; i++) {
        struct stage_record *record = &stage.records[i];
        if (strcmp(record->table, ANSWERS_TABLE) == 0 && record->value.len > 0)
            return &record->value;
    }
    fail_msg("no answer is kept");
    return NULL;
}

static void one_in_the_books(void)
{
    ask(ann, "k1");
    served(ann, "before");
    stage_pass(&stage, A_SAVE_MS);
}

/* Its record: format, metered, 8 bytes of time, 16 of a hash, status, lengths, details, texts. */
static void what_is_damaged_is_lost(void **state)
{
    static const struct {
        unsigned at;
        uint8_t value;
    } damage[] = {
        {0, 9},    /* another format */
        {27, 255}, /* no status */
        {29, 255}, /* a content type longer than the record */
        {31, 255}, /* so the message */
        {34, 255}, /* so the payload */
        {36, 1},   /* a detail that is not there */
        {36, 255}, /* more than any reply has */
    };
    (void)state;
    one_in_the_books();
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        kept_record()->data[damage[i].at] = damage[i].value;
        ask(ann, "k1");
        served(ann, "again");
        stage_pass(&stage, A_SAVE_MS);
        ask(ann, "k1");
        replayed(ann, "again");
    }
}

static void what_is_cut_short_is_lost(void **state)
{
    (void)state;
    one_in_the_books();
    for (size_t len = kept_record()->len; len > 0; len--) {
        kept_record()->len = len - 1;
        ask(ann, "k1");
        served(ann, "before");
        stage_pass(&stage, A_SAVE_MS);
    }
}

static int get_damaged(void *arg, const char *table, struct slice key, struct buf *out)
{
    (void)arg, (void)table, (void)key, (void)out;
    return -EILSEQ;
}

static void so_is_what_the_store_says_is_damaged(void **state)
{
    (void)state;
    one_in_the_books();
    stage.core->io.get = get_damaged;
    ask(ann, "k1");
    served(ann, "again");
}

static void nor_is_it_known_after_a_restart(void **state)
{
    (void)state;
    one_in_the_books();
    kept_record()->data[0] = 9;
    stage_restart(&stage);
    everybody_joins();
    assert_int_equal(kept_rows(), 0);
    ask(ann, "k1");
    served(ann, "again");
}

/* It may be there: made again, it might be done twice. */
static void what_cannot_be_read_now_is_not_lost(void **state)
{
    (void)state;
    one_in_the_books();
    stage.store_fails = true;
    ask(ann, "k1");
    assert_int_equal(actor_outcome(ann, ids), STATUS_UNAVAILABLE);
    assert_true(actor_hears_nothing(host));
    stage.store_fails = false;
    ask(ann, "k1");
    replayed(ann, "before");
}

/* It is kept in memory and in the journal, until the books take it. */
static void what_the_books_refuse_is_kept_all_the_same(void **state)
{
    (void)state;
    stage.store_fails = true;
    ask(ann, "k1");
    served(ann, "once");
    ask(ann, "k1");
    replayed(ann, "once");
    assert_int_equal(kept_rows(), 0);
    stage.store_fails = false;
    stage_pass(&stage, A_SAVE_MS);
    assert_int_equal(kept_rows(), 1);
    ask(ann, "k1");
    replayed(ann, "once");
    stage_is_idle(&stage);
}

static void it_outlives_the_process_that_was_refused(void **state)
{
    (void)state;
    stage.store_fails = true;
    ask(ann, "k1");
    served(ann, "once");
    stage.store_fails = false;
    stage_restart(&stage);
    everybody_joins();
    ask(ann, "k1");
    replayed(ann, "once");
}

/* What an instance says of a request it had only queued when it was told to stop. */
static void what_was_called_off_is_no_answer(void **state)
{
    (void)state;
    ask_with(ann, "pay", "k1", "10 euro", 50);
    uint64_t id = actor_requested(host);
    stage_pass(&stage, 100);
    assert_int_equal(actor_outcome(ann, ids), STATUS_DEADLINE_EXCEEDED);
    actor_reply(host, id, STATUS_CANCELLED, "");
    ask(ann, "k1");
    served(ann, "paid");
}

static void request_without_reading(struct actor *who, const char *method, const char *key)
{
    const struct wire_request request = {.service = slice_of("orders"),
                                         .method = slice_of(method),
                                         .payload = slice_of("10 euro"),
                                         .idempotency_key = slice_of(key)};
    wire_put_request(actor_out(who), ++ids, 0, &request);
}

/* The caller hears that it is too slow; the service has paid all the same. */
static void what_a_slow_reader_missed_is_kept(void **state)
{
    static char large[2000];
    (void)state;
    memset(large, 'x', sizeof large - 1);
    stage.options.limits.outbox_bytes = 1000;
    stage_restart(&stage);
    everybody_joins();
    ann->silent = true;
    request_without_reading(ann, "get", "");
    request_without_reading(ann, "get", "");
    request_without_reading(ann, "pay", "k1");
    actor_say(ann);
    uint64_t requests[] = {actor_requested(host), actor_requested(host), actor_requested(host)};
    actor_reply(host, requests[0], STATUS_OK, large);
    actor_reply(host, requests[1], STATUS_OK, large);
    actor_reply(host, requests[2], STATUS_OK, "paid");
    ann->silent = false;
    stage_pass(&stage, 10);
    struct wire_envelope reply = actor_expect(ann, WIRE_REPLY);
    while (reply.id != ids)
        reply = actor_expect(ann, WIRE_REPLY);
    assert_int_equal(reply.reply.status, STATUS_OVERLOADED);
    ask(ann, "k1");
    replayed(ann, "paid");
}

static void a_reply_over_the_limit_is_no_reason_to_do_it_twice(void **state)
{
    static char large[2000];
    (void)state;
    memset(large, 'x', sizeof large - 1);
    stage.options.limits.max_payload_bytes = 1024;
    stage_restart(&stage);
    everybody_joins();
    ask(ann, "k1");
    actor_reply(host, actor_requested(host), STATUS_OK, large);
    assert_int_equal(actor_outcome(ann, ids), STATUS_TOO_LARGE);
    ask(ann, "k1");
    struct wire_envelope reply = actor_expect(ann, WIRE_REPLY);
    assert_true(reply.reply.replayed);
    assert_int_equal(reply.reply.status, STATUS_TOO_LARGE);
}

static void fill(char *text, char with, size_t len)
{
    memset(text, with, len);
    text[len] = '\0';
}

/* Together they are longer than a key of the books may be. */
static void the_longest_names_have_answers_too(void **state)
{
    char tenant[64], user[129], service[64], method[64], key[129], claims[400];
    Farebox__V1__Register wanted = FAREBOX__V1__REGISTER__INIT;
    (void)state;
    fill(tenant, 't', 63), fill(user, 'u', 128), fill(service, 's', 63), fill(method, 'm', 63);
    fill(key, 'k', 128);
    snprintf(claims, sizeof claims, "%s %s call:* serve:%s/*", tenant, user, tenant);
    struct actor *long_one = stage_join(&stage, claims);
    wanted.service = service;
    wanted.tenant = tenant;
    assert_int_equal(actor_register_as(long_one, &wanted), STATUS_OK);
    struct wire_request request = {
        .service = slice_of(service), .method = slice_of(method), .idempotency_key = slice_of(key)};
    actor_request(long_one, ++ids, &request, slice_make(NULL, 0));
    actor_reply(long_one, actor_requested(long_one), STATUS_OK, "once");
    assert_int_equal(actor_outcome(long_one, ids), STATUS_OK);
    stage_pass(&stage, A_SAVE_MS);
    assert_false(stage.core->journal.books_fail);
    stage_restart(&stage);
    long_one = stage_join(&stage, claims);
    assert_int_equal(actor_register_as(long_one, &wanted), STATUS_OK);
    actor_request(long_one, ++ids, &request, slice_make(NULL, 0));
    assert_true(actor_expect(long_one, WIRE_REPLY).reply.replayed);
    key[127] = 'l';
    actor_request(long_one, ++ids, &request, slice_make(NULL, 0));
    (void)actor_requested(long_one);
}

static void one_answer(const char *key, const char *answer)
{
    ask(ann, key);
    served(ann, answer);
}

static void nothing_expired_is_told_after_a_restart(void **state)
{
    (void)state;
    stage.options.limits.answer_ttl_ms = 10000;
    stage_restart(&stage);
    everybody_joins();
    one_answer("z", "old");
    stage_pass(&stage, 5000);
    one_answer("a", "new"); /* before it, by its key */
    stage_pass(&stage, A_SAVE_MS);
    stage_restart(&stage);
    everybody_joins();
    stage_pass(&stage, 6000);
    one_answer("z", "newer");
}

static void the_oldest_goes_first_after_a_restart(void **state)
{
    (void)state;
    stage.options.limits.max_answers = 4 * 4; /* four of them ann's */
    stage_restart(&stage);
    everybody_joins();
    for (char key[] = "d"; key[0] >= 'a'; key[0]--) {
        one_answer(key, "x");
        stage_pass(&stage, 10);
    }
    stage_pass(&stage, A_SAVE_MS);
    stage_restart(&stage);
    everybody_joins();
    one_answer("e", "x"); /* d goes */
    ask(ann, "a");
    replayed(ann, "x");
    one_answer("d", "again");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_key_gets_the_same_answer),
        TEST(a_refusal_by_the_service_is_an_answer),
        TEST(what_may_be_tried_again_is),
        TEST(another_request_is_not_the_same),
        TEST(a_key_is_its_owners),
        TEST(nonsense_is_refused),
        TEST(who_comes_meanwhile_waits),
        TEST(when_the_first_fails_the_next_goes),
        TEST(whose_time_is_up_does_not_go),
        TEST(who_waits_may_give_up),
        TEST(a_late_answer_is_an_answer),
        TEST(a_service_that_vanishes_leaves_nothing),
        TEST(whoever_hears_it_first_pays),
        TEST(an_answer_outlives_the_broker),
        TEST(an_answer_is_kept_for_a_while),
        TEST(a_tenant_has_a_share),
        TEST(a_share_is_of_bytes_too),
        TEST(what_is_damaged_is_lost),
        TEST(what_is_cut_short_is_lost),
        TEST(so_is_what_the_store_says_is_damaged),
        TEST(nor_is_it_known_after_a_restart),
        TEST(what_cannot_be_read_now_is_not_lost),
        TEST(what_the_books_refuse_is_kept_all_the_same),
        TEST(it_outlives_the_process_that_was_refused),
        TEST(what_was_called_off_is_no_answer),
        TEST(what_a_slow_reader_missed_is_kept),
        TEST(a_reply_over_the_limit_is_no_reason_to_do_it_twice),
        TEST(the_longest_names_have_answers_too),
        TEST(nothing_expired_is_told_after_a_restart),
        TEST(the_oldest_goes_first_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
