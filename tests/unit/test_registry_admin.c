/* The registry seen and kept in order from outside: bus.registry, its events, shares. */
#include "../testing.h"

#include "builtin/packing.h"
#include "core/state.h"
#include "core_stage.h"

#define CALLER "acme ann call:* subscribe:bus.>"
#define EVERYONES "infra host serve:*"
#define ACMES "acme host serve:acme/*"
#define OPERATOR "infra ops admin:registry subscribe:bus.>"

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

static Farebox__V1__Register service(const char *name, const char *tenant)
{
    Farebox__V1__Register wanted = FAREBOX__V1__REGISTER__INIT;
    wanted.service = (char *)(uintptr_t)name;
    wanted.tenant = (char *)(uintptr_t)tenant;
    return wanted;
}

static enum status serve(struct actor *actor, const char *name, const char *tenant)
{
    Farebox__V1__Register wanted = service(name, tenant);
    return actor_register_as(actor, &wanted);
}

static enum status leave(struct actor *actor, const char *name, const char *tenant)
{
    Farebox__V1__Deregister body = FAREBOX__V1__DEREGISTER__INIT;
    body.service = (char *)(uintptr_t)name;
    body.tenant = (char *)(uintptr_t)tenant;
    wire_put_control(actor_out(actor), 902, 0, WIRE_DEREGISTER, &body.base);
    actor_say(actor);
    return (enum status)actor_expect(actor, WIRE_ACKNOWLEDGE).acknowledge->status;
}

/* Asks bus.registry; `tenant` may be NULL. */
static struct wire_reply ask(struct actor *actor, const char *method, const char *key,
                             const char *name, const char *tenant)
{
    struct buf payload = {0};
    msgpack_packer packer;
    packing_init(&packer, &payload);
    msgpack_pack_map(&packer, tenant ? 2 : 1);
    pack_pair_text(&packer, key, slice_of(name));
    if (tenant)
        pack_pair_text(&packer, "tenant", slice_of(tenant));
    const struct wire_request request = {.service = slice_of("bus.registry"),
                                         .method = slice_of(method),
                                         .payload = buf_slice(&payload)};
    actor_request(actor, 50, &request, slice_make(NULL, 0));
    buf_finish(&payload);
    return actor_expect(actor, WIRE_REPLY).reply;
}

static enum status drop(struct actor *actor, const char *name, const char *tenant)
{
    return ask(actor, "remove", "service", name, tenant).status;
}

static bool says(struct slice payload, const char *text)
{
    return memmem(payload.data, payload.len, text, strlen(text)) != NULL;
}

/* ---- remove ---- */

static void what_is_removed_is_forgotten(void **state)
{
    (void)state;
    struct actor *ops = stage_join(&stage, OPERATOR), *host = stage_join(&stage, EVERYONES);
    struct actor *ann = stage_join(&stage, CALLER);
    assert_int_equal(serve(host, "orders", ""), STATUS_OK);
    assert_int_equal(drop(ops, "orders", NULL), STATUS_CONFLICT);
    assert_int_equal(leave(host, "orders", ""), STATUS_OK);
    assert_int_equal(drop(ops, "orders", NULL), STATUS_OK);
    assert_int_equal(drop(ops, "orders", NULL), STATUS_SERVICE_NOT_FOUND);
    actor_call(ann, 1, "orders", "echo");
    assert_int_equal(actor_outcome(ann, 1), STATUS_SERVICE_NOT_FOUND);
    stage_restart(&stage);
    ann = stage_join(&stage, CALLER);
    actor_call(ann, 1, "orders", "echo");
    assert_int_equal(actor_outcome(ann, 1), STATUS_SERVICE_NOT_FOUND);
}

static void a_lost_instance_is_still_one(void **state)
{
    (void)state;
    struct actor *ops = stage_join(&stage, OPERATOR), *host = stage_join(&stage, EVERYONES);
    assert_int_equal(serve(host, "orders", ""), STATUS_OK);
    actor_cut(host, false);
    assert_int_equal(drop(ops, "orders", NULL), STATUS_CONFLICT);
    stage_pass(&stage, 1100);
    assert_int_equal(drop(ops, "orders", NULL), STATUS_OK);
}

