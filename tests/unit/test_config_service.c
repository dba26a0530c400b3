/* bus.config: who gets which value, who may change it, and what is never shown. */
#include "../testing.h"

#include "core/state.h"
#include "core/values.h"
#include "core_ask.h"

#include <errno.h>
#include <stdlib.h>

#define A_SAVE_MS 250u

static struct stage stage;
static struct actor *ops, *admin, *ann, *eve;
static struct buf answer;

static void everybody_joins(void)
{
    ops = stage_join(&stage, "infra ops admin:*");
    admin = stage_join(&stage, "acme admin admin:acme/config");
    ann = stage_join(&stage, "acme ann tier:pro");
    eve = stage_join(&stage, "globex eve");
}

static int open_stage(void **state)
{
    char why[TIER_WHY_BYTES];
    (void)state;
    stage_init(&stage);
    assert_int_equal(tiers_add(&stage.options.limits.tiers, "free", why), 0);
    assert_int_equal(tiers_add(&stage.options.limits.tiers, "pro", why), 0);
    stage_start(&stage);
    everybody_joins();
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

static enum status ask(struct actor *who, const char *method, const char *question)
{
    static uint64_t id;
    return actor_ask(who, ++id, "bus.config", method, question, &answer);
}

static bool says(const char *text)
{
    return strstr((const char *)answer.data, text) != NULL;
}

static unsigned times(const char *text)
{
    unsigned n = 0;
    for (const char *at = (const char *)answer.data; (at = strstr(at, text)); at++)
        n++;
    return n;
}

static uint64_t revision(void)
{
    const char *at = strstr((const char *)answer.data, "\"revision\":");
    assert_non_null(at);
    return strtoull(at + strlen("\"revision\":"), NULL, 10);
}

#define SET_OK(who, question) assert_int_equal(ask(who, "set", question), STATUS_OK)

static void assert_value(struct actor *who, const char *expected)
{
    assert_int_equal(ask(who, "get", "{\"key\":\"mail.footer\"}"), STATUS_OK);
    assert_true(says(expected));
}

static void the_nearest_value_counts(void **state)
{
    (void)state;
    SET_OK(ops, "{\"key\":\"mail.footer\",\"value\":\"everybody\"}");
    assert_value(ann, "\"value\":\"everybody\"");
    SET_OK(ops, "{\"key\":\"mail.footer\",\"tier\":\"pro\",\"value\":{\"of\":\"pro\"}}");
    assert_value(ann, "\"value\":{\"of\":\"pro\"}");
    assert_value(eve, "\"value\":\"everybody\"");
    SET_OK(admin, "{\"key\":\"mail.footer\",\"value\":[1,2]}");
    assert_value(ann, "\"value\":[1,2]");
    assert_value(eve, "\"value\":\"everybody\"");
    assert_int_equal(ask(admin, "delete", "{\"key\":\"mail.footer\"}"), STATUS_OK);
    assert_value(ann, "\"value\":{\"of\":\"pro\"}");
    assert_int_equal(ask(ann, "get", "{\"key\":\"other\"}"), STATUS_INVALID_ARGUMENT);
}

static void changing_is_for_who_administers_it(void **state)
{
    (void)state;
    assert_int_equal(ask(ann, "set", "{\"key\":\"k\",\"value\":1}"), STATUS_PERMISSION_DENIED);
    assert_int_equal(ask(ann, "list", "{}"), STATUS_PERMISSION_DENIED);
    assert_int_equal(ask(admin, "set", "{\"key\":\"k\",\"value\":1,\"tenant\":\"globex\"}"),
                     STATUS_TENANT_MISMATCH);
    assert_int_equal(ask(admin, "set", "{\"key\":\"k\",\"value\":1,\"tier\":\"pro\"}"),
                     STATUS_TENANT_MISMATCH);
    assert_int_equal(ask(ann, "get", "{\"key\":\"k\",\"tenant\":\"globex\"}"),
                     STATUS_TENANT_MISMATCH);
    SET_OK(ops, "{\"key\":\"k\",\"value\":1,\"tenant\":\"globex\"}");
    assert_int_equal(ask(eve, "get", "{\"key\":\"k\"}"), STATUS_OK);
    assert_int_equal(ask(ann, "get", "{\"key\":\"k\"}"), STATUS_INVALID_ARGUMENT);
}

static void who_was_too_late_is_told(void **state)
{
    char question[160];
    (void)state;
    SET_OK(ops, "{\"key\":\"k\",\"value\":1,\"if_revision\":0}");
    uint64_t first = revision();
    assert_int_equal(ask(ops, "set", "{\"key\":\"k\",\"value\":2,\"if_revision\":0}"),
                     STATUS_CONFLICT);
    snprintf(question, sizeof question, "{\"key\":\"k\",\"value\":2,\"if_revision\":%llu}",
             (unsigned long long)first);
    SET_OK(ops, question);
    assert_true(revision() > first);
    assert_int_equal(ask(ops, "set", question), STATUS_CONFLICT);
    assert_int_equal(ask(ops, "delete", "{\"key\":\"k\",\"if_revision\":1}"), STATUS_CONFLICT);
    assert_int_equal(ask(ops, "delete", "{\"key\":\"k\"}"), STATUS_OK);
    SET_OK(ops, "{\"key\":\"k\",\"value\":3,\"if_revision\":0}");
}

static void revisions_are_kept(void **state)
{
    char question[64];
    (void)state;
    for (unsigned n = 1; n <= 40; n++) {
        snprintf(question, sizeof question, "{\"key\":\"k\",\"value\":%u}", n);
        SET_OK(ops, question);
    }
    SET_OK(ops, "{\"key\":\"k.two\",\"value\":0}");
    assert_int_equal(ask(ops, "history", "{\"key\":\"k\"}"), STATUS_OK);
    assert_int_equal(times("\"revision\":"), VALUE_REVISIONS);
    assert_true(says("\"value\":40"));
    assert_true(says("\"value\":9,") || says("\"value\":9}"));
    assert_false(says("\"value\":8,") || says("\"value\":8}"));
    assert_true(says("\"by\":\"infra/ops\""));
}

static void a_secret_is_shown_to_who_may_see_it(void **state)
{
    static const char *const looks[] = {"get", "history"};
    (void)state;
    struct actor *vault = stage_join(&stage, "acme vault admin:acme/secrets");
    SET_OK(ops, "{\"key\":\"k\",\"value\":\"hunter2\",\"secret\":true,\"tenant\":\"acme\"}");
    assert_false(says("hunter2"));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ask(admin, looks[i], "{\"key\":\"k\"}"), STATUS_OK);
        assert_true(says("\"secret\":true"));
        assert_false(says("hunter2"));
    }
    assert_int_equal(ask(admin, "list", "{}"), STATUS_OK);
    assert_false(says("hunter2"));
    assert_int_equal(ask(admin, "reveal", "{\"key\":\"k\"}"), STATUS_PERMISSION_DENIED);
    assert_int_equal(ask(vault, "reveal", "{\"key\":\"k\"}"), STATUS_OK);
    assert_true(says("\"value\":\"hunter2\""));
    assert_int_equal(ask(admin, "delete", "{\"key\":\"k\"}"), STATUS_OK);
    SET_OK(admin, "{\"key\":\"k\",\"value\":\"hunter3\",\"secret\":false}"); /* it stays one */
    assert_int_equal(ask(ann, "get", "{\"key\":\"k\"}"), STATUS_OK);
    assert_false(says("hunter3"));
}

