/* Credits: what was metered and shall not be billed, through the whole core, which may end. */
#include "../testing.h"

#include "core/state.h"
#include "core_ask.h"
#include "wire/json.h"

#define SERVER "infra host serve:*"
#define OPERATOR "infra ops admin:*"
#define ANN "acme ann call:* subscribe:bus.credit"
#define BOB "acme bob call:* admin:acme/usage"
#define EVE "globex eve call:*"
#define HOUR_MS 3600000u

static struct stage stage;
static struct actor *ann, *bob, *eve, *host, *ops;
static struct buf answer;
static uint64_t last_id = 1000000;

static void used(struct actor *who, unsigned calls)
{
    for (unsigned n = 0; n < calls; n++) {
        actor_call(who, ++last_id, "orders", "get");
        actor_reply(host, actor_requested(host), STATUS_OK, "four");
        assert_int_equal(actor_outcome(who, last_id), STATUS_OK);
    }
}

static void everybody_joins(void)
{
    ann = stage_join(&stage, ANN);
    bob = stage_join(&stage, BOB);
    eve = stage_join(&stage, EVE);
    ops = stage_join(&stage, OPERATOR);
    host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
}

/* On 2027-01-15: at 8 o'clock ann makes 5 calls, bob 2 and eve 1, at 9 ann one more. */
static int open_stage(void **state)
{
    char why[256];
    (void)state;
    stage_init(&stage);
    assert_int_equal(tiers_add(&stage.options.limits.tiers, "free", why), 0);
    stage_start(&stage);
    everybody_joins();
    used(ann, 5);
    used(bob, 2);
    used(eve, 1);
    stage.now.unix_ms += HOUR_MS;
    used(ann, 1);
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
static enum status ask(struct actor *who, const char *method, const char *question)
{
    return actor_ask(who, ++last_id, "bus.usage", method, question, &answer);
}

#define ROW(tenant, user)                                                   \
    "\"time\":\"2027-01-15T08\",\"tenant\":\"" tenant "\",\"user\":\"" user \
    "\",\"service\":\"orders\",\"method\":\"get\""
#define CREDIT(id, calls) "{\"id\":\"" id "\",\"calls\":" calls "," ROW("acme", "ann") "}"

static bool answered(const char *text)
{
    return strstr((const char *)answer.data, text) != NULL;
}

/* "calls":N and "voided":N of all that the question is about, added up over its pages. */
static void assert_sums(struct actor *who, const char *beginning, unsigned calls, unsigned voided)
{
    char question[1024];
    unsigned found[2] = {0, 0};
    snprintf(question, sizeof question, "{%s}", beginning);
    for (unsigned pages = 0;; pages++) {
        static const char *const names[] = {"\"calls\":", "\"voided\":"};
        assert_true(pages < 50);
        assert_int_equal(ask(who, "show", question), STATUS_OK);
        for (unsigned i = 0; i < 2; i++) {
            const char *at = (const char *)answer.data;
            while ((at = strstr(at, names[i])))
                found[i] += (unsigned)strtoul(at += strlen(names[i]), NULL, 10);
        }
        const char *next = strstr((const char *)answer.data, "\"next\":") + strlen("\"next\":");
        if (strncmp(next, "\"\"", 2) == 0)
            break;
        snprintf(question, sizeof question, "{%s,\"cursor\":%.*s", beginning, (int)strlen(next),
                 next);
    }
    assert_int_equal(found[0], calls);
    assert_int_equal(found[1], voided);
}

static void credits_stand_beside_what_was_metered(void **state)
{
    (void)state;
    assert_int_equal(ask(ops, "credit", CREDIT("one", "3")), STATUS_OK);
    assert_int_equal(ask(ops, "credit", "{\"id\":\"one\",\"calls\":1," ROW("globex", "eve") "}"),
                     STATUS_OK);
    assert_sums(ops, "\"limit\":4096", 9, 4);
    assert_sums(ops, "\"limit\":1", 9, 4);
    assert_sums(ops, "\"limit\":2,\"by\":[\"hour\",\"tenant\",\"user\"]", 9, 4);
    assert_sums(ops, "\"limit\":2,\"tenant\":\"acme\"", 8, 3);
    assert_sums(ops, "\"limit\":2,\"user\":\"bob\"", 2, 0);
    assert_sums(ops, "\"limit\":2,\"from\":\"2027-01-15T09\"", 1, 0);
    assert_sums(ops, "\"limit\":2,\"to\":\"2027-01-15T08\"", 8, 4);
    assert_sums(ann, "\"limit\":2", 6, 3);
    assert_sums(eve, "\"limit\":2", 1, 1);
}

static void a_list_says_whom_they_are_for(void **state)
{
    static const char record[] =
        "{\"tenant\":\"acme\",\"tier\":\"free\",\"billing_customer\":\"cus_7\"}";
    (void)state;
    assert_int_equal(actor_ask(ops, 1, "bus.tenants", "create", record, &answer), STATUS_OK);
    assert_int_equal(ask(ops, "credit", CREDIT("one", "3")), STATUS_OK);
    assert_int_equal(ask(bob, "credits", "{}"), STATUS_OK);
    assert_true(answered("\"billing_customer\":\"cus_7\""));
    assert_int_equal(ask(ann, "credits", "{}"), STATUS_OK);
    assert_true(answered("\"id\":\"one\""));
    assert_false(answered("billing_customer"));
}

static void the_same_credit_again_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(ask(ops, "credit", CREDIT("one", "3")), STATUS_OK);
    struct buf first = {0};
    buf_append(&first, answer.data, answer.len);
    stage.now.unix_ms += 1000;
    assert_int_equal(ask(ops, "credit", CREDIT("one", "3")), STATUS_OK);
    assert_string_equal((const char *)answer.data, (const char *)first.data);
    assert_sums(ops, "\"limit\":4096", 9, 3);
    buf_finish(&first);
}

