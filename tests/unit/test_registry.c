/* Services: who may serve what, for whom, and what outlives them. */
#include "../testing.h"

#include "base/mem.h"
#include "builtin/packing.h"
#include "core/state.h"
#include "core_stage.h"

#define GRACE_MS 1000u
#define CALLER "acme ann call:*"
#define EVERYONES "infra host serve:*"
#define ACMES "acme host serve:acme/*"

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

static enum status leave(struct actor *actor, const char *name)
{
    Farebox__V1__Deregister body = FAREBOX__V1__DEREGISTER__INIT;
    body.service = (char *)(uintptr_t)name;
    wire_put_control(actor_out(actor), 902, 0, WIRE_DEREGISTER, &body.base);
    actor_say(actor);
    return (enum status)actor_expect(actor, WIRE_ACKNOWLEDGE).acknowledge->status;
}

static size_t services_of_ours(void)
{
    static size_t builtins;
    if (builtins == 0) {
        struct stage empty;
        stage_init(&empty);
        stage_start(&empty);
        builtins = stage_gauges(&empty).services;
        stage_finish(&empty);
    }
    return stage_gauges(&stage).services - builtins;
}

/* ---- who may ---- */

static void serving_needs_a_permission(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *own = stage_join(&stage, ACMES);
    struct actor *host = stage_join(&stage, EVERYONES);
    assert_int_equal(serve(ann, "orders", ""), STATUS_PERMISSION_DENIED);
    assert_int_equal(serve(ann, "orders", "acme"), STATUS_PERMISSION_DENIED);
    assert_int_equal(serve(own, "orders", ""), STATUS_PERMISSION_DENIED);
    assert_int_equal(serve(own, "orders", "bolt"), STATUS_TENANT_MISMATCH);
    assert_int_equal(serve(host, "orders", "acme"), STATUS_TENANT_MISMATCH);
    assert_int_equal(services_of_ours(), 0);
    assert_int_equal(serve(own, "orders", "acme"), STATUS_OK);
    assert_int_equal(serve(host, "orders", ""), STATUS_OK);
    assert_int_equal(services_of_ours(), 2);
}

static void names_must_be_names(void **state)
{
    static const char *const bad[] = {
        "",  "..",  "a.b", "Orders", "or ders", "-x",           "a/b", "*",
        ">", "%2e", "_x",  "a\n",    "bus.x",   "bus.sessions", "bus"};
    (void)state;
    struct actor *host = stage_join(&stage, EVERYONES);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(serve(host, bad[i], ""), STATUS_INVALID_ARGUMENT);
    assert_int_equal(services_of_ours(), 0);
}

static void every_part_of_a_registration_is_bounded(void **state)
{
    char text[301];
    char *bad_method = (char *)(uintptr_t) "../x";
    (void)state;
    memset(text, 'x', 300);
    text[300] = '\0';
    struct actor *host = stage_join(&stage, EVERYONES);
    Farebox__V1__Register wanted = service("orders", "");
    wanted.version = text;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_INVALID_ARGUMENT);
    wanted = service("orders", "");
    wanted.health_endpoint = text;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_INVALID_ARGUMENT);
    wanted = service("orders", "");
    wanted.minimum_tier = text;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_INVALID_ARGUMENT);
    wanted = service("orders", "");
    wanted.n_methods = 1;
    wanted.methods = &bad_method;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_INVALID_ARGUMENT);
    wanted = service("orders", "");
    wanted.n_requires = 1;
    wanted.requires = &bad_method;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_INVALID_ARGUMENT);
}

static void features_are_few_and_short(void **state)
{
    char text[66], *features[REGISTRY_METHODS_MAX + 1];
    (void)state;
    memset(text, 'x', 65);
    text[65] = '\0';
    struct actor *host = stage_join(&stage, EVERYONES);
    Farebox__V1__Register wanted = service("orders", "");
    for (size_t i = 0; i <= REGISTRY_METHODS_MAX; i++)
        features[i] = text + 1;
    wanted.business_features = features;
    wanted.n_business_features = REGISTRY_METHODS_MAX;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_OK);
    wanted.n_business_features++;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_INVALID_ARGUMENT);
    wanted.n_business_features = 1;
    features[0] = text;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_INVALID_ARGUMENT);
}