/* It may be the secret itself that was in the open before. */
static void what_became_a_secret_was_one(void **state)
{
    (void)state;
    SET_OK(admin, "{\"key\":\"k\",\"value\":\"hunter2\"}");
    SET_OK(admin, "{\"key\":\"k\",\"value\":\"hunter2\",\"secret\":true}");
    SET_OK(admin, "{\"key\":\"other\",\"value\":\"open\"}");
    for (unsigned n = 0; n < 2; n++) {
        assert_int_equal(ask(admin, "history", "{\"key\":\"k\"}"), STATUS_OK);
        assert_int_equal(times("\"secret\":true"), 2 + n);
        assert_false(says("hunter2"));
        assert_int_equal(ask(admin, "delete", n ? "{\"key\":\"other\"}" : "{\"key\":\"k\"}"),
                         STATUS_OK);
    }
    assert_int_equal(ask(admin, "history", "{\"key\":\"other\"}"), STATUS_OK);
    assert_true(says("\"value\":\"open\""));
}

static void a_tenants_keeper_of_secrets_sees_no_others(void **state)
{
    (void)state;
    struct actor *vault = stage_join(&stage, "acme vault tier:pro admin:acme/secrets");
    SET_OK(ops, "{\"key\":\"k\",\"value\":\"hunter2\",\"secret\":true}");
    assert_int_equal(ask(vault, "reveal", "{\"key\":\"k\"}"), STATUS_PERMISSION_DENIED);
    SET_OK(ops, "{\"key\":\"k\",\"tier\":\"pro\",\"value\":\"hunter3\",\"secret\":true}");
    assert_int_equal(ask(vault, "reveal", "{\"key\":\"k\"}"), STATUS_PERMISSION_DENIED);
    assert_int_equal(ask(ops, "reveal", "{\"key\":\"k\"}"), STATUS_OK);
    assert_true(says("hunter2"));
    SET_OK(admin, "{\"key\":\"k\",\"value\":\"ours\",\"secret\":true}");
    assert_int_equal(ask(vault, "reveal", "{\"key\":\"k\"}"), STATUS_OK);
    assert_true(says("\"value\":\"ours\""));
}

