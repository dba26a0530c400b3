/* Breakers seen and ordered about from outside: bus.breakers, their events, their bounds. */
#include "../testing.h"

#include "breaker_stage.h"
#include "builtin/packing.h"
#include "core/state.h"

#define ANN "acme ann call:* subscribe:bus.>"
#define BOB "globex bob call:*"
#define SERVER "infra host serve:* call:*"
#define OPERATOR "infra ops call:* admin:breakers subscribe:bus.>"

static struct stage stage;
static const struct slice nobody = {0};

static int open_stage(void **state)
{
    char why[TIER_WHY_BYTES];
    (void)state;
    stage_init(&stage);
    assert_int_equal(tiers_add(&stage.options.limits.tiers, "free", why), 0);
    assert_int_equal(tiers_add(&stage.options.limits.tiers, "pro", why), 0);
    stage_breakers(&stage);
    stage_start(&stage);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

/* ---- orders, and looking ---- */

static struct wire_reply ask(struct actor *actor, const char *method, const char *service,
                             const char *tenant)
{
    struct buf payload = {0};
    msgpack_packer packer;
    packing_init(&packer, &payload);
    msgpack_pack_map(&packer, (size_t)(service != NULL) + (tenant != NULL));
    if (service)
        pack_pair_text(&packer, "service", slice_of(service));
    if (tenant)
        pack_pair_text(&packer, "tenant", slice_of(tenant));
    const struct wire_request request = {.service = slice_of("bus.breakers"),
                                         .method = slice_of(method),
                                         .payload = buf_slice(&payload)};
    actor_request(actor, next_id++, &request, nobody);
    buf_finish(&payload);
    return actor_expect(actor, WIRE_REPLY).reply;
}

/* Who was closed out by order is not told to come back at some time. */
static void an_order_is_given_as_the_reason(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    struct actor *ops = stage_join(&stage, OPERATOR);
    actor_register(host, "orders", 10);
    fail_orders(ann, host, 4);
    struct wire_reply reply = orders_refused(ann);
    assert_true(reply.retryable && reply.retry_after_ms > 0);
    assert_string_equal(reply_detail(&reply, "forced"), "");
    assert_int_equal(ask(ops, "force-open", "orders", "acme").status, STATUS_OK);
    reply = orders_refused(ann);
    assert_string_equal(reply_detail(&reply, "forced"), "true");
    assert_string_equal(reply_detail(&reply, "breaker"), "tenant");
    assert_true(slice_is(reply.message,
                         "by an operator's order this tenant's calls to orders are refused"));
    assert_int_equal(reply.retry_after_ms, 0);
    assert_false(reply.retryable);
}

static void orders_are_carried_out_and_last(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    struct actor *ops = stage_join(&stage, OPERATOR);
    actor_register(host, "orders", 10);
    assert_int_equal(ask(ops, "force-open", "orders", NULL).status, STATUS_OK);
    orders_refused(ann);
    stage_restart(&stage);
    stage_pass(&stage, 100000);
    ann = stage_join(&stage, ANN), host = stage_join(&stage, SERVER);
    ops = stage_join(&stage, OPERATOR);
    actor_register(host, "orders", 10);
    orders_refused(ann);
    assert_int_equal(ask(ops, "reset", "orders", NULL).status, STATUS_OK);
    assert_int_equal(call_orders(ann, host, STATUS_OK), STATUS_OK);
    assert_int_equal(ask(ops, "force-close", "orders", "acme").status, STATUS_OK);
    fail_orders(ann, host, 30);
    assert_int_equal(ask(ops, "reset", "orders", "acme").status, STATUS_OK);
    fail_orders(ann, host, 4);
    orders_refused(ann);
}

/* Or the next broker would go on otherwise than was acknowledged. */
static void an_order_the_store_refuses_changes_nothing(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    struct actor *ops = stage_join(&stage, OPERATOR);
    actor_register(host, "orders", 10);
    fail_orders(ann, host, 3);
    stage.store_fails = true;
    assert_int_equal(ask(ops, "force-open", "orders", NULL).status, STATUS_UNAVAILABLE);
    assert_int_equal(ask(ops, "force-open", "orders", "acme").status, STATUS_UNAVAILABLE);
    stage.store_fails = false;
    fail_orders(ann, host, 1);
    orders_refused(ann); /* what its window held counts as before */
    assert_int_equal(ask(ops, "force-open", "orders", "acme").status, STATUS_OK);
    stage.store_fails = true;
    assert_int_equal(ask(ops, "reset", "orders", "acme").status, STATUS_UNAVAILABLE);
    stage.store_fails = false;
    stage_pass(&stage, 5000);
    orders_refused(ann);
}

/* Of breakers that closed while the store refused to forget them there may be too many records. */
static void an_order_has_room_in_the_next_broker(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *bob = stage_join(&stage, BOB);
    struct actor *host = stage_join(&stage, SERVER), *ops = stage_join(&stage, OPERATOR);
    actor_register(host, "orders", 10);
    fail_orders(ann, host, 4);
    assert_int_equal(ask(ops, "force-open", "orders", "globex").status, STATUS_OK);
    orders_refused(bob);
    stage.options.limits.max_breakers = 1;
    stage_restart(&stage);
    bob = stage_join(&stage, BOB), host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    orders_refused(bob);
}

static void a_tenant_orders_what_is_its_own(void **state)
{
    (void)state;
    struct actor *admin = stage_join(&stage, "acme boss call:* admin:acme/breakers");
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    assert_int_equal(ask(ann, "list", NULL, NULL).status, STATUS_PERMISSION_DENIED);
    assert_int_equal(ask(ann, "reset", "orders", NULL).status, STATUS_PERMISSION_DENIED);
    fail_orders(ann, host, 4);
    assert_int_equal(ask(admin, "force-open", "orders", NULL).status, STATUS_PERMISSION_DENIED);
    assert_int_equal(ask(admin, "reset", "orders", "globex").status, STATUS_PERMISSION_DENIED);
    orders_refused(ann);
    assert_int_equal(ask(admin, "reset", "orders", "acme").status, STATUS_OK);
    assert_int_equal(call_orders(ann, host, STATUS_OK), STATUS_OK);
    assert_int_equal(ask(admin, "reset", "nothing", NULL).status, STATUS_SERVICE_NOT_FOUND);
    assert_int_equal(ask(admin, "reset", "bus.stats", NULL).status, STATUS_SERVICE_NOT_FOUND);
}

static bool mentions(struct slice bytes, const char *text)
{
    return bytes.len && memmem(bytes.data, bytes.len, text, strlen(text));
}

static void a_tenant_sees_what_concerns_it(void **state)
{
    (void)state;
    struct actor *admin = stage_join(&stage, "acme boss call:* admin:acme/breakers");
    struct actor *ops = stage_join(&stage, OPERATOR), *bob = stage_join(&stage, BOB);
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    fail_orders(ann, host, 4);
    fail_orders(bob, host, 3);
    struct wire_reply seen = ask(admin, "list", NULL, NULL);
    assert_true(mentions(seen.payload, "acme") && mentions(seen.payload, "open"));
    assert_false(mentions(seen.payload, "globex"));
    seen = ask(ops, "list", NULL, NULL);
    assert_true(mentions(seen.payload, "acme") && mentions(seen.payload, "globex"));
}

/* What the registry hides is not shown by its breakers, until one is theirs. */
static void what_is_hidden_stays_hidden(void **state)
{
    Farebox__V1__Register wanted = FAREBOX__V1__REGISTER__INIT;
    (void)state;
    struct actor *admin = stage_join(&stage, "acme boss call:* admin:acme/breakers");
    struct actor *rich = stage_join(&stage, "globex rich tier:pro call:* admin:globex/breakers");
    struct actor *host = stage_join(&stage, SERVER);
    struct actor *ann = stage_join(&stage, "acme ann call:* tier:pro");
    wanted.service = (char *)(uintptr_t) "orders";
    wanted.minimum_tier = (char *)(uintptr_t) "pro";
    wanted.capacity = 10;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_OK);
    fail_orders(rich, host, 3);
    assert_true(mentions(ask(rich, "list", NULL, NULL).payload, "orders"));
    assert_false(mentions(ask(admin, "list", NULL, NULL).payload, "orders"));
    assert_int_equal(ask(admin, "force-open", "orders", "acme").status, STATUS_SERVICE_NOT_FOUND);
    assert_int_equal(ask(rich, "force-close", "orders", "globex").status, STATUS_OK);
    fail_orders(ann, host, 1);
    assert_int_equal(ask(admin, "force-open", "orders", "acme").status, STATUS_OK);
    assert_true(mentions(ask(admin, "list", NULL, NULL).payload, "orders"));
}