/* We keep what a newer peer says and we do not know, so it counts. */
static void unknown_fields_are_part_of_the_record(void **state)
{
    (void)state;
    uint8_t *room = mem_zalloc(REGISTRY_RECORD_MAX);
    ProtobufCMessageUnknownField extra = {.tag = 100, .wire_type = PROTOBUF_C_WIRE_TYPE_VARINT};
    struct actor *host = stage_join(&stage, EVERYONES);
    Farebox__V1__Register wanted = service("orders", "");
    room[0] = 1;
    extra.data = room;
    extra.len = 1;
    wanted.base.unknown_fields = &extra;
    wanted.base.n_unknown_fields = 1;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_OK);
    extra.wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    memcpy(room, "\xfc\xff\x03", 3); /* 64 KiB less 4 */
    extra.len = REGISTRY_RECORD_MAX - 1;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_INVALID_ARGUMENT);
    mem_free(room);
}

static void the_registry_can_be_full(void **state)
{
    (void)state;
    struct actor *host = stage_join(&stage, EVERYONES);
    stage.options.limits.max_services = 2; /* of which the broker's own are none */
    core_reload(stage.core, &stage.options.limits);
    assert_int_equal(serve(host, "a", ""), STATUS_OK);
    assert_int_equal(serve(host, "b", ""), STATUS_OK);
    assert_int_equal(serve(host, "c", ""), STATUS_OVERLOADED);
    assert_int_equal(serve(host, "a", ""), STATUS_OK);
}

/* ---- which one a caller gets ---- */

static void a_tenants_own_comes_first(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *eve = stage_join(&stage, "bolt eve call:*");
    struct actor *own = stage_join(&stage, ACMES), *host = stage_join(&stage, EVERYONES);
    assert_int_equal(serve(host, "orders", ""), STATUS_OK);
    assert_int_equal(serve(own, "orders", "acme"), STATUS_OK);
    actor_call(ann, 1, "orders", "echo");
    actor_requested(own);
    actor_call(eve, 1, "orders", "echo");
    actor_requested(host);
    assert_true(actor_hears_nothing(own));
    assert_true(actor_hears_nothing(host));
}

static void the_shared_one_steps_in(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER);
    struct actor *own = stage_join(&stage, ACMES), *host = stage_join(&stage, EVERYONES);
    assert_int_equal(serve(host, "orders", ""), STATUS_OK);
    assert_int_equal(serve(own, "orders", "acme"), STATUS_OK);
    actor_cut(own, false);
    actor_call(ann, 1, "orders", "echo");
    actor_requested(host);
    own->pipe = stage_pipe(&stage);
    actor_say(own);
    actor_call(ann, 2, "orders", "echo");
    actor_requested(own);
}

static void anothers_own_is_not_there(void **state)
{
    (void)state;
    struct actor *eve = stage_join(&stage, "bolt eve call:*"), *own = stage_join(&stage, ACMES);
    assert_int_equal(serve(own, "orders", "acme"), STATUS_OK);
    actor_call(eve, 1, "orders", "echo");
    assert_int_equal(actor_outcome(eve, 1), STATUS_SERVICE_NOT_FOUND);
    assert_true(actor_hears_nothing(own));
}

/* The two have one name; their sealed contexts must not. */
static void a_context_of_the_shared_one_is_not_for_a_tenants_own(void **state)
{
    (void)state;
    struct actor *eve = stage_join(&stage, "bolt eve call:*");
    struct actor *own = stage_join(&stage, ACMES), *host = stage_join(&stage, EVERYONES);
    const struct wire_request request = {.service = slice_of("bus.registry"),
                                         .method = slice_of("list")};
    assert_int_equal(serve(host, "orders", ""), STATUS_OK);
    assert_int_equal(serve(own, "orders", "acme"), STATUS_OK);
    actor_call(eve, 1, "orders", "echo");
    struct wire_envelope envelope = actor_expect(host, WIRE_REQUEST);
    struct slice credential = actor_credential(host, &envelope);
    actor_request(own, 5, &request, credential);
    assert_int_equal(actor_outcome(own, 5), STATUS_UNAUTHENTICATED);
    actor_request(host, 5, &request, credential);
    assert_int_equal(actor_outcome(host, 5), STATUS_OK);
}

static void declared_methods_are_all_there_are(void **state)
{
    char *methods[] = {(char *)(uintptr_t) "echo", (char *)(uintptr_t) "sleep"};
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, EVERYONES);
    Farebox__V1__Register wanted = service("orders", "");
    wanted.n_methods = 2;
    wanted.methods = methods;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_OK);
    actor_call(ann, 1, "orders", "sleep");
    actor_requested(host);
    actor_call(ann, 2, "orders", "slee");
    assert_int_equal(actor_outcome(ann, 2), STATUS_METHOD_NOT_FOUND);
    assert_int_equal(serve(host, "orders", ""), STATUS_OK); /* the newest word counts */
    actor_call(ann, 3, "orders", "slee");
    actor_requested(host);
}

/* ---- coming and going ---- */