/* After a restart calls wait for it, and others for their answers. */
static void nobody_waits_for_what_is_removed(void **state)
{
    const struct wire_request keyed = {
        .service = slice_of("orders"), .method = slice_of("pay"), .idempotency_key = slice_of("k")};
    (void)state;
    struct actor *host = stage_join(&stage, EVERYONES);
    assert_int_equal(serve(host, "orders", ""), STATUS_OK);
    stage_restart(&stage);
    struct actor *ann = stage_join(&stage, CALLER), *ops = stage_join(&stage, OPERATOR);
    actor_call(ann, 1, "orders", "get");
    actor_request(ann, 2, &keyed, slice_make(NULL, 0));
    actor_request(ann, 3, &keyed, slice_make(NULL, 0));
    assert_int_equal(stage_gauges(&stage).queued, 2);
    assert_int_equal(stage_gauges(&stage).calls, 3);
    assert_int_equal(drop(ops, "orders", NULL), STATUS_OK);
    for (unsigned n = 0; n < 3; n++)
        assert_int_equal(actor_expect(ann, WIRE_REPLY).reply.status, STATUS_UNAVAILABLE);
    stage_is_idle(&stage);
    actor_call(ann, 4, "orders", "get");
    assert_int_equal(actor_outcome(ann, 4), STATUS_SERVICE_NOT_FOUND);
}

static void removing_needs_a_permission(void **state)
{
    (void)state;
    struct actor *own = stage_join(&stage, ACMES), *host = stage_join(&stage, EVERYONES);
    struct actor *ann = stage_join(&stage, CALLER), *ops = stage_join(&stage, OPERATOR);
    struct actor *admin = stage_join(&stage, "acme adm admin:acme/registry");
    assert_int_equal(serve(own, "orders", "acme"), STATUS_OK);
    assert_int_equal(leave(own, "orders", "acme"), STATUS_OK);
    assert_int_equal(serve(host, "prices", ""), STATUS_OK);
    assert_int_equal(leave(host, "prices", ""), STATUS_OK);
    assert_int_equal(drop(ann, "orders", NULL), STATUS_PERMISSION_DENIED);
    assert_int_equal(drop(admin, "prices", NULL), STATUS_SERVICE_NOT_FOUND);
    assert_int_equal(drop(admin, "orders", "bolt"), STATUS_TENANT_MISMATCH);
    assert_int_equal(drop(ops, "bus.stats", NULL), STATUS_SERVICE_NOT_FOUND);
    assert_int_equal(drop(ops, "..", NULL), STATUS_INVALID_ARGUMENT);
    assert_int_equal(drop(ops, "orders", NULL), STATUS_SERVICE_NOT_FOUND);
    assert_int_equal(drop(admin, "orders", NULL), STATUS_OK);
    assert_int_equal(drop(ops, "prices", NULL), STATUS_OK);
    assert_int_equal(serve(own, "orders", "acme"), STATUS_OK);
    assert_int_equal(leave(own, "orders", "acme"), STATUS_OK);
    assert_int_equal(drop(ops, "orders", "acme"), STATUS_OK);
}

/* ---- shares ---- */

static void no_tenant_fills_the_registry(void **state)
{
    char name[16];
    (void)state;
    struct actor *own = stage_join(&stage, ACMES), *host = stage_join(&stage, EVERYONES);
    struct actor *bolt = stage_join(&stage, "bolt host serve:bolt/*");
    struct actor *ops = stage_join(&stage, OPERATOR);
    for (unsigned n = 0; n < 100 / REGISTRY_SHARE; n++) {
        snprintf(name, sizeof name, "s%u", n);
        assert_int_equal(serve(own, name, "acme"), STATUS_OK);
    }
    assert_int_equal(serve(own, "more", "acme"), STATUS_QUOTA_EXCEEDED);
    assert_int_equal(serve(own, "s0", "acme"), STATUS_OK);
    assert_int_equal(serve(bolt, "more", "bolt"), STATUS_OK);
    assert_int_equal(serve(host, "more", ""), STATUS_OK);
    assert_int_equal(leave(own, "s0", "acme"), STATUS_OK);
    assert_int_equal(serve(own, "more", "acme"), STATUS_QUOTA_EXCEEDED);
    assert_int_equal(drop(ops, "s0", "acme"), STATUS_OK);
    assert_int_equal(serve(own, "more", "acme"), STATUS_OK);
}