static void an_id_is_one_credit_of_its_tenant(void **state)
{
    (void)state;
    assert_int_equal(ask(ops, "credit", CREDIT("one", "3")), STATUS_OK);
    assert_int_equal(ask(ops, "credit", CREDIT("one", "2")), STATUS_CONFLICT);
    assert_int_equal(
        ask(ops, "credit",
            "{\"id\":\"one\",\"calls\":3,\"reason\":\"other\"," ROW("acme", "ann") "}"),
        STATUS_CONFLICT);
    assert_int_equal(ask(ops, "credit", "{\"id\":\"one\",\"calls\":1," ROW("acme", "bob") "}"),
                     STATUS_CONFLICT);
    assert_int_equal(ask(ops, "credit", CREDIT("two", "2")), STATUS_OK);
    assert_sums(ops, "\"limit\":4096", 9, 5);
}

static void no_more_is_credited_than_was_metered(void **state)
{
    (void)state;
    assert_int_equal(ask(ops, "credit", CREDIT("all", "6")), STATUS_INVALID_ARGUMENT);
    assert_int_equal(ask(ops, "credit", CREDIT("most", "4")), STATUS_OK);
    assert_int_equal(ask(ops, "credit", CREDIT("too-many", "2")), STATUS_INVALID_ARGUMENT);
    assert_int_equal(ask(ops, "credit", CREDIT("huge", "18446744073709551615")),
                     STATUS_INVALID_ARGUMENT);
    assert_int_equal(ask(ops, "credit", CREDIT("rest", "1")), STATUS_OK);
    assert_sums(ops, "\"limit\":4096", 9, 5);
}

/* What is a tenant's own income is not for the tenant to forgive. */
static void only_operators_give_them(void **state)
{
    (void)state;
    assert_int_equal(ask(ann, "credit", CREDIT("one", "1")), STATUS_PERMISSION_DENIED);
    assert_int_equal(ask(bob, "credit", CREDIT("one", "1")), STATUS_PERMISSION_DENIED);
    assert_sums(ops, "\"limit\":4096", 9, 0);
}

