/* Lists of the broker's own services that are longer than an answer. */
#include "../testing.h"

#include "builtin/packing.h"
#include "core/state.h"
#include "core_ask.h"

#define SERVICES 1300u
#define SESSIONS 1500u

static struct stage stage;
static struct actor *ops;
static struct buf answer;

static int open_stage(void **state)
{
    (void)state;
    stage_init(&stage);
    stage.options.limits.max_services = 2 * SERVICES;
    stage.options.limits.max_instances = 2 * SERVICES;
    stage.options.limits.max_sessions = 2 * SESSIONS;
    stage_start(&stage);
    ops = stage_join(&stage, "infra ops admin:*");
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

static unsigned times(const char *text)
{
    unsigned n = 0;
    for (const char *at = (const char *)answer.data; (at = strstr(at, text)); at++)
        n++;
    return n;
}

static enum status ask(struct actor *who, const char *service, const char *question)
{
    static uint64_t id;
    return actor_ask(who, ++id, service, "list", question, &answer);
}

/* What to say for the page behind the answer; false: there is none. */
static bool read_next(char *question, size_t size)
{
    const char *at = strstr((const char *)answer.data, "\"next\":\"");
    if (!at)
        return false;
    at += strlen("\"next\":\"");
    snprintf(question, size, "{\"after\":\"%.*s\"}", (int)strcspn(at, "\""), at);
    return true;
}

/* Of how many there were on so many pages, each with that text once. */
static unsigned page_through(struct actor *who, const char *service, const char *text,
                             unsigned *pages)
{
    char question[256] = "{}";
    unsigned seen = 0;
    *pages = 0;
    do {
        assert_int_equal(ask(who, service, question), STATUS_OK);
        seen += times(text);
        ++*pages;
    } while (read_next(question, sizeof question) && *pages < 50);
    return seen;
}

static void add_sessions(const char *tenant, unsigned n)
{
    const struct context claims = {.tenant = tenant,
                                   .user = "ann",
                                   .tier = "",
                                   .subscription_status = "",
                                   .billing_customer = "",
                                   .token_id = "",
                                   .audience = "",
                                   .expires_ms = UINT64_MAX};
    struct identity *who = identity_supposed(&claims);
    while (n-- > 0)
        assert_non_null(session_open(stage.core, who, slice_of("many"), slice_of("")));
    identity_unref(who);
}

static void sessions_come_in_pages(void **state)
{
    unsigned pages;
    (void)state;
    struct actor *adm = stage_join(&stage, "acme adm admin:acme/sessions");
    assert_int_equal(ask(adm, "bus.sessions", "{}"), STATUS_OK);
    assert_int_equal(times("next"), 0);
    add_sessions("acme", SESSIONS / 2);
    add_sessions("bolt", SESSIONS / 2);
    assert_int_equal(page_through(ops, "bus.sessions", "\"frames_out\":", &pages), SESSIONS + 2);
    assert_true(pages > 1);
    assert_int_equal(page_through(adm, "bus.sessions", "\"frames_out\":", &pages),
                     SESSIONS / 2 + 1);
    assert_int_equal(ask(ops, "bus.sessions", "{\"after\":\"ann\"}"), STATUS_INVALID_ARGUMENT);
}

/* The stage's own store is small. */
static int put_nowhere(void *arg, const char *table, struct slice key, struct slice value)
{
    (void)arg;
    (void)table;
    (void)key;
    (void)value;
    return 0;
}

static void services_come_in_pages(void **state)
{
    char name[16];
    unsigned pages;
    (void)state;
    struct actor *host = stage_join(&stage, "infra host serve:*");
    char *methods[] = {name};
    stage.core->io.put = put_nowhere;
    for (unsigned n = 0; n < SERVICES; n++) {
        Farebox__V1__Register wanted = FAREBOX__V1__REGISTER__INIT;
        snprintf(name, sizeof name, "s%u", n);
        wanted.service = name;
        wanted.methods = methods;
        wanted.n_methods = 1;
        assert_int_equal(actor_register_as(host, &wanted), STATUS_OK);
        if (n == 9) {
            assert_int_equal(ask(ops, "bus.registry", "{}"), STATUS_OK);
            assert_int_equal(times("next"), 0);
        }
    }
    assert_int_equal(page_through(ops, "bus.registry", "\"health_endpoint\":", &pages), SERVICES);
    assert_true(pages > 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sessions_come_in_pages),
        TEST(services_come_in_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