static void lists_come_in_pages(void **state)
{
    char question[300], cursor[160] = "";
    unsigned pages = 0, rows = 0;
    struct buf big = {0};
    (void)state;
    for (unsigned n = 0; n < 10; n++) {
        big.len = 0;
        buf_printf(&big, "{\"key\":\"big.k%u\",\"value\":\"%060000d\"}", n, 0);
        buf_append(&big, "", 1);
        SET_OK(ops, (const char *)big.data);
    }
    SET_OK(ops, "{\"key\":\"other\",\"value\":1}");
    do {
        snprintf(question, sizeof question, "{\"prefix\":\"big.\",\"cursor\":\"%s\"}", cursor);
        assert_int_equal(ask(ops, "list", question), STATUS_OK);
        rows += times("\"key\":");
        const char *next = strstr((const char *)answer.data, "\"next\":\"") + strlen("\"next\":\"");
        snprintf(cursor, sizeof cursor, "%.*s", (int)strcspn(next, "\""), next);
    } while (cursor[0] && ++pages < 10);
    assert_int_equal(rows, 10);
    assert_int_equal(pages, 1);
    buf_finish(&big);
}

static void changes_are_events(void **state)
{
    struct wire_envelope event;
    (void)state;
    struct actor *watcher = stage_join(&stage, "acme watcher subscribe:bus.config.>");
    assert_int_equal(actor_subscribe(watcher, 1, "bus.config.>", NULL, NULL), STATUS_OK);
    SET_OK(admin, "{\"key\":\"mail.footer\",\"value\":\"x\"}");
    event = actor_expect(watcher, WIRE_DELIVERY);
    assert_true(slice_is(event.delivery.topic, "bus.config.mail.footer"));
    SET_OK(ops, "{\"key\":\"mail.footer\",\"value\":\"x\",\"tenant\":\"globex\"}");
    assert_true(actor_hears_nothing(watcher));
}

/* Who listens in one tenant does not learn in which one the change was made. */
static void assert_told(struct actor *who, const char *tenant)
{
    const struct wire_envelope event = actor_expect(who, WIRE_DELIVERY);
    assert_true(slice_is(event.delivery.topic, "bus.config.limit"));
    assert_true(slice_is(event.delivery.tenant, tenant));
    assert_null(memmem(event.delivery.payload.data, event.delivery.payload.len, "zebra", 5));
    assert_true(actor_hears_nothing(who));
}

/* Everybody's value is everybody's, a tier's that of its tenants, wherever who changes it is. */
static void whom_a_change_concerns_is_told(void **state)
{
    (void)state;
    struct actor *pro = stage_join(&stage, "acme pro subscribe:bus.config.> tier:pro"),
                 *free = stage_join(&stage, "globex free subscribe:bus.config.>"),
                 *own = stage_join(&stage, "infra own subscribe:bus.config.>"),
                 *all = stage_join(&stage, "audit all subscribe:*/bus.config.>");
    assert_int_equal(actor_subscribe(pro, 1, "bus.config.>", NULL, NULL), STATUS_OK);
    assert_int_equal(actor_subscribe(free, 1, "bus.config.>", "workers", NULL), STATUS_OK);
    assert_int_equal(actor_subscribe(own, 1, "bus.config.>", NULL, NULL), STATUS_OK);
    assert_int_equal(actor_subscribe(all, 1, "bus.config.>", NULL, "*"), STATUS_OK);
    SET_OK(ops, "{\"key\":\"limit\",\"value\":\"zebra\"}");
    assert_told(pro, "");
    assert_told(free, "");
    assert_told(own, "");
    assert_told(all, "infra");
    SET_OK(ops, "{\"key\":\"limit\",\"value\":\"zebra\",\"tier\":\"pro\",\"secret\":true}");
    assert_told(pro, "");
    assert_told(own, "");
    assert_told(all, "infra");
    assert_true(actor_hears_nothing(free));
    SET_OK(ops, "{\"key\":\"limit\",\"value\":\"zebra\",\"tenant\":\"globex\"}");
    assert_told(free, "");
    assert_told(all, "globex");
    assert_true(actor_hears_nothing(pro));
    assert_true(actor_hears_nothing(own));
}