static void nonsense_is_refused(void **state)
{
    static const char *const nonsense[] = {
        "[]",
        "{}",
        CREDIT("", "1"),
        CREDIT("a b", "1"),
        CREDIT("0123456789012345678901234567890123456789012345678901234567890123x", "1"),
        CREDIT("one", "0"),
        CREDIT("one", "-1"),
        CREDIT("one", "\"1\""),
        "{\"id\":\"one\",\"calls\":1,\"time\":\"2027-01-15\",\"tenant\":\"acme\",\"user\":\"ann\","
        "\"service\":\"orders\",\"method\":\"get\"}",
        "{\"id\":\"one\",\"calls\":1," ROW("acme", "nobody") "}",
        "{\"id\":\"one\",\"calls\":1," ROW("acme", "ann\\u0000x") "}",
        "{\"id\":\"one\",\"calls\":1,\"reason\":\"\\u0000\"," ROW("acme", "ann") "}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++)
        assert_int_equal(ask(ops, "credit", nonsense[i]), STATUS_INVALID_ARGUMENT);
    assert_sums(ops, "\"limit\":4096", 9, 0);
}

static void everyone_sees_their_own(void **state)
{
    (void)state;
    assert_int_equal(ask(ops, "credit", CREDIT("for-ann", "3")), STATUS_OK);
    assert_int_equal(ask(ops, "credit", "{\"id\":\"for-bob\",\"calls\":1," ROW("acme", "bob") "}"),
                     STATUS_OK);
    assert_int_equal(ask(ann, "credits", "{}"), STATUS_OK);
    assert_true(answered("\"id\":\"for-ann\"") && !answered("for-bob"));
    assert_int_equal(ask(bob, "credits", "{}"), STATUS_OK);
    assert_true(answered("for-ann") && answered("for-bob"));
    assert_int_equal(ask(eve, "credits", "{}"), STATUS_OK);
    assert_string_equal((const char *)answer.data, "{\"credits\":[],\"next\":\"\"}");
    assert_int_equal(ask(eve, "credits", "{\"tenant\":\"acme\"}"), STATUS_TENANT_MISMATCH);
    assert_int_equal(ask(ann, "credits", "{\"user\":\"bob\"}"), STATUS_PERMISSION_DENIED);
}

static void lists_come_in_pages(void **state)
{
    char question[1024] = "{\"limit\":2}";
    unsigned credits = 0, pages = 0;
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        char credit[256];
        snprintf(credit, sizeof credit, "{\"id\":\"c%u\",\"calls\":1,%s}", i, ROW("acme", "ann"));
        assert_int_equal(ask(ops, "credit", credit), STATUS_OK);
    }
    for (; pages < 10; pages++) {
        assert_int_equal(ask(ops, "credits", question), STATUS_OK);
        for (const char *at = (const char *)answer.data; (at = strstr(at, "\"id\":")); at++)
            credits++;
        const char *next = strstr((const char *)answer.data, "\"next\":") + strlen("\"next\":");
        if (strncmp(next, "\"\"", 2) == 0)
            break;
        snprintf(question, sizeof question, "{\"limit\":2,\"cursor\":%.*s", (int)strlen(next),
                 next);
    }
    assert_int_equal(pages, 2);
    assert_int_equal(credits, 5);
}

static void the_tenant_is_told(void **state)
{
    (void)state;
    assert_int_equal(actor_subscribe(ann, ++last_id, "bus.credit", "", ""), STATUS_OK);
    assert_int_equal(
        ask(ops, "credit", "{\"id\":\"for-eve\",\"calls\":1," ROW("globex", "eve") "}"), STATUS_OK);
    assert_true(actor_hears_nothing(ann));
    assert_int_equal(ask(ops, "credit", CREDIT("for-ann", "3")), STATUS_OK);
    struct wire_envelope event = actor_expect(ann, WIRE_DELIVERY);
    struct buf text = {0};
    assert_int_equal(json_from_msgpack(&text, event.delivery.payload, NULL), 0);
    buf_append(&text, "", 1);
    assert_non_null(strstr((const char *)text.data, "\"id\":\"for-ann\""));
    buf_finish(&text);
}

/* ---- ends of the process and of the system ---- */

static void restart(void)
{
    stage_restart(&stage);
    everybody_joins();
}