static void what_happens_is_announced(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    struct actor *bob = stage_join(&stage, BOB), *ops = stage_join(&stage, OPERATOR);
    actor_register(host, "orders", 10);
    assert_int_equal(actor_subscribe(ann, 500, "bus.breaker.orders", "", ""), STATUS_OK);
    assert_int_equal(actor_subscribe(ops, 500, "bus.breaker.>", "", ""), STATUS_OK);
    fail_orders(ann, host, 3);
    actor_call(ann, next_id++, "orders", "get");
    actor_reply(host, actor_requested(host), STATUS_INTERNAL, "");
    struct wire_envelope event = actor_expect(ann, WIRE_DELIVERY);
    assert_true(mentions(event.delivery.payload, "open"));
    assert_true(mentions(event.delivery.payload, "acme"));
    fail_orders(bob, host, 4);
    event = actor_expect(ops, WIRE_DELIVERY);
    assert_true(slice_is(event.delivery.topic, "bus.breaker.orders"));
    assert_true(mentions(event.delivery.payload, "open"));
    stage_pass(&stage, 1000);
    call_orders(bob, host, STATUS_OK);
    assert_true(mentions(actor_expect(ops, WIRE_DELIVERY).delivery.payload, "half_open"));
    call_orders(bob, host, STATUS_OK);
    assert_true(mentions(actor_expect(ops, WIRE_DELIVERY).delivery.payload, "closed"));
    assert_true(actor_hears_nothing(ops));
}

