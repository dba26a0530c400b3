/* Events of a service that tells each tenant what concerns it: who may, and what those who hear it
 * are told. */
#include "../testing.h"

#include "core_stage.h"

#define HERALD "infra herald publish:*/news.* publish:bolt/jobs.a publish:jobs.>"
#define ANN "acme ann subscribe:> publish:> call:*"
#define EVE "bolt eve subscribe:>"

static struct stage stage;

static int open_stage(void **state)
{
    (void)state;
    stage_init(&stage);
    stage_start(&stage);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

/* Under that credential; empty: the session's own. */
static unsigned publish_as(struct actor *who, struct slice credential, const char *tenant,
                           const char *topic)
{
    const struct wire_publish event = {.topic = slice_of(topic),
                                       .tenant = slice_of(tenant),
                                       .payload = slice_of("x"),
                                       .confirm = true};
    struct wire_out *out = actor_out(who);
    uint32_t index = credential.len > 0 ? wire_put_credential(out, credential) : 0;
    wire_put_publish(out, 7, index, &event);
    actor_say(who);
    return actor_expect(who, WIRE_ACKNOWLEDGE).acknowledge->status;
}

static unsigned publish(struct actor *who, const char *tenant, const char *topic)
{
    return publish_as(who, slice_make(NULL, 0), tenant, topic);
}

static void only_that_tenant_hears_it(void **state)
{
    (void)state;
    struct actor *herald = stage_join(&stage, HERALD);
    struct actor *ann = stage_join(&stage, ANN), *eve = stage_join(&stage, EVE);
    struct actor *own = stage_join(&stage, "infra olga subscribe:>");
    assert_int_equal(actor_subscribe(ann, 1, ">", NULL, NULL), STATUS_OK);
    assert_int_equal(actor_subscribe(eve, 1, ">", NULL, NULL), STATUS_OK);
    assert_int_equal(actor_subscribe(own, 1, ">", NULL, NULL), STATUS_OK);
    assert_int_equal(publish(herald, "acme", "news.a"), STATUS_OK);
    assert_true(slice_is(actor_expect(ann, WIRE_DELIVERY).delivery.topic, "news.a"));
    assert_true(actor_hears_nothing(eve));
    assert_true(actor_hears_nothing(own));
    assert_int_equal(publish(herald, "bolt", "jobs.a"), STATUS_OK);
    assert_true(slice_is(actor_expect(eve, WIRE_DELIVERY).delivery.topic, "jobs.a"));
    assert_true(actor_hears_nothing(ann));
    assert_int_equal(publish(herald, "infra", "news.a"), STATUS_OK);
    assert_true(slice_is(actor_expect(own, WIRE_DELIVERY).delivery.topic, "news.a"));
}

static void it_needs_a_permission_that_names_the_tenant(void **state)
{
    static const struct {
        const char *tenant, *topic;
    } rows[] = {
        {"acme", "jobs.a"},  {"acme", "news"},   {"acme", "news.a.b"}, {"bolt", "jobs.b"},
        {"acme", "news..a"}, {"Acme", "news.a"}, {"*", "news.a"},      {"bus", "news.a"},
    };
    (void)state;
    struct actor *herald = stage_join(&stage, HERALD), *ann = stage_join(&stage, ANN);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (publish(herald, rows[i].tenant, rows[i].topic) != STATUS_TENANT_MISMATCH)
            fail_msg("%s in %s", rows[i].topic, rows[i].tenant);
    }
    assert_int_equal(publish(ann, "bolt", "news.a"), STATUS_TENANT_MISMATCH);
    struct actor *all = stage_join(&stage, "infra all publish:*/>");
    assert_int_equal(publish(all, "acme", "bus.tenant.acme"), STATUS_PERMISSION_DENIED);
}

/* What somebody may do in other tenants is not lent to the services they call. */
static void it_is_not_done_for_others(void **state)
{
    (void)state;
    struct actor *host = stage_join(&stage, "infra host serve:orders publish:*/news.*");
    struct actor *herald = stage_join(&stage, HERALD " call:*");
    actor_register(host, "orders", 8);
    actor_call(herald, 1, "orders", "echo");
    struct wire_envelope envelope = actor_expect(host, WIRE_REQUEST);
    struct slice lent = actor_credential(host, &envelope);
    assert_int_equal(publish_as(host, lent, "acme", "news.a"), STATUS_TENANT_MISMATCH);
    assert_int_equal(publish(host, "acme", "news.a"), STATUS_OK);
}

/* Whoever listens across tenants must not act as the publisher, whom the tenant does not know. */
static void it_brings_neither_user_nor_context(void **state)
{
    (void)state;
    struct actor *herald = stage_join(&stage, HERALD);
    struct actor *ops = stage_join(&stage, "infra ops subscribe:*/>");
    assert_int_equal(actor_subscribe(ops, 1, "news.>", NULL, "*"), STATUS_OK);
    assert_int_equal(publish(herald, "acme", "news.a"), STATUS_OK);
    struct wire_envelope envelope = actor_expect(ops, WIRE_DELIVERY);
    assert_true(slice_is(envelope.delivery.tenant, "acme"));
    assert_int_equal(envelope.delivery.user.len, 0);
    assert_int_equal(envelope.credential, 0);
}

static struct actor *watch(const char *who)
{
    const struct wire_request request = {
        .service = slice_of("bus.tap"), .method = slice_of("watch"), .stream = true};
    struct actor *watcher = stage_join(&stage, who);
    actor_request(watcher, 1, &request, slice_make(NULL, 0));
    return watcher;
}

static void a_tap_sees_it_where_it_is_heard(void **state)
{
    (void)state;
    struct actor *herald = stage_join(&stage, HERALD);
    struct actor *there = watch("acme boss admin:acme/tap");
    struct actor *here = watch("infra boss admin:infra/tap");
    assert_int_equal(publish(herald, "acme", "news.a"), STATUS_OK);
    struct slice part = actor_expect(there, WIRE_PART).part.payload;
    assert_non_null(memmem(part.data, part.len, "acme", 4));
    assert_null(memmem(part.data, part.len, "herald", 6));
    assert_true(actor_hears_nothing(here));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_that_tenant_hears_it),       TEST(it_needs_a_permission_that_names_the_tenant),
        TEST(it_is_not_done_for_others),       TEST(it_brings_neither_user_nor_context),
        TEST(a_tap_sees_it_where_it_is_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