static void a_tier_may_allow_fewer(void **state)
{
    char why[TIER_WHY_BYTES];
    (void)state;
    stage.options.limits.tiers.n = 0;
    assert_int_equal(tiers_add(&stage.options.limits.tiers, "free services=1", why), 0);
    assert_int_equal(tiers_add(&stage.options.limits.tiers, "pro services=2", why), 0);
    core_reload(stage.core, &stage.options.limits);
    struct actor *own = stage_join(&stage, ACMES), *host = stage_join(&stage, EVERYONES);
    struct actor *pro = stage_join(&stage, ACMES " tier:pro");
    assert_int_equal(serve(own, "orders", "acme"), STATUS_OK);
    assert_int_equal(serve(own, "prices", "acme"), STATUS_QUOTA_EXCEEDED);
    assert_int_equal(serve(own, "orders", "acme"), STATUS_OK);
    assert_int_equal(serve(pro, "prices", "acme"), STATUS_OK);
    assert_int_equal(serve(pro, "more", "acme"), STATUS_QUOTA_EXCEEDED);
    assert_int_equal(serve(host, "shared", ""), STATUS_OK);
    assert_int_equal(serve(host, "too", ""), STATUS_OK);
}

/* A tenant with many sessions is not everywhere either. */
static void no_tenant_takes_all_instances(void **state)
{
    (void)state;
    stage.options.limits.max_instances = 4 * REGISTRY_SHARE;
    core_reload(stage.core, &stage.options.limits);
    struct actor *own[5], *host = stage_join(&stage, EVERYONES);
    for (unsigned n = 0; n < 5; n++)
        own[n] = stage_join(&stage, ACMES);
    for (unsigned n = 0; n < 4; n++)
        assert_int_equal(serve(own[n], n % 2 ? "orders" : "prices", "acme"), STATUS_OK);
    assert_int_equal(serve(own[4], "orders", "acme"), STATUS_QUOTA_EXCEEDED);
    assert_int_equal(serve(own[4], "more", "acme"), STATUS_QUOTA_EXCEEDED);
    assert_int_equal(serve(own[0], "prices", "acme"), STATUS_OK); /* it is there already */
    assert_int_equal(serve(host, "orders", ""), STATUS_OK);
    assert_int_equal(leave(own[0], "prices", "acme"), STATUS_OK);
    assert_int_equal(serve(own[4], "orders", "acme"), STATUS_OK);
}

static void instances_are_bounded(void **state)
{
    (void)state;
    stage.options.limits.max_instances = 2;
    core_reload(stage.core, &stage.options.limits);
    struct actor *one = stage_join(&stage, EVERYONES), *two = stage_join(&stage, EVERYONES);
    assert_int_equal(serve(one, "orders", ""), STATUS_OK);
    assert_int_equal(serve(two, "orders", ""), STATUS_OK);
    assert_int_equal(serve(two, "prices", ""), STATUS_OVERLOADED);
    actor_cut(one, false);
    stage_pass(&stage, 1100);
    assert_int_equal(serve(two, "prices", ""), STATUS_OK);
}

/* ---- what is shown ---- */

