/* Limits of tenants, services and methods, beside those of users, through the whole core. */
#include "../testing.h"

#include "core/rates.h"
#include "core_ask.h"

#define INTERNAL " tier:internal"
#define HOST "infra host serve:* call:*" INTERNAL

static struct stage stage;
static struct actor *host;

/* The broker begins with these limits; the test ends it. */
static void begin(const char *one, const char *two)
{
    char why[LINE_WHY_BYTES];
    char *lines[] = {(char *)(uintptr_t)one, (char *)(uintptr_t)two};
    struct limits *limits = &stage.options.limits;
    stage_init(&stage);
    limits->max_limited_users = 100;
    assert_int_equal(tiers_add(&limits->tiers, "free per-minute=60 burst=10", why), 0);
    assert_int_equal(tiers_add(&limits->tiers, "internal", why), 0);
    assert_int_equal(rate_table_read(&limits->rates, lines, two ? 2 : 1, why), 0);
    stage_start(&stage);
    host = stage_join(&stage, HOST);
    actor_register(host, "orders", 100);
    actor_register(host, "prices", 100);
}

/* Who says nothing for long is gone. */
static void the_host_is_back(void)
{
    host = stage_join(&stage, HOST);
    actor_register(host, "orders", 100);
}

static struct actor *join(const char *who)
{
    return stage_join(&stage, who);
}

static struct wire_envelope call(struct actor *who, uint64_t id, const char *service,
                                 const char *method)
{
    actor_call(who, id, service, method);
    return actor_expect(who, WIRE_REPLY);
}

static void assert_let_through(struct actor *who, uint64_t id, const char *service,
                               const char *method)
{
    actor_call(who, id, service, method);
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    assert_int_equal(actor_outcome(who, id), STATUS_OK);
}

static void assert_refused(struct actor *who, uint64_t id, const char *service, const char *method)
{
    assert_int_equal(call(who, id, service, method).reply.status, STATUS_RATE_LIMITED);
}

static void a_tenants_users_share(void **state)
{
    (void)state;
    begin("* per-minute=60 burst=3", NULL);
    struct actor *ann = join("acme ann call:*"), *bob = join("acme bob call:*");
    struct actor *eve = join("globex eve call:*");
    assert_let_through(ann, 1, "orders", "get");
    assert_let_through(bob, 1, "prices", "get");
    assert_let_through(ann, 2, "orders", "put");
    struct wire_envelope refused = call(bob, 2, "orders", "get");
    assert_int_equal(refused.reply.status, STATUS_RATE_LIMITED);
    assert_int_equal(refused.reply.retry_after_ms, 1000);
    assert_string_equal(reply_detail(&refused.reply, "of"), "tenant");
    assert_string_equal(reply_detail(&refused.reply, "calls"), "*");
    assert_string_equal(reply_detail(&refused.reply, "limit"), "60");
    assert_let_through(eve, 1, "orders", "get");
    stage_pass(&stage, 1000);
    assert_let_through(bob, 3, "orders", "get");
    stage_finish(&stage);
}

static void a_method_has_its_own(void **state)
{
    (void)state;
    begin("orders/export of=user per-minute=6 burst=1", "orders of=all per-minute=60 burst=4");
    struct actor *ann = join("acme ann call:*"), *eve = join("globex eve call:*");
    assert_let_through(ann, 1, "orders", "export");
    struct wire_envelope refused = call(ann, 2, "orders", "export");
    assert_int_equal(refused.reply.status, STATUS_RATE_LIMITED);
    assert_string_equal(reply_detail(&refused.reply, "calls"), "orders/export");
    assert_string_equal(reply_detail(&refused.reply, "of"), "user");
    assert_int_equal(refused.reply.retry_after_ms, 10000);
    assert_let_through(eve, 1, "orders", "export");
    assert_let_through(ann, 3, "orders", "get");
    assert_let_through(ann, 4, "orders", "get");
    assert_refused(eve, 2, "orders", "get");
    assert_let_through(eve, 3, "prices", "get");
    stage_finish(&stage);
}

/* What one of the limits refuses, no other has counted. */
static void all_or_none(void **state)
{
    (void)state;
    begin("orders/export per-minute=60 burst=1", "* per-minute=60 burst=3");
    struct actor *ann = join("acme ann call:*");
    assert_let_through(ann, 1, "orders", "export");
    for (uint64_t id = 2; id < 9; id++)
        assert_refused(ann, id, "orders", "export");
    assert_let_through(ann, 9, "orders", "get");
    assert_let_through(ann, 10, "orders", "get");
    assert_refused(ann, 11, "orders", "get");
    stage_finish(&stage);
}

static void the_reply_tells_of_the_tightest(void **state)
{
    (void)state;
    begin("orders per-minute=120 burst=4", NULL);
    struct actor *ann = join("acme ann call:*");
    actor_call(ann, 1, "orders", "get");
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    struct wire_envelope reply = actor_expect(ann, WIRE_REPLY);
    assert_int_equal(reply.reply.rate_limit, 120);
    assert_int_equal(reply.reply.rate_remaining, 3);
    actor_call(ann, 2, "prices", "get");
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    reply = actor_expect(ann, WIRE_REPLY);
    assert_int_equal(reply.reply.rate_limit, 60);
    assert_int_equal(reply.reply.rate_remaining, 8);
    stage_finish(&stage);
}

