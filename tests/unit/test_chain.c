/* The filters in their order, deadlines and depth. */
#include "../testing.h"

#include "core/state.h"
#include "core_stage.h"

#define CALLER "acme ann call:*"
#define SERVER "infra host serve:* call:*"

static struct stage stage;
static const struct slice nobody = {0};

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

static void change_limits(void (*change)(struct limits *limits))
{
    change(&stage.options.limits);
    core_reload(stage.core, &stage.options.limits);
}

/* ---- the filters ---- */

static void a_call_is_answered(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 0);
    actor_call(ann, 5, "orders", "echo");
    struct wire_envelope request = actor_expect(host, WIRE_REQUEST);
    assert_true(slice_is(request.request.service, "orders"));
    assert_true(request.request.request_id.len > 0);
    assert_int_equal(request.request.timeout_ms, 30000);
    assert_true(request.credential > 0);
    actor_reply(host, request.id, STATUS_OK, "done");
    struct wire_envelope reply = actor_expect(ann, WIRE_REPLY);
    assert_int_equal(reply.id, 5);
    assert_true(slice_is(reply.reply.payload, "done"));
    stage_is_idle(&stage);
}

/* Each request is wrong in two ways; the earlier filter speaks. */
static void the_earlier_filter_speaks(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena);
    struct actor *eve = stage_join(&stage, "acme eve call:none.none");
    const struct wire_credential bad = {.token = slice_of("nonsense")};
    struct slice nonsense = wire_write_credential(&bad, &arena);
    struct wire_request request = {.service = slice_of("ghost"), .method = slice_of("x")};

    request.parent = 12345;
    actor_request(eve, 1, &request, nonsense);
    assert_int_equal(actor_outcome(eve, 1), STATUS_CANCELLED); /* deadline before identity */
    request.parent = 0;
    request.tenant = slice_of("bolt");
    actor_request(eve, 2, &request, nonsense);
    assert_int_equal(actor_outcome(eve, 2), STATUS_UNAUTHENTICATED); /* who, before what */
    actor_request(eve, 3, &request, nobody);
    assert_int_equal(actor_outcome(eve, 3), STATUS_TENANT_MISMATCH);
    request.tenant = nobody;
    actor_request(eve, 4, &request, nobody);
    assert_int_equal(actor_outcome(eve, 4), STATUS_SERVICE_NOT_FOUND); /* registry */
    request.service = slice_of("bus.sessions");
    actor_request(eve, 5, &request, nobody);
    assert_int_equal(actor_outcome(eve, 5), STATUS_METHOD_NOT_FOUND);
    request.method = slice_of("list");
    actor_request(eve, 6, &request, nobody);
    assert_int_equal(actor_outcome(eve, 6), STATUS_PERMISSION_DENIED); /* entitlement */
    arena_finish(&arena);
    stage_is_idle(&stage);
}

static void full(struct limits *limits)
{
    limits->queue_length = 0;
}

static void who_may_not_does_not_learn_that_it_is_full(void **state)
{
    (void)state;
    change_limits(full);
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    struct actor *eve = stage_join(&stage, "acme eve call:none.none");
    actor_register(host, "orders", 1);
    actor_call(ann, 1, "orders", "echo");
    actor_call(ann, 2, "orders", "echo");
    assert_int_equal(actor_outcome(ann, 2), STATUS_OVERLOADED);
    actor_call(eve, 3, "orders", "echo");
    assert_int_equal(actor_outcome(eve, 3), STATUS_PERMISSION_DENIED);
}

static void the_chain_keeps_books(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    const struct chain *chain = &stage.core->chain;
    actor_register(host, "orders", 1);
    actor_call(ann, 1, "orders", "echo");
    actor_call(ann, 2, "orders", "echo");
    actor_call(ann, 3, "ghost", "echo");
    for (unsigned i = 0; i < chain->n; i++) {
        const char *name = chain->links[i].filter->name;
        bool last = strcmp(name, "balancer") == 0, registry = strcmp(name, "registry") == 0;
        bool before = i < 2;
        assert_int_equal(chain->links[i].passed, last ? 1 : before ? 3 : 2);
        assert_int_equal(chain->links[i].refused, registry ? 1 : 0);
        assert_int_equal(chain->links[i].waited, last ? 1 : 0);
    }
}

static void names_must_be_names(void **state)
{
    static const char *const bad[] = {"",    "..",   "../x",    "%2e%2e", "a/b",   "A",
                                      "a b", "a\nb", "bus.x.y", "-a",     "a.b.c", "_"};
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        actor_call(ann, i + 1, bad[i], "echo");
        assert_int_equal(actor_outcome(ann, i + 1), STATUS_INVALID_ARGUMENT);
        actor_call(ann, i + 1, "orders", bad[i]);
        assert_int_equal(actor_outcome(ann, i + 1), STATUS_INVALID_ARGUMENT);
    }
}