static void leaving_finishes_what_is_under_way(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, EVERYONES);
    assert_int_equal(leave(host, "orders"), STATUS_SERVICE_NOT_FOUND);
    assert_int_equal(serve(host, "orders", ""), STATUS_OK);
    actor_call(ann, 1, "orders", "echo");
    uint64_t id = actor_requested(host);
    assert_int_equal(leave(host, "orders"), STATUS_OK);
    actor_call(ann, 2, "orders", "echo");
    assert_int_equal(actor_outcome(ann, 2), STATUS_UNAVAILABLE);
    actor_reply(host, id, STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    assert_int_equal(leave(host, "orders"), STATUS_SERVICE_NOT_FOUND);
    assert_int_equal(serve(host, "orders", ""), STATUS_OK);
    actor_call(ann, 3, "orders", "echo");
    actor_requested(host);
}

static void leaving_can_be_taken_back(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, EVERYONES);
    assert_int_equal(serve(host, "orders", ""), STATUS_OK);
    actor_call(ann, 1, "orders", "echo");
    uint64_t id = actor_requested(host);
    assert_int_equal(leave(host, "orders"), STATUS_OK);
    assert_int_equal(serve(host, "orders", ""), STATUS_OK);
    actor_reply(host, id, STATUS_OK, "");
    actor_call(ann, 2, "orders", "echo");
    actor_requested(host);
}

static void capacity_is_what_was_said_last(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, EVERYONES);
    actor_register(host, "orders", 1);
    for (unsigned n = 1; n <= 3; n++)
        actor_call(ann, n, "orders", "echo");
    actor_requested(host);
    assert_int_equal(stage_gauges(&stage).queued, 2);
    actor_register(host, "orders", 3); /* those who wait go on at once */
    assert_int_equal(stage_gauges(&stage).queued, 0);
    assert_int_equal(stage_gauges(&stage).in_flight, 3);
}

/* ---- records ---- */

static void records_survive_the_broker(void **state)
{
    (void)state;
    struct actor *own = stage_join(&stage, ACMES), *host = stage_join(&stage, EVERYONES);
    assert_int_equal(serve(host, "orders", ""), STATUS_OK);
    assert_int_equal(serve(own, "orders", "acme"), STATUS_OK);
    stage_restart(&stage);
    assert_int_equal(services_of_ours(), 2);
    struct actor *ann = stage_join(&stage, CALLER);
    stage_pass(&stage, GRACE_MS);
    actor_call(ann, 1, "orders", "echo");
    assert_int_equal(actor_outcome(ann, 1), STATUS_UNAVAILABLE); /* known, nobody there */
    own = stage_join(&stage, ACMES);
    assert_int_equal(serve(own, "orders", "acme"), STATUS_OK);
    actor_call(ann, 2, "orders", "echo");
    actor_requested(own);
}

/* The broker starts again, and callers are back sooner than whom they call. */
static void who_comes_back_is_waited_for(void **state)
{
    (void)state;
    assert_int_equal(serve(stage_join(&stage, EVERYONES), "orders", ""), STATUS_OK);
    stage_restart(&stage);
    struct actor *ann = stage_join(&stage, CALLER);
    stage_pass(&stage, GRACE_MS - 1);
    actor_call(ann, 1, "orders", "echo");
    assert_true(actor_hears_nothing(ann));
    struct actor *host = stage_join(&stage, EVERYONES);
    Farebox__V1__Register wanted = service("orders", "");
    wire_put_control(actor_out(host), 901, 0, WIRE_REGISTER, &wanted.base);
    actor_say(host);
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    assert_int_equal(leave(host, "orders"), STATUS_OK); /* from now on, as ever */
    actor_call(ann, 2, "orders", "echo");
    assert_int_equal(actor_outcome(ann, 2), STATUS_UNAVAILABLE);
}

static void who_does_not_come_back_is_not(void **state)
{
    (void)state;
    assert_int_equal(serve(stage_join(&stage, EVERYONES), "orders", ""), STATUS_OK);
    stage_restart(&stage);
    struct actor *ann = stage_join(&stage, CALLER);
    actor_call(ann, 1, "orders", "echo");
    stage_pass(&stage, GRACE_MS - 1);
    assert_true(actor_hears_nothing(ann));
    stage_pass(&stage, 1);
    assert_int_equal(actor_outcome(ann, 1), STATUS_UNAVAILABLE);
    stage_is_idle(&stage);
}