static void a_tier_has_a_line_of_its_own(void **state)
{
    (void)state;
    begin("orders of=user per-minute=60 burst=1", "orders of=user tier=internal per-minute=60");
    struct actor *ann = join("acme ann call:*"), *ops = join("infra ops call:*" INTERNAL);
    assert_let_through(ann, 1, "orders", "get");
    assert_refused(ann, 2, "orders", "get");
    for (uint64_t id = 1; id <= 60; id++)
        assert_let_through(ops, id, "orders", "get");
    assert_refused(ops, 61, "orders", "get");
    stage_finish(&stage);
}

/* A service that calls others for its callers is held to the limits of those. */
static void nested_calls_are_under_what_names_the_service(void **state)
{
    (void)state;
    begin("prices per-minute=60 burst=1", "* per-minute=60 burst=2");
    struct actor *ann = join("acme ann call:*");
    actor_call(ann, 1, "orders", "get");
    struct wire_envelope outer = actor_expect(host, WIRE_REQUEST);
    const struct wire_request nested = {
        .service = slice_of("prices"), .method = slice_of("get"), .parent = outer.id};
    struct slice credential = actor_credential(host, &outer);
    actor_request(host, 100, &nested, credential);
    actor_request(host, 101, &nested, credential);
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    assert_int_equal(actor_outcome(host, 101), STATUS_RATE_LIMITED);
    assert_int_equal(actor_outcome(host, 100), STATUS_OK);
    actor_reply(host, outer.id, STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    assert_let_through(ann, 2, "orders", "get");
    assert_refused(ann, 3, "orders", "get");
    stage_finish(&stage);
}

static void a_restart_is_no_refill(void **state)
{
    (void)state;
    begin("orders/export per-minute=1", NULL);
    struct actor *ann = join("acme ann call:*");
    assert_let_through(ann, 1, "orders", "export");
    stage_pass(&stage, 5000);
    stage_restart(&stage);
    the_host_is_back();
    struct actor *bob = join("acme bob call:*");
    struct wire_envelope refused = call(bob, 1, "orders", "export");
    assert_int_equal(refused.reply.status, STATUS_RATE_LIMITED);
    assert_in_range(refused.reply.retry_after_ms, 54900, 55001);
    stage_pass(&stage, refused.reply.retry_after_ms);
    the_host_is_back();
    bob = join("acme bob call:*");
    assert_let_through(bob, 2, "orders", "export");
    stage_finish(&stage);
}

/* Places that are taken by others are nobody's to count in. */
static void without_room_nothing_is_counted(void **state)
{
    (void)state;
    begin("* per-minute=60 burst=2", NULL);
    stage.options.limits.max_limited_users = 3;
    core_reload(stage.core, &stage.options.limits);
    struct actor *ann = join("acme ann call:*"), *eve = join("globex eve call:*");
    assert_let_through(ann, 1, "orders", "get"); /* two places: of the user, and of the tenant */
    assert_int_equal(call(eve, 1, "orders", "get").reply.status, STATUS_OVERLOADED);
    assert_let_through(ann, 2, "orders", "get");
    stage_pass(&stage, 61000);
    the_host_is_back();
    eve = join("globex eve call:*");
    assert_let_through(eve, 2, "orders", "get");
    stage_finish(&stage);
}

/* The user's own place is the oldest: it is not given up for that of the line. */
static void without_room_for_all_none_is_counted(void **state)
{
    const char *who[] = {"acme ann call:*", "acme bob call:*", "acme eve call:*",
                         "acme kim call:*"};
    (void)state;
    begin("orders/export of=user per-minute=60", NULL);
    stage.options.limits.max_limited_users = 4;
    stage.options.limits.heartbeat_ms = 1000000;
    core_reload(stage.core, &stage.options.limits);
    struct actor *ann = join(who[0]);
    assert_let_through(ann, 1, "orders", "get");
    stage_pass(&stage, 30000);
    for (unsigned n = 1; n < 4; n++)
        assert_let_through(join(who[n]), 1, "orders", "get");
    stage_pass(&stage, 31000);
    assert_int_equal(call(ann, 2, "orders", "export").reply.status, STATUS_OVERLOADED);
    stage_pass(&stage, 30000);
    assert_let_through(ann, 3, "orders", "export");
    stage_finish(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tenants_users_share),
        cmocka_unit_test(a_method_has_its_own),
        cmocka_unit_test(all_or_none),
        cmocka_unit_test(the_reply_tells_of_the_tightest),
        cmocka_unit_test(a_tier_has_a_line_of_its_own),
        cmocka_unit_test(nested_calls_are_under_what_names_the_service),
        cmocka_unit_test(a_restart_is_no_refill),
        cmocka_unit_test(without_room_nothing_is_counted),
        cmocka_unit_test(without_room_for_all_none_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