static void what_a_service_lacks_is_shown(void **state)
{
    (void)state;
    char *requires[] = {(char *)(uintptr_t) "prices", (char *)(uintptr_t) "bus.stats"};
    struct actor *host = stage_join(&stage, EVERYONES), *ops = stage_join(&stage, OPERATOR);
    Farebox__V1__Register wanted = FAREBOX__V1__REGISTER__INIT;
    wanted.service = (char *)(uintptr_t) "orders";
    wanted.requires = requires;
    wanted.n_requires = 2;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_OK);
    assert_true(says(ask(ops, "show", "name", "orders", NULL).payload, "\xa8"
                                                                       "degraded"));
    assert_true(says(ask(ops, "show", "name", "orders", NULL).payload, "missing\x91\xa6prices"));
    struct actor *other = stage_join(&stage, EVERYONES);
    assert_int_equal(serve(other, "prices", ""), STATUS_OK);
    assert_true(says(ask(ops, "show", "name", "orders", NULL).payload, "missing\x90"));
    assert_false(says(ask(ops, "show", "name", "orders", NULL).payload, "degraded"));
    assert_int_equal(leave(other, "prices", ""), STATUS_OK);
    assert_true(says(ask(ops, "show", "name", "orders", NULL).payload, "degraded"));
}

static void work_for_others_is_not_shown(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *ops = stage_join(&stage, OPERATOR);
    struct actor *own = stage_join(&stage, ACMES), *host = stage_join(&stage, EVERYONES);
    assert_int_equal(serve(host, "prices", ""), STATUS_OK);
    assert_int_equal(serve(own, "orders", "acme"), STATUS_OK);
    struct wire_reply reply = ask(ann, "show", "name", "prices", NULL);
    assert_int_equal(reply.status, STATUS_OK);
    assert_true(says(reply.payload, "capacity"));
    assert_false(says(reply.payload, "calls"));
    assert_false(says(reply.payload, "in_flight"));
    assert_false(says(reply.payload, "errors"));
    assert_true(says(ask(ann, "show", "name", "orders", NULL).payload, "in_flight"));
    assert_true(says(ask(ops, "show", "name", "prices", NULL).payload, "in_flight"));
    assert_true(says(ask(ops, "show", "name", "prices", NULL).payload, "errors"));
}

/* What the broker refuses is no doing of the service's, and says nothing of its speed. */
static void what_never_came_to_it_is_not_its_work(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, EVERYONES);
    struct actor *eve = stage_join(&stage, "acme eve call:stock.*");
    assert_int_equal(serve(host, "prices", ""), STATUS_OK);
    const struct service *prices = map_get(&stage.core->registry.by_key, slice_of("prices"));
    actor_call(eve, 1, "prices", "get");
    assert_int_equal(actor_outcome(eve, 1), STATUS_PERMISSION_DENIED);
    assert_int_equal(prices->calls, 0);
    assert_int_equal(prices->errors, 0);
    assert_int_equal(prices->latency.count, 0);
    actor_call(ann, 1, "prices", "get");
    actor_reply(host, actor_requested(host), STATUS_INTERNAL, "");
    assert_int_equal(actor_outcome(ann, 1), STATUS_INTERNAL);
    assert_int_equal(prices->calls, 1);
    assert_int_equal(prices->errors, 1);
    assert_int_equal(prices->latency.count, 1);
}

static void an_operator_sees_a_tenants_own(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *ops = stage_join(&stage, OPERATOR);
    struct actor *own = stage_join(&stage, ACMES);
    assert_int_equal(serve(own, "orders", "acme"), STATUS_OK);
    assert_int_equal(ask(ops, "show", "name", "orders", NULL).status, STATUS_SERVICE_NOT_FOUND);
    assert_int_equal(ask(ops, "show", "name", "orders", "acme").status, STATUS_OK);
    assert_int_equal(ask(ops, "show", "name", "orders", "bolt").status, STATUS_SERVICE_NOT_FOUND);
    assert_int_equal(ask(ann, "show", "name", "orders", "acme").status, STATUS_OK);
    assert_int_equal(ask(ann, "show", "name", "orders", "bolt").status, STATUS_TENANT_MISMATCH);
}

/* ---- leaving ---- */

