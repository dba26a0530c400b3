/* bus.usage: what was used, added up as asked, and shown to whom it concerns. */
#include "../testing.h"

#include "builtin/usage_page.h"
#include "core/state.h"
#include "core_ask.h"

#include <sodium.h>

#define SERVER "infra host serve:*"
#define OPERATOR "infra ops admin:*"
#define HOUR_MS 3600000u

static struct stage stage;
static struct actor *ann, *bob, *eve, *host;
static struct buf answer;

static void used(struct actor *who, const char *service, unsigned calls)
{
    static uint64_t id;
    for (unsigned n = 0; n < calls; n++) {
        actor_call(who, ++id, service, "get");
        actor_reply(host, actor_requested(host), STATUS_OK, "four");
        assert_int_equal(actor_outcome(who, id), STATUS_OK);
    }
}

/* On 2027-01-15, from 8 o'clock on. */
static int open_stage(void **state)
{
    char why[256];
    (void)state;
    stage_init(&stage);
    assert_int_equal(tiers_add(&stage.options.limits.tiers, "free", why), 0);
    stage_start(&stage);
    ann = stage_join(&stage, "acme ann call:*");
    bob = stage_join(&stage, "acme bob call:* admin:acme/usage");
    eve = stage_join(&stage, "globex eve call:*");
    host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    actor_register(host, "stock", 10);
    used(ann, "orders", 2);
    used(eve, "stock", 1);
    stage.now.unix_ms += HOUR_MS;
    used(bob, "orders", 1);
    used(ann, "stock", 4);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    buf_finish(&answer);
    answer = (struct buf){0};
    stage_finish(&stage);
    return 0;
}

/* The question is JSON, and so is the answer, which lasts until the next one. */
static enum status ask(struct actor *who, const char *question)
{
    static uint64_t id = 1000000;
    return actor_ask(who, ++id, "bus.usage", "show", question, &answer);
}

static void assert_answer(struct actor *who, const char *question, const char *expected)
{
    static const char hour[] = "{\"hour\":\"2027-01-15T09\",";
    assert_int_equal(ask(who, question), STATUS_OK);
    assert_memory_equal(answer.data, hour, strlen(hour));
    assert_string_equal((const char *)answer.data + strlen(hour), expected + 1);
}

#define USED(calls, out)                                                 \
    "\"calls\":" calls ",\"errors\":0,\"bytes_in\":0,\"bytes_out\":" out \
    ",\"duration_us\":0,\"voided\":0"

static void it_adds_up_what_is_asked_for(void **state)
{
    (void)state;
    struct actor *ops = stage_join(&stage, OPERATOR);
    assert_answer(ops, "{}", "{\"rows\":[{" USED("8", "32") "}],\"next\":\"\"}");
    assert_answer(ops, "{\"by\":[\"tenant\"]}",
                  "{\"rows\":[{\"tenant\":\"acme\"," USED(
                      "7", "28") "},{\"tenant\":\"globex\"," USED("1", "4") "}],\"next\":\"\"}");
    assert_answer(
        ops, "{\"by\":[\"service\",\"hour\"],\"tenant\":\"acme\"}",
        "{\"rows\":[{\"time\":\"2027-01-15T08\",\"service\":\"orders\"," USED(
            "2", "8") "},"
                      "{\"time\":\"2027-01-15T09\",\"service\":\"orders\"," USED(
                          "1", "4") "},"
                                    "{\"time\":\"2027-01-15T09\",\"service\":\"stock\"," USED(
                                        "4", "16") "}],\"next\":\"\"}");
    assert_answer(ops,
                  "{\"by\":[\"month\"],\"user\":\"ann\",\"service\":\"stock\",\"method\":\"get\"}",
                  "{\"rows\":[{\"time\":\"2027-01\"," USED("4", "16") "}],\"next\":\"\"}");
    assert_answer(ops, "{\"tenant\":\"nobody\"}", "{\"rows\":[],\"next\":\"\"}");
}

static void beginnings_of_hours_bound_it(void **state)
{
    (void)state;
    struct actor *ops = stage_join(&stage, OPERATOR);
    assert_answer(ops, "{\"from\":\"2027-01-15T09\"}",
                  "{\"rows\":[{" USED("5", "20") "}],\"next\":\"\"}");
    assert_answer(ops, "{\"to\":\"2027-01-15T08\"}",
                  "{\"rows\":[{" USED("3", "12") "}],\"next\":\"\"}");
    assert_answer(ops, "{\"from\":\"2027\",\"to\":\"2027-01\"}",
                  "{\"rows\":[{" USED("8", "32") "}],\"next\":\"\"}");
    assert_answer(ops, "{\"to\":\"2026-12\"}", "{\"rows\":[],\"next\":\"\"}");
    assert_answer(ops, "{\"from\":\"2027-02\"}", "{\"rows\":[],\"next\":\"\"}");
}