/* ---- deadlines ---- */

static void a_call_runs_into_its_deadline(void **state)
{
    const struct wire_request request = {
        .service = slice_of("orders"), .method = slice_of("echo"), .timeout_ms = 100};
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 0);
    actor_request(ann, 1, &request, nobody);
    uint64_t id = actor_requested(host);
    stage_pass(&stage, 95);
    assert_true(actor_hears_nothing(ann));
    stage_pass(&stage, 20);
    assert_int_equal(actor_outcome(ann, 1), STATUS_DEADLINE_EXCEEDED);
    assert_int_equal(actor_expect(host, WIRE_CANCEL).id, id);
    assert_int_equal(stage_gauges(&stage).abandoned, 1);
    actor_reply(host, id, STATUS_OK, "late"); /* frees the slot, and nothing else */
    assert_true(actor_hears_nothing(ann));
    stage_is_idle(&stage);
}

static void a_slot_is_not_kept_for_ever(void **state)
{
    const struct wire_request request = {
        .service = slice_of("orders"), .method = slice_of("echo"), .timeout_ms = 100};
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 0);
    actor_request(ann, 1, &request, nobody);
    for (unsigned i = 0; i < 8; i++) { /* heartbeats */
        stage_pass(&stage, 8000);
        actor_say(ann);
        actor_say(host);
    }
    stage_is_idle(&stage);
}

static void a_nested_call_ends_with_its_parent(void **state)
{
    struct wire_request request = {
        .service = slice_of("orders"), .method = slice_of("echo"), .timeout_ms = 200};
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    struct actor *other = stage_join(&stage, SERVER);
    actor_register(host, "orders", 0);
    actor_register(other, "prices", 0);
    actor_request(ann, 1, &request, nobody);
    struct wire_envelope parent = actor_expect(host, WIRE_REQUEST);
    struct slice credential = actor_credential(host, &parent);
    request = (struct wire_request){.service = slice_of("prices"),
                                    .method = slice_of("get"),
                                    .timeout_ms = 60000,
                                    .parent = parent.id};
    stage_pass(&stage, 50);
    actor_request(host, 7, &request, credential);
    struct wire_envelope nested = actor_expect(other, WIRE_REQUEST);
    assert_int_equal(nested.request.timeout_ms, 150);
    stage_pass(&stage, 170);
    assert_int_equal(actor_outcome(host, 7), STATUS_DEADLINE_EXCEEDED);
    request.parent = parent.id; /* which is over */
    actor_request(host, 8, &request, credential);
    assert_int_equal(actor_outcome(host, 8), STATUS_CANCELLED);
}

/* Only whoever serves a call makes calls for it. */
static void a_parent_is_not_anybodys(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    struct actor *eve = stage_join(&stage, CALLER);
    actor_register(host, "orders", 0);
    actor_call(ann, 1, "orders", "echo");
    const struct wire_request request = {
        .service = slice_of("orders"), .method = slice_of("echo"), .parent = actor_requested(host)};
    actor_request(eve, 2, &request, nobody);
    assert_int_equal(actor_outcome(eve, 2), STATUS_CANCELLED);
    actor_request(ann, 3, &request, nobody);
    assert_int_equal(actor_outcome(ann, 3), STATUS_CANCELLED);
}

static void shallow(struct limits *limits)
{
    limits->call_depth = 2;
}

static void calls_nest_so_deep(void **state)
{
    struct wire_request request = {.service = slice_of("orders"), .method = slice_of("echo")};
    struct slice credential = {0};
    (void)state;
    change_limits(shallow);
    struct actor *ann = stage_join(&stage, CALLER), *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 0);
    actor_request(ann, 1, &request, nobody);
    for (unsigned depth = 0; depth < 2; depth++) {
        struct wire_envelope got = actor_expect(host, WIRE_REQUEST);
        credential = actor_credential(host, &got);
        request.parent = depth ? 0 : got.id; /* by the seal alone, too */
        actor_request(host, 10 + depth, &request, credential);
    }
    struct wire_envelope deepest = actor_expect(host, WIRE_REQUEST);
    actor_request(host, 20, &request, actor_credential(host, &deepest));
    assert_int_equal(actor_outcome(host, 20), STATUS_INVALID_ARGUMENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_answered),
        TEST(the_earlier_filter_speaks),
        TEST(who_may_not_does_not_learn_that_it_is_full),
        TEST(the_chain_keeps_books),
        TEST(names_must_be_names),
        TEST(a_call_runs_into_its_deadline),
        TEST(a_slot_is_not_kept_for_ever),
        TEST(a_nested_call_ends_with_its_parent),
        TEST(a_parent_is_not_anybodys),
        TEST(calls_nest_so_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