static void the_shared_and_the_own_are_left_apart(void **state)
{
    (void)state;
    struct actor *both = stage_join(&stage, "acme host serve:*");
    struct actor *ann = stage_join(&stage, CALLER), *eve = stage_join(&stage, "bolt eve call:*");
    assert_int_equal(serve(both, "orders", "acme"), STATUS_OK);
    assert_int_equal(serve(both, "orders", ""), STATUS_OK);
    assert_int_equal(leave(both, "orders", ""), STATUS_OK);
    actor_call(ann, 1, "orders", "echo");
    actor_requested(both);
    actor_call(eve, 1, "orders", "echo");
    assert_int_equal(actor_outcome(eve, 1), STATUS_UNAVAILABLE);
    assert_int_equal(serve(both, "orders", ""), STATUS_OK);
    assert_int_equal(leave(both, "orders", "acme"), STATUS_OK);
    assert_int_equal(leave(both, "orders", "bolt"), STATUS_SERVICE_NOT_FOUND);
    actor_call(eve, 2, "orders", "echo");
    actor_requested(both);
}

/* A peer that names no tenant leaves whatever it serves by that name. */
static void without_a_tenant_the_own_one_is_found(void **state)
{
    (void)state;
    struct actor *own = stage_join(&stage, ACMES), *ann = stage_join(&stage, CALLER);
    assert_int_equal(serve(own, "orders", "acme"), STATUS_OK);
    assert_int_equal(leave(own, "orders", ""), STATUS_OK);
    actor_call(ann, 1, "orders", "echo");
    assert_int_equal(actor_outcome(ann, 1), STATUS_UNAVAILABLE);
}

/* ---- events ---- */

static bool hears(struct actor *actor, const char *what)
{
    return says(actor_expect(actor, WIRE_DELIVERY).delivery.payload, what);
}

static void every_end_is_told(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *ops = stage_join(&stage, OPERATOR);
    struct actor *own = stage_join(&stage, ACMES);
    assert_int_equal(actor_subscribe(ann, 7, "bus.service.*", "", ""), STATUS_OK);
    assert_int_equal(serve(own, "orders", "acme"), STATUS_OK);
    assert_true(hears(ann, "registered"));
    actor_cut(own, false);
    assert_true(hears(ann, "lost"));
    stage_pass(&stage, 1100);
    assert_true(hears(ann, "gone"));
    assert_int_equal(drop(ops, "orders", "acme"), STATUS_OK);
    assert_true(hears(ann, "removed"));
    assert_true(actor_hears_nothing(ann));
}

static void a_goodbye_tells_of_each_once(void **state)
{
    struct wire_envelope first;
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *own = stage_join(&stage, ACMES);
    assert_int_equal(serve(own, "orders", "acme"), STATUS_OK);
    assert_int_equal(serve(own, "prices", "acme"), STATUS_OK);
    actor_call(ann, 1, "orders", "echo");
    actor_requested(own);
    assert_int_equal(leave(own, "orders", "acme"), STATUS_OK);
    assert_int_equal(actor_subscribe(ann, 7, "bus.service.*", "", ""), STATUS_OK);
    wire_put_control(actor_out(own), 0, 0, WIRE_GOODBYE, NULL);
    actor_say(own);
    assert_true(actor_next(ann, &first)); /* of orders there is nothing more to tell */
    assert_int_equal(first.kind, WIRE_REPLY);
    assert_int_equal(first.reply.status, STATUS_OUTCOME_UNKNOWN);
    assert_true(hears(ann, "prices"));
    assert_true(actor_hears_nothing(ann));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_removed_is_forgotten),
        TEST(a_lost_instance_is_still_one),
        TEST(nobody_waits_for_what_is_removed),
        TEST(removing_needs_a_permission),
        TEST(no_tenant_fills_the_registry),
        TEST(a_tier_may_allow_fewer),
        TEST(no_tenant_takes_all_instances),
        TEST(instances_are_bounded),
        TEST(what_a_service_lacks_is_shown),
        TEST(work_for_others_is_not_shown),
        TEST(what_never_came_to_it_is_not_its_work),
        TEST(an_operator_sees_a_tenants_own),
        TEST(the_shared_and_the_own_are_left_apart),
        TEST(without_a_tenant_the_own_one_is_found),
        TEST(every_end_is_told),
        TEST(a_goodbye_tells_of_each_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