static void everyone_sees_their_part(void **state)
{
    (void)state;
    assert_answer(bob, "{\"by\":[\"user\"]}",
                  "{\"rows\":[{\"user\":\"ann\"," USED("6", "24") "},{\"user\":\"bob\"," USED(
                      "1", "4") "}],\"next\":\"\"}");
    assert_answer(ann, "{\"by\":[\"user\"]}",
                  "{\"rows\":[{\"user\":\"ann\"," USED("6", "24") "}],\"next\":\"\"}");
    assert_int_equal(ask(ann, "{\"user\":\"bob\"}"), STATUS_PERMISSION_DENIED);
    assert_int_equal(ask(ann, "{\"tenant\":\"globex\"}"), STATUS_TENANT_MISMATCH);
    assert_int_equal(ask(bob, "{\"tenant\":\"globex\"}"), STATUS_TENANT_MISMATCH);
}

#define BILLED(tenant) "\"tenant\":\"" tenant "\",\"billing_customer\":\"cus_7\","

/* Whom a tenant is billed as stands beside what it used, for who may see all of that. */
static void whoever_bills_sees_the_customer(void **state)
{
    static const char record[] =
        "{\"tenant\":\"acme\",\"tier\":\"free\",\"billing_customer\":\"cus_7\"}";
    struct buf ignored = {0};
    (void)state;
    struct actor *ops = stage_join(&stage, OPERATOR);
    assert_int_equal(actor_ask(ops, 1, "bus.tenants", "create", record, &ignored), STATUS_OK);
    buf_finish(&ignored);
    assert_answer(ops, "{\"by\":[\"tenant\"]}",
                  "{\"rows\":[{" BILLED("acme") USED("7", "28") "},{\"tenant\":\"globex\"," USED(
                      "1", "4") "}],\"next\":\"\"}");
    assert_answer(bob, "{\"by\":[\"tenant\"]}",
                  "{\"rows\":[{" BILLED("acme") USED("7", "28") "}],\"next\":\"\"}");
    assert_answer(ann, "{\"by\":[\"tenant\"]}",
                  "{\"rows\":[{\"tenant\":\"acme\"," USED("6", "24") "}],\"next\":\"\"}");
    assert_answer(ops, "{\"by\":[\"service\"],\"tenant\":\"acme\",\"user\":\"bob\"}",
                  "{\"rows\":[{\"service\":\"orders\"," USED("1", "4") "}],\"next\":\"\"}");
}

static size_t looked_at;

/* More rows than the stage's store has room for: one of them again and again. */
static int scan_many(void *arg, const char *table, struct slice from,
                     int (*each)(void *each_arg, struct slice key, struct slice record),
                     void *each_arg)
{
    struct stage *of = arg;
    const struct stage_record *row = of->records;
    int rc = 0;
    (void)from;
    while (row->value.len == 0 || strcmp(row->table, USAGE_TABLE) != 0)
        row++;
    for (size_t i = 0; i < 1000 && rc == 0 && strcmp(table, USAGE_TABLE) == 0; i++) {
        looked_at++;
        rc = each(each_arg, slice_make(row->key, row->key_len), buf_slice(&row->value));
    }
    return rc;
}

static void assert_looks_at(struct actor *who, const char *question, size_t rows)
{
    looked_at = 0;
    assert_int_equal(ask(who, question), STATUS_OK);
    assert_int_equal(looked_at, rows);
}

/* One row more tells that there is more. */
static void who_sees_one_tenant_looks_at_few_rows(void **state)
{
    (void)state;
    struct actor *ops = stage_join(&stage, OPERATOR);
    assert_int_equal(ask(ops, "{}"), STATUS_OK); /* what was counted is in the books */
    stage.core->io.scan_from = scan_many;
    assert_looks_at(ops, "{}", 1000);
    assert_looks_at(ann, "{}", USAGE_PAGE_ROWS_OF_TENANTS + 1);
    assert_looks_at(bob, "{\"limit\":4096}", USAGE_PAGE_ROWS_OF_TENANTS + 1);
    assert_looks_at(bob, "{\"limit\":7}", 8);
}