static void nonsense_is_refused(void **state)
{
    static const char *const questions[] = {
        "{\"value\":1}",
        "{\"key\":\"Not A Key\",\"value\":1}",
        "{\"key\":\"k\"}",
        "{\"key\":\"k\",\"value\":1,\"tenant\":\"acme\",\"tier\":\"pro\"}",
        "{\"key\":\"k\",\"value\":1,\"tenant\":\"A b\"}",
        "[]",
        "{\"key\":\"k\",\"value\":1,\"secret\":1}",
        "{\"key\":\"k\",\"value\":1,\"tenant\":null}",
        "{\"key\":\"k\",\"value\":1,\"tenant\":\"\"}",
        "{\"key\":\"k\",\"value\":1,\"Tenant\":\"acme\"}",
        "{\"key\":\"k\",\"value\":1,\"if-revision\":0}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        assert_int_equal(ask(ops, "set", questions[i]), STATUS_INVALID_ARGUMENT);
    assert_int_equal(ask(ops, "delete", "{\"key\":\"k\"}"), STATUS_INVALID_ARGUMENT);
    stage.store_fails = true;
    assert_int_equal(ask(ops, "set", "{\"key\":\"k\",\"value\":1}"), STATUS_UNAVAILABLE);
    stage.store_fails = false;
    assert_int_equal(ask(ops, "get", "{\"key\":\"k\"}"), STATUS_INVALID_ARGUMENT);
}

static const char *failing_table;
static int (*stage_put)(void *arg, const char *table, struct slice key, struct slice value);

static int put_unless_failing(void *arg, const char *table, struct slice key, struct slice value)
{
    return strcmp(table, failing_table) == 0 ? -EIO : stage_put(arg, table, key, value);
}

/* Whichever of its two records the store refuses. */
static void what_was_refused_has_not_happened(void **state)
{
    static const char *const tables[] = {VALUES_TABLE, VALUES_HISTORY_TABLE};
    (void)state;
    SET_OK(ops, "{\"key\":\"mail.footer\",\"value\":\"old\"}");
    for (size_t i = 0; i < 2; i++) {
        stage_put = stage.core->io.put;
        failing_table = tables[i];
        stage.core->io.put = put_unless_failing;
        assert_int_equal(ask(ops, "set", "{\"key\":\"mail.footer\",\"value\":\"new\"}"),
                         STATUS_UNAVAILABLE);
        stage.core->io.put = stage_put;
        stage_pass(&stage, A_SAVE_MS);
        stage_restart(&stage);
        everybody_joins();
        assert_value(ann, "\"value\":\"old\"");
        assert_int_equal(ask(ops, "history", "{\"key\":\"mail.footer\"}"), STATUS_OK);
        assert_int_equal(times("\"revision\":"), 1);
    }
}

/* From the ledger, then from the books. */
static void what_was_answered_for_has_happened(void **state)
{
    (void)state;
    SET_OK(ops, "{\"key\":\"mail.footer\",\"value\":\"old\"}");
    SET_OK(ops, "{\"key\":\"mail.footer\",\"value\":\"kept\"}");
    SET_OK(ops, "{\"key\":\"gone\",\"value\":1}");
    assert_int_equal(ask(ops, "delete", "{\"key\":\"gone\"}"), STATUS_OK);
    uint64_t newest = revision();
    for (unsigned n = 0; n < 2; n++) {
        stage_restart(&stage);
        everybody_joins();
        assert_value(ann, "\"value\":\"kept\"");
        assert_int_equal(ask(ann, "get", "{\"key\":\"gone\"}"), STATUS_INVALID_ARGUMENT);
        stage_pass(&stage, A_SAVE_MS);
    }
    assert_int_equal(ask(ops, "history", "{\"key\":\"mail.footer\"}"), STATUS_OK);
    assert_int_equal(times("\"revision\":"), 2);
    SET_OK(ops, "{\"key\":\"gone\",\"value\":2}");
    assert_true(revision() > newest);
}

/* It was acknowledged: a disk that fails when the next broker starts changes nothing. */
static void what_the_books_have_not_is_in_force(void **state)
{
    (void)state;
    SET_OK(ops, "{\"key\":\"mail.footer\",\"value\":\"old\"}");
    SET_OK(ops, "{\"key\":\"mail.footer\",\"value\":\"kept\"}");
    assert_int_equal(stage_lose(&stage, VALUES_TABLE), 1);
    assert_int_equal(stage_lose(&stage, VALUES_HISTORY_TABLE), 2);
    stage.store_fails = true;
    stage_restart(&stage);
    everybody_joins();
    assert_value(ann, "\"value\":\"kept\"");
    uint64_t newest = revision();
    stage_pass(&stage, A_SAVE_MS);
    assert_value(ann, "\"value\":\"kept\"");
    stage.store_fails = false;
    SET_OK(ops, "{\"key\":\"mail.footer\",\"value\":\"new\"}");
    assert_true(revision() > newest);
    stage_pass(&stage, A_SAVE_MS);
    stage_restart(&stage);
    everybody_joins();
    assert_value(ann, "\"value\":\"new\"");
    assert_int_equal(ask(ops, "history", "{\"key\":\"mail.footer\"}"), STATUS_OK);
    assert_int_equal(times("\"revision\":"), 3);
}

/* Of what a failing system leaves, the newest may be there without what was before. */
static void the_history_has_no_gaps(void **state)
{
    (void)state;
    SET_OK(ops, "{\"key\":\"mail.footer\",\"value\":\"old\"}");
    SET_OK(ops, "{\"key\":\"mail.footer\",\"value\":\"new\"}");
    assert_int_equal(stage_lose(&stage, VALUES_HISTORY_TABLE), 2);
    stage_restart(&stage);
    everybody_joins();
    assert_int_equal(ask(ops, "history", "{\"key\":\"mail.footer\"}"), STATUS_OK);
    assert_int_equal(times("\"revision\":"), 2);
    assert_value(ann, "\"value\":\"new\"");
}

static void where_it_has_to_be_on_disk_it_is_first(void **state)
{
    enum { QUESTION = 5000 };
    (void)state;
    stage.core->limits.durability = DURABILITY_POWER;
    stage.store_lags = true;
    actor_question(ops, QUESTION, "bus.config", "set", "{\"key\":\"k\",\"value\":1}");
    stage_pass(&stage, 1000);
    assert_true(actor_hears_nothing(ops));
    stage.store_lags = false;
    stage_pass(&stage, 1000);
    assert_int_equal(actor_outcome(ops, QUESTION), STATUS_OK);
}

/* Nobody would ever get it; of one that is gone what there is can be read and deleted. */
static void a_tier_nobody_can_have_gets_no_value(void **state)
{
    char why[TIER_WHY_BYTES];
    (void)state;
    assert_int_equal(ask(ops, "set", "{\"key\":\"k\",\"tier\":\"gold\",\"value\":1}"),
                     STATUS_INVALID_ARGUMENT);
    SET_OK(ops, "{\"key\":\"k\",\"tier\":\"pro\",\"value\":1}");
    stage.options.limits.tiers.n = 0;
    assert_int_equal(tiers_add(&stage.options.limits.tiers, "free", why), 0);
    core_reload(stage.core, &stage.options.limits);
    assert_int_equal(ask(ops, "set", "{\"key\":\"k\",\"tier\":\"pro\",\"value\":2}"),
                     STATUS_INVALID_ARGUMENT);
    assert_int_equal(ask(ops, "get", "{\"key\":\"k\",\"tier\":\"pro\"}"), STATUS_OK);
    assert_int_equal(ask(ops, "delete", "{\"key\":\"k\",\"tier\":\"pro\"}"), STATUS_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_nearest_value_counts),
        TEST(changing_is_for_who_administers_it),
        TEST(who_was_too_late_is_told),
        TEST(revisions_are_kept),
        TEST(a_secret_is_shown_to_who_may_see_it),
        TEST(what_became_a_secret_was_one),
        TEST(a_tenants_keeper_of_secrets_sees_no_others),
        TEST(lists_come_in_pages),
        TEST(changes_are_events),
        TEST(whom_a_change_concerns_is_told),
        TEST(what_the_books_have_not_is_in_force),
        TEST(the_history_has_no_gaps),
        TEST(where_it_has_to_be_on_disk_it_is_first),
        TEST(nonsense_is_refused),
        TEST(what_was_refused_has_not_happened),
        TEST(a_tier_nobody_can_have_gets_no_value),
        TEST(what_was_answered_for_has_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
