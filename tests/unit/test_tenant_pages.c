/* bus.tenants with many records: pages, and that a page is all that an answer looks at. */
#include "../testing.h"

#include "core/state.h"
#include "core_ask.h"

#include <stdlib.h>

#define USERS 1500u
#define OF_BOLT 40u
#define RECORDS (USERS + OF_BOLT + 4)

static struct stage stage;
static struct actor *ops, *admin;
static struct buf answer;
static const struct account *records[RECORDS];
static size_t n_records, looked_at;

static int by_key(const void *a, const void *b)
{
    const struct account *const *left = a, *const *right = b;
    return strcmp((*left)->key, (*right)->key);
}

/* The stage's own store is small. */
static int scan_from(void *arg, const char *table, struct slice from,
                     int (*each)(void *each_arg, struct slice key, struct slice record),
                     void *each_arg)
{
    int rc = 0;
    (void)arg;
    assert_string_equal(table, ACCOUNTS_TABLE);
    for (size_t i = 0; i < n_records && rc == 0; i++) {
        struct slice key = slice_of(records[i]->key);
        size_t common = key.len < from.len ? key.len : from.len;
        int order = common ? memcmp(key.data, from.data, common) : 0;
        if (order < 0 || (order == 0 && key.len < from.len))
            continue;
        looked_at++;
        rc = each(each_arg, key, slice_make("", 0));
    }
    return rc;
}

static void add(const char *tenant, const char *user)
{
    char long_text[ACCOUNT_TEXT_MAX];
    const char *why = "";
    memset(long_text, 'x', sizeof long_text);
    msgpack_object_kv pairs[] = {
        {{.type = MSGPACK_OBJECT_STR, .via.str = {4, "name"}},
         {.type = MSGPACK_OBJECT_STR, .via.str = {sizeof long_text, long_text}}},
        {{.type = MSGPACK_OBJECT_STR, .via.str = {4, "tier"}},
         {.type = MSGPACK_OBJECT_STR, .via.str = {4, "free"}}},
    };
    const struct arguments said = {.map = {.type = MSGPACK_OBJECT_MAP, .via.map = {2, pairs}}};
    struct account *made = account_make(slice_of(tenant), slice_of(user), NULL, &said, &why);
    assert_non_null(made);
    map_put(&stage.core->accounts.by_key, slice_of(made->key), made);
    records[n_records++] = made;
}

/* The names are such that a tenant's key comes between another's and those of its users. */
static int open_stage(void **state)
{
    char name[16];
    (void)state;
    stage_init(&stage);
    stage_start(&stage);
    ops = stage_join(&stage, "infra ops admin:*");
    admin = stage_join(&stage, "bolt adm admin:bolt/tenants");
    n_records = 0;
    add("acme", "");
    add("acme-2", "");
    add("bolt", "");
    add("zeta", "");
    for (unsigned n = 0; n < USERS; n++) {
        snprintf(name, sizeof name, "u%04u", n);
        add("acme", name);
    }
    for (unsigned n = 0; n < OF_BOLT; n++) {
        snprintf(name, sizeof name, "v%04u", n);
        add("bolt", name);
    }
    qsort(records, n_records, sizeof *records, by_key);
    stage.core->io.scan_from = scan_from;
    looked_at = 0;
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
    return actor_ask(who, ++id, "bus.tenants", method, question, &answer);
}

static unsigned times(const char *text)
{
    unsigned n = 0;
    for (const char *at = (const char *)answer.data; (at = strstr(at, text)); at++)
        n++;
    return n;
}

static void read_next(char *next, size_t size)
{
    const char *at = strstr((const char *)answer.data, "\"next\":\"");
    assert_non_null(at);
    at += strlen("\"next\":\"");
    snprintf(next, size, "%.*s", (int)strcspn(at, "\""), at);
}

static void users_come_in_pages(void **state)
{
    char next[64] = "", question[128];
    unsigned seen = 0, pages = 0;
    (void)state;
    do {
        snprintf(question, sizeof question, "{\"tenant\":\"acme\",\"after\":\"%s\"}", next);
        looked_at = 0;
        assert_int_equal(ask(ops, "show", question), STATUS_OK);
        unsigned shown = times("\"user\":\"u");
        assert_in_range(looked_at, shown, shown + 2);
        seen += shown;
        read_next(next, sizeof next);
        pages++;
    } while (next[0] && pages < 9);
    assert_int_equal(seen, USERS);
    assert_true(pages > 1);
}

static void a_tenants_users_are_passed_over(void **state)
{
    (void)state;
    assert_int_equal(ask(ops, "list", "{}"), STATUS_OK);
    assert_int_equal(times("\"tenant\":"), 4);
    assert_int_equal(times("\"user\":\"\""), 4);
    assert_in_range(looked_at, 4, 8);
    assert_int_equal(ask(ops, "list", "{\"after\":\"acme-2\"}"), STATUS_OK);
    assert_int_equal(times("\"tenant\":"), 2);
}

static void one_record_is_looked_up(void **state)
{
    (void)state;
    assert_int_equal(ask(admin, "list", "{}"), STATUS_OK);
    assert_int_equal(times("\"tenant\":\"bolt\""), 1);
    assert_int_equal(ask(ops, "show", "{\"tenant\":\"acme\",\"user\":\"u0007\"}"), STATUS_OK);
    assert_int_equal(looked_at, 0);
    assert_int_equal(ask(admin, "show", "{}"), STATUS_OK);
    assert_int_equal(times("\"user\":\"v"), OF_BOLT);
    assert_in_range(looked_at, OF_BOLT, OF_BOLT + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(users_come_in_pages),
        TEST(a_tenants_users_are_passed_over),
        TEST(one_record_is_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