/* The store had not got to writing it. */
static void they_outlive_the_process(void **state)
{
    (void)state;
    stage_pass(&stage, 1000);
    stage.store_lags = true;
    assert_int_equal(ask(ops, "credit", CREDIT("one", "3")), STATUS_OK);
    assert_int_equal(stage_lose(&stage, CREDITS_TABLE), 1);
    assert_int_equal(stage_lose(&stage, CREDIT_IDS_TABLE), 1);
    restart();
    assert_sums(ops, "\"limit\":4096", 9, 3);
    assert_int_equal(ask(ops, "credit", CREDIT("one", "3")), STATUS_OK);
    assert_int_equal(ask(ops, "credit", "{\"id\":\"one\",\"calls\":1," ROW("acme", "bob") "}"),
                     STATUS_CONFLICT);
    assert_sums(ops, "\"limit\":4096", 9, 3);
}

/* Of a failing system either half may be left. */
static void half_a_credit_is_made_whole(void **state)
{
    static const char *const halves[] = {CREDITS_TABLE, CREDIT_IDS_TABLE};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(ask(ops, "credit", CREDIT("one", "3")), STATUS_OK);
        stage_pass(&stage, 1000);
        assert_int_equal(stage_lose(&stage, halves[i]), 1);
        restart();
        assert_int_equal(ask(ops, "credit", CREDIT("one", "3")), STATUS_OK);
        assert_sums(ops, "\"limit\":4096", 9, 3);
    }
}

/* Where the bill outlives the system, nobody hears of a credit that does not. */
static void where_it_has_to_be_on_disk_it_is_first(void **state)
{
    (void)state;
    stage.core->limits.durability = DURABILITY_POWER;
    stage.store_lags = true;
    actor_question(ops, ++last_id, "bus.usage", "credit", CREDIT("one", "3"));
    stage_pass(&stage, 1000);
    assert_true(actor_hears_nothing(ops));
    stage.store_lags = false;
    stage_pass(&stage, 1000);
    assert_int_equal(actor_outcome(ops, last_id), STATUS_OK);
}

static void books_that_refuse_give_none(void **state)
{
    (void)state;
    stage.store_fails = true;
    assert_int_equal(ask(ops, "credit", CREDIT("one", "3")), STATUS_UNAVAILABLE);
    stage.store_fails = false;
    assert_sums(ops, "\"limit\":4096", 9, 0);
    assert_int_equal(ask(ops, "credit", CREDIT("one", "2")), STATUS_OK);
    assert_sums(ops, "\"limit\":4096", 9, 2);
}

static void they_go_with_their_usage(void **state)
{
    (void)state;
    stage.core->limits.usage_kept = 30;
    assert_int_equal(ask(ops, "credit", CREDIT("one", "3")), STATUS_OK);
    stage.now.unix_ms += 30 * 24 * (uint64_t)HOUR_MS;
    stage_pass(&stage, 700000);
    assert_int_equal(stage_lose(&stage, CREDITS_TABLE), 1);
    restart();
    stage.core->limits.usage_kept = 30;
    assert_int_equal(ask(ops, "credit", CREDIT("one", "3")), STATUS_OK);
    stage.now.unix_ms += 24 * (uint64_t)HOUR_MS;
    stage_pass(&stage, 700000);
    assert_int_equal(stage_lose(&stage, CREDITS_TABLE), 0);
    assert_int_equal(stage_lose(&stage, CREDIT_IDS_TABLE), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(credits_stand_beside_what_was_metered),
        TEST(a_list_says_whom_they_are_for),
        TEST(the_same_credit_again_changes_nothing),
        TEST(an_id_is_one_credit_of_its_tenant),
        TEST(no_more_is_credited_than_was_metered),
        TEST(only_operators_give_them),
        TEST(nonsense_is_refused),
        TEST(everyone_sees_their_own),
        TEST(lists_come_in_pages),
        TEST(the_tenant_is_told),
        TEST(they_outlive_the_process),
        TEST(half_a_credit_is_made_whole),
        TEST(books_that_refuse_give_none),
        TEST(they_go_with_their_usage),
        TEST(where_it_has_to_be_on_disk_it_is_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