static void the_same_again_writes_nothing(void **state)
{
    (void)state;
    struct actor *host = stage_join(&stage, EVERYONES);
    assert_int_equal(serve(host, "orders", ""), STATUS_OK);
    assert_int_equal(stage.puts, 1);
    assert_int_equal(serve(host, "orders", ""), STATUS_OK);
    stage_restart(&stage);
    host = stage_join(&stage, EVERYONES);
    assert_int_equal(serve(host, "orders", ""), STATUS_OK);
    assert_int_equal(stage.puts, 1);
    Farebox__V1__Register wanted = service("orders", "");
    wanted.version = (char *)(uintptr_t) "2";
    assert_int_equal(actor_register_as(host, &wanted), STATUS_OK);
    assert_int_equal(stage.puts, 2);
}

static void what_cannot_be_kept_is_refused(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, EVERYONES);
    stage.store_fails = true;
    assert_int_equal(serve(host, "orders", ""), STATUS_UNAVAILABLE);
    assert_int_equal(services_of_ours(), 0);
    actor_call(ann, 1, "orders", "echo");
    assert_int_equal(actor_outcome(ann, 1), STATUS_SERVICE_NOT_FOUND);
    stage.store_fails = false;
    assert_int_equal(serve(host, "orders", ""), STATUS_OK);
}

/* A full disk does not keep away an instance of what is known. */
static void what_is_known_is_served_without_the_store(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, EVERYONES);
    Farebox__V1__Register wanted = service("orders", "");
    assert_int_equal(serve(host, "orders", ""), STATUS_OK);
    stage.store_fails = true;
    wanted.version = (char *)(uintptr_t) "2";
    assert_int_equal(actor_register_as(host, &wanted), STATUS_OK);
    actor_call(ann, 1, "orders", "echo");
    actor_requested(host);
    stage.store_fails = false;
    unsigned before = stage.puts;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_OK); /* kept when it can be */
    assert_int_equal(stage.puts, before + 1);
    assert_int_equal(actor_register_as(host, &wanted), STATUS_OK);
    assert_int_equal(stage.puts, before + 1);
}

static void damaged_records_are_left_out(void **state)
{
    static const char *const names[] = {"garbage", "orders"};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct slice bytes = slice_of(i ? "\x0a\x03../" : "\xff\xff\xff\xff");
        stage.options.io.put(&stage, REGISTRY_TABLE, slice_of(names[i]), bytes);
    }
    stage_restart(&stage);
    assert_int_equal(services_of_ours(), 0);
}

/* ---- who sees what ---- */

static bool lists(struct actor *actor, const char *text)
{
    actor_call(actor, 50, "bus.registry", "list");
    struct wire_envelope reply = actor_expect(actor, WIRE_REPLY);
    assert_int_equal(reply.reply.status, STATUS_OK);
    return memmem(reply.reply.payload.data, reply.reply.payload.len, text, strlen(text)) != NULL;
}

static void the_list_shows_what_the_caller_may_use(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *eve = stage_join(&stage, "bolt eve call:*");
    struct actor *nobody = stage_join(&stage, "acme nobody call:prices.*");
    struct actor *own = stage_join(&stage, ACMES), *host = stage_join(&stage, EVERYONES);
    assert_int_equal(serve(host, "prices", ""), STATUS_OK);
    assert_int_equal(serve(own, "orders", "acme"), STATUS_OK);
    assert_true(lists(ann, "orders"));
    assert_true(lists(ann, "prices"));
    assert_false(lists(eve, "orders"));
    assert_true(lists(eve, "prices"));
    assert_false(lists(nobody, "orders"));
    assert_true(lists(nobody, "prices"));
    struct actor *operator_ = stage_join(&stage, "infra ops admin:registry");
    assert_true(lists(operator_, "orders"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(serving_needs_a_permission),
        TEST(names_must_be_names),
        TEST(every_part_of_a_registration_is_bounded),
        TEST(features_are_few_and_short),
        TEST(unknown_fields_are_part_of_the_record),
        TEST(the_registry_can_be_full),
        TEST(a_tenants_own_comes_first),
        TEST(the_shared_one_steps_in),
        TEST(anothers_own_is_not_there),
        TEST(a_context_of_the_shared_one_is_not_for_a_tenants_own),
        TEST(declared_methods_are_all_there_are),
        TEST(leaving_finishes_what_is_under_way),
        TEST(leaving_can_be_taken_back),
        TEST(capacity_is_what_was_said_last),
        TEST(records_survive_the_broker),
        TEST(who_comes_back_is_waited_for),
        TEST(who_does_not_come_back_is_not),
        TEST(the_same_again_writes_nothing),
        TEST(what_cannot_be_kept_is_refused),
        TEST(what_is_known_is_served_without_the_store),
        TEST(damaged_records_are_left_out),
        TEST(the_list_shows_what_the_caller_may_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