/* ---- bounds and settings ---- */

static void there_are_only_so_many(void **state)
{
    char token[40];
    (void)state;
    struct actor *host = stage_join(&stage, SERVER), *ann = stage_join(&stage, ANN);
    actor_register(host, "orders", 10);
    fail_orders(ann, host, 4);
    stage.options.limits.max_breakers = 3;
    core_reload(stage.core, &stage.options.limits);
    for (unsigned n = 0; n < 10; n++) {
        snprintf(token, sizeof token, "tenant-%u eve call:*", n);
        fail_orders(stage_join(&stage, token), host, 1);
        assert_true(stage.core->breakers.n <= 3);
    }
    orders_refused(ann); /* an open one makes no room */
}

static void those_of_a_removed_service_go_with_it(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    struct actor *ops = stage_join(&stage, OPERATOR " admin:registry");
    const struct wire_request removal = {.service = slice_of("bus.registry"),
                                         .method = slice_of("remove"),
                                         .payload = slice_of("\x81\xa7service\xa6orders")};
    actor_register(host, "orders", 10);
    fail_orders(ann, host, 4);
    wire_put_control(actor_out(host), 0, 0, WIRE_GOODBYE, NULL);
    actor_say(host);
    actor_request(ops, 900, &removal, nobody);
    assert_int_equal(actor_outcome(ops, 900), STATUS_OK);
    assert_int_equal(stage.core->breakers.n, 0);
    stage_restart(&stage);
    host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    stage_restart(&stage);
    ann = stage_join(&stage, ANN);
    host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    assert_int_equal(call_orders(ann, host, STATUS_OK), STATUS_OK);
}

static void new_rules_are_in_force_at_once(void **state)
{
    static char *off[] = {"* off"};
    char why[BREAKER_WHY_BYTES];
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 10);
    fail_orders(ann, host, 3);
    assert_int_equal(breaker_table_read(&stage.options.limits.breakers, off, 1, why), 0);
    core_reload(stage.core, &stage.options.limits);
    fail_orders(ann, host, 30);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_order_is_given_as_the_reason),
        TEST(orders_are_carried_out_and_last),
        TEST(an_order_the_store_refuses_changes_nothing),
        TEST(an_order_has_room_in_the_next_broker),
        TEST(a_tenant_orders_what_is_its_own),
        TEST(a_tenant_sees_what_concerns_it),
        TEST(what_happens_is_announced),
        TEST(there_are_only_so_many),
        TEST(those_of_a_removed_service_go_with_it),
        TEST(new_rules_are_in_force_at_once),
        TEST(what_is_hidden_stays_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