/* Whoever adds the pages up gets the same as in one answer. */
static void pages_add_up(void **state)
{
    char question[512];
    unsigned pages = 0, calls = 0;
    (void)state;
    struct actor *ops = stage_join(&stage, OPERATOR);
    snprintf(question, sizeof question, "{\"limit\":1}");
    for (const char *next; pages < 10; pages++) {
        assert_int_equal(ask(ops, question), STATUS_OK);
        const char *found = strstr((const char *)answer.data, "\"calls\":");
        calls += (unsigned)strtoul(found + strlen("\"calls\":"), NULL, 10);
        next = strstr((const char *)answer.data, "\"next\":") + strlen("\"next\":");
        if (strncmp(next, "\"\"", 2) == 0)
            break;
        snprintf(question, sizeof question, "{\"limit\":1,\"cursor\":%.*s", (int)strlen(next),
                 next);
    }
    assert_int_equal(pages, 3); /* there are four rows */
    assert_int_equal(calls, 8);
}

/* What is between one's own rows is others'. */
static void a_cursor_tells_nothing(void **state)
{
    char question[512] = "{\"limit\":1}";
    unsigned pages = 0;
    (void)state;
    for (; pages < 10; pages++) {
        char key[256] = "";
        size_t len = 0;
        assert_int_equal(ask(ann, question), STATUS_OK);
        const char *next = strstr((const char *)answer.data, "\"next\":\"") + strlen("\"next\":\"");
        size_t digits = strcspn(next, "\"");
        if (digits == 0)
            break;
        assert_int_equal(sodium_hex2bin((uint8_t *)key, sizeof key, next, digits, NULL, &len, NULL),
                         0);
        assert_null(memmem(key, len, "globex", 6));
        assert_null(memmem(key, len, "2027", 4));
        snprintf(question, sizeof question, "{\"limit\":1,\"cursor\":\"%.*s\"}", (int)digits, next);
    }
    assert_int_equal(pages, 3);
    question[strlen(question) - 4] ^= 1; /* a spoilt one is none of ours */
    assert_int_equal(ask(ann, question), STATUS_INVALID_ARGUMENT);
}

static void nonsense_is_refused(void **state)
{
    static const char *const questions[] = {
        "[]",
        "{\"from\":\"yesterday\"}",
        "{\"to\":\"2027-01-15T08:00\"}",
        "{\"by\":\"tenant\"}",
        "{\"by\":[\"colour\"]}",
        "{\"cursor\":\"x\"}",
        "{\"limit\":0}",
        "{\"limit\":5000}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        assert_int_equal(ask(bob, questions[i]), STATUS_INVALID_ARGUMENT);
}

static void assert_refused_as(const char *question, const char *message)
{
    static uint64_t id = 3000000;
    actor_question(bob, ++id, "bus.usage", "show", question);
    struct wire_envelope envelope = actor_expect(bob, WIRE_REPLY);
    assert_int_equal(envelope.reply.status, STATUS_INVALID_ARGUMENT);
    assert_true(slice_is(envelope.reply.message, message));
}

/* Nothing was used then: that would be no answer to who has mistyped a date. */
static void times_that_do_not_exist_are_refused_by_name(void **state)
{
    static const char from[] = "from: no beginning of a time like 2026-11-24T13, in UTC";
    static const char to[] = "to: no beginning of a time like 2026-11-24T13, in UTC";
    (void)state;
    assert_refused_as("{\"from\":\"2026-13\"}", from);
    assert_refused_as("{\"from\":\"2026-02-30\"}", from);
    assert_refused_as("{\"from\":\"2026-11-30T25\"}", from);
    assert_refused_as("{\"from\":\"2026-11\",\"to\":\"2026-99\"}", to);
    assert_refused_as("{\"from\":\"2026-12\",\"to\":\"2026-11\"}", "to: is before from");
}

static void books_that_fail_are_said_to(void **state)
{
    (void)state;
    used(ann, "orders", 1);
    stage.store_fails = true;
    assert_int_equal(ask(bob, "{}"), STATUS_UNAVAILABLE);
    stage.store_fails = false;
    assert_answer(bob, "{}", "{\"rows\":[{" USED("8", "32") "}],\"next\":\"\"}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_adds_up_what_is_asked_for),
        TEST(beginnings_of_hours_bound_it),
        TEST(everyone_sees_their_part),
        TEST(whoever_bills_sees_the_customer),
        TEST(pages_add_up),
        TEST(who_sees_one_tenant_looks_at_few_rows),
        TEST(a_cursor_tells_nothing),
        TEST(nonsense_is_refused),
        TEST(times_that_do_not_exist_are_refused_by_name),
        TEST(books_that_fail_are_said_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
