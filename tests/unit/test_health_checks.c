/* Checks of instances, by the broker: what is asked, what comes of it for whom calls go to, and who
 * hears of it. */
#include "../testing.h"

#include "base/mem.h"
#include "builtin/packing.h"
#include "core/state.h"
#include "core_stage.h"

#define CALLER "acme ann call:*"
#define SERVER "infra host serve:* call:*"
#define WATCHER "infra eve subscribe:>"
#define INTERVAL_MS 5000u
#define TIMEOUT_MS 500u
#define URL "http://127.0.0.1:8080/health"

static struct stage stage;

static struct probe {
    uint64_t id;
    char url[256];
    uint32_t timeout_ms;
    unsigned asked;
} probe;

static void io_probe(void *arg, uint64_t id, const char *url, uint32_t timeout_ms)
{
    (void)arg;
    probe.id = id;
    probe.timeout_ms = timeout_ms;
    probe.asked++;
    snprintf(probe.url, sizeof probe.url, "%s", url);
}

static int open_stage(void **state)
{
    (void)state;
    stage_init(&stage);
    probe = (struct probe){0};
    stage.options.io.probe = io_probe;
    stage.options.limits.health_least_ms = 100;
    stage.options.limits.health_urls = true;
    stage_start(&stage);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

static Farebox__V1__Register registration(const char *name)
{
    Farebox__V1__Register wanted = FAREBOX__V1__REGISTER__INIT;
    wanted.service = (char *)(uintptr_t)name;
    wanted.capacity = 10;
    wanted.health_interval_ms = INTERVAL_MS;
    wanted.health_timeout_ms = TIMEOUT_MS;
    return wanted;
}

static struct actor *checked(const char *name)
{
    struct actor *actor = stage_join(&stage, SERVER);
    Farebox__V1__Register wanted = registration(name);
    assert_int_equal(actor_register_as(actor, &wanted), STATUS_OK);
    return actor;
}

/* The next request, which must be a check, as soon as it comes. */
static uint64_t asked(struct actor *actor)
{
    struct wire_envelope envelope = {.kind = WIRE_NONE};
    for (unsigned ms = 0; ms <= INTERVAL_MS + 100; ms += 10) {
        while (envelope.kind != WIRE_REQUEST && actor_next(actor, &envelope))
            ;
        if (envelope.kind == WIRE_REQUEST)
            break;
        stage_pass(&stage, 10);
    }
    assert_int_equal(envelope.kind, WIRE_REQUEST);
    assert_true(slice_is(envelope.request.method, "health"));
    assert_int_equal(envelope.credential, 0);
    assert_int_equal(envelope.request.timeout_ms, TIMEOUT_MS);
    return envelope.id;
}

static void say(struct actor *actor, uint64_t id, const char *status)
{
    struct buf payload = {0};
    msgpack_packer packer;
    packing_init(&packer, &payload);
    msgpack_pack_map(&packer, 1);
    pack_pair_text(&packer, "status", slice_of(status));
    const struct wire_reply reply = {.status = STATUS_OK, .payload = buf_slice(&payload)};
    wire_put_reply(actor_out(actor), id, &reply);
    actor_say(actor);
    buf_finish(&payload);
}

/* One check after the other with these answers. */
static void answer_checks(struct actor *actor, const char *status, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        say(actor, asked(actor), status);
}

static const struct service *orders(void)
{
    const struct service *service =
        registry_find(stage.core, slice_make(NULL, 0), slice_of("orders"));
    assert_non_null(service);
    return service;
}

static void is(enum health_state state)
{
    assert_string_equal(health_text(orders()->health.state), health_text(state));
}

/* ---- called ---- */

static void who_asks_for_no_checks_is_ready_and_left_alone(void **state)
{
    (void)state;
    struct actor *host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 1);
    is(HEALTH_READY);
    stage_pass(&stage, 3 * INTERVAL_MS);
    assert_true(actor_hears_nothing(host));
}

/* Calls wait for it until it has said that it is well. */
static void a_starting_instance_gets_no_calls(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = checked("orders");
    is(HEALTH_STARTING);
    stage_pass(&stage, 10);
    uint64_t check = asked(host);
    actor_call(ann, 1, "orders", "get");
    assert_true(actor_hears_nothing(host));
    say(host, check, "pass");
    is(HEALTH_READY);
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    stage_is_idle(&stage);
}

static void failing_checks_take_it_down_and_passed_ones_bring_it_back(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = checked("orders");
    answer_checks(host, "pass", 1);
    answer_checks(host, "fail", HEALTH_FALL - 1);
    is(HEALTH_READY);
    answer_checks(host, "fail", 1);
    is(HEALTH_DOWN);
    actor_call(ann, 1, "orders", "get");
    assert_int_equal(actor_outcome(ann, 1), STATUS_UNAVAILABLE);
    answer_checks(host, "pass", HEALTH_RISE - 1);
    is(HEALTH_DOWN);
    answer_checks(host, "pass", 1);
    is(HEALTH_READY);
    actor_call(ann, 2, "orders", "get");
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 2), STATUS_OK);
}

/* It exchanges frames, so its session lives; but nobody answers. */
static void silence_fails(void **state)
{
    (void)state;
    struct actor *host = checked("orders");
    stage_pass(&stage, 10);
    say(host, asked(host), "pass");
    is(HEALTH_READY);
    stage_pass(&stage, HEALTH_FALL * INTERVAL_MS);
    is(HEALTH_READY); /* the third has not ended */
    stage_pass(&stage, TIMEOUT_MS + 10);
    is(HEALTH_DOWN);
}

static void whatever_it_says_but_ok_fails(void **state)
{
    (void)state;
    struct actor *host = checked("orders");
    answer_checks(host, "pass", 1);
    for (unsigned i = 0; i < HEALTH_FALL; i++)
        actor_reply(host, asked(host), STATUS_METHOD_NOT_FOUND, "");
    is(HEALTH_DOWN);
}

static void say_much(struct actor *actor, uint8_t first)
{
    uint8_t bytes[4097] = {first};
    const struct wire_reply reply = {.status = STATUS_OK,
                                     .payload = slice_make(bytes, sizeof bytes)};
    wire_put_reply(actor_out(actor), asked(actor), &reply);
    actor_say(actor);
}

/* Its end might say that it fails, if it is a map at all. */
static void an_answer_too_long_to_be_read_is_a_warning(void **state)
{
    static const uint8_t maps[HEALTH_FALL] = {0x8f, 0xde, 0xdf};
    (void)state;
    struct actor *host = checked("orders");
    say_much(host, 0x9f);
    is(HEALTH_READY);
    for (unsigned i = 0; i < HEALTH_FALL; i++)
        say_much(host, maps[i]);
    is(HEALTH_DEGRADED);
}

/* What waits for an instance that has gone down waits in vain. */
static void those_who_wait_are_refused_when_it_goes_down(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = checked("orders");
    stage_pass(&stage, 10);
    (void)asked(host);
    actor_call(ann, 1, "orders", "get");
    stage_pass(&stage, HEALTH_FALL * (HEALTH_STARTING_MS + TIMEOUT_MS) + 100);
    is(HEALTH_DOWN);
    assert_int_equal(actor_outcome(ann, 1), STATUS_UNAVAILABLE);
    stage_is_idle(&stage);
}

static void a_late_answer_and_a_strangers_count_for_nothing(void **state)
{
    (void)state;
    struct actor *host = checked("orders"), *other = stage_join(&stage, SERVER);
    uint64_t first = asked(host);
    say(other, first, "pass");
    is(HEALTH_STARTING);
    say(host, first, "pass");
    is(HEALTH_READY);
    answer_checks(host, "fail", HEALTH_FALL);
    is(HEALTH_DOWN);
    uint64_t check = asked(host);
    for (unsigned i = 0; i < 2 * HEALTH_RISE; i++)
        say(other, check, "pass");
    is(HEALTH_DOWN);
    stage_pass(&stage, TIMEOUT_MS + 10);
    for (unsigned i = 0; i < 2 * HEALTH_RISE; i++)
        say(host, check, "pass");
    is(HEALTH_DOWN);
}

/* ---- preferred ---- */

static void degraded_ones_are_for_want_of_better(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *good = checked("orders"),
                 *poor = checked("orders");
    say(good, asked(good), "pass");
    say(poor, asked(poor), "warn");
    is(HEALTH_READY);
    for (unsigned n = 1; n <= 10; n++) {
        actor_call(ann, n, "orders", "get");
        actor_reply(good, actor_requested(good), STATUS_OK, "");
        assert_int_equal(actor_outcome(ann, n), STATUS_OK);
    }
    actor_cut(good, false);
    is(HEALTH_DEGRADED);
    actor_call(ann, 11, "orders", "get");
    actor_reply(poor, actor_requested(poor), STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 11), STATUS_OK);
}

/* What is ready, but ejected by its breaker, is nothing better. */
static void degraded_ones_stand_in_for_the_ejected(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *good = checked("orders"),
                 *poor = checked("orders");
    say(good, asked(good), "pass");
    say(poor, asked(poor), "warn");
    struct instance_breaker *breaker =
        &LIST_ENTRY(orders()->instances.next, struct instance, by_service)->breaker;
    struct instance_breaker closed = *breaker;
    breaker->breaker.state = BREAKER_OPEN;
    breaker->ejected = true;
    actor_call(ann, 1, "orders", "get");
    actor_reply(poor, actor_requested(poor), STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    *breaker = closed;
}

/* A call that waits behind the full, ready one goes to the degraded one once that is gone. */
static void the_line_moves_to_what_is_left(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *good = checked("orders"),
                 *poor = checked("orders");
    say(good, asked(good), "pass");
    say(poor, asked(poor), "warn");
    for (unsigned n = 1; n <= 11; n++)
        actor_call(ann, n, "orders", "get");
    assert_int_equal(stage_gauges(&stage).queued, 1);
    actor_cut(good, false);
    (void)actor_requested(poor);
    assert_int_equal(stage_gauges(&stage).queued, 0);
}

static void a_tenants_own_steps_aside_while_it_is_down(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *shared = stage_join(&stage, SERVER),
                 *own = stage_join(&stage, "acme host serve:acme/*");
    Farebox__V1__Register wanted = registration("orders");
    wanted.tenant = (char *)(uintptr_t) "acme";
    actor_register(shared, "orders", 10);
    assert_int_equal(actor_register_as(own, &wanted), STATUS_OK);
    actor_call(ann, 1, "orders", "get");
    (void)actor_requested(shared);
    answer_checks(own, "pass", 1);
    actor_call(ann, 2, "orders", "get");
    (void)actor_requested(own);
    answer_checks(own, "fail", HEALTH_FALL);
    actor_call(ann, 3, "orders", "get");
    (void)actor_requested(shared);
}

/* ---- announced and counted ---- */

/* Does the payload have this pair of short texts? */
static bool has_pair(struct slice payload, const char *key, const char *value)
{
    char pair[64];
    int len = snprintf(pair, sizeof pair, "%c%s%c%s", (int)(0xa0 + strlen(key)), key,
                       (int)(0xa0 + strlen(value)), value);
    return memmem(payload.data, payload.len, pair, (size_t)len) != NULL;
}

/* The next event says so of the instance, or, if that is "", of the service. */
static void hears(struct actor *eve, const char *instance, const char *health)
{
    struct wire_delivery event = actor_expect(eve, WIRE_DELIVERY).delivery;
    assert_true(slice_is(event.topic, "bus.health.orders"));
    assert_true(has_pair(event.payload, "instance", instance));
    assert_true(has_pair(event.payload, "state", health));
}

static void changes_are_announced(void **state)
{
    (void)state;
    struct actor *eve = stage_join(&stage, WATCHER);
    assert_int_equal(actor_subscribe(eve, 7, "bus.health.>", NULL, NULL), STATUS_OK);
    struct actor *host = checked("orders");
    hears(eve, "actor", "starting");
    hears(eve, "", "starting");
    answer_checks(host, "pass", 1);
    hears(eve, "actor", "ready");
    hears(eve, "", "ready");
    answer_checks(host, "pass", 2);
    assert_true(actor_hears_nothing(eve));
    answer_checks(host, "fail", HEALTH_FALL);
    hears(eve, "actor", "down");
    hears(eve, "", "down");
    answer_checks(host, "warn", HEALTH_RISE);
    hears(eve, "actor", "degraded");
    hears(eve, "", "degraded");
    actor_cut(host, false);
    hears(eve, "actor", "down");
    hears(eve, "", "down");
    stage_pass(&stage, 2000);
    assert_true(actor_hears_nothing(eve)); /* it is down no more than before */
}

static void checks_are_no_calls(void **state)
{
    (void)state;
    struct actor *host = checked("orders");
    answer_checks(host, "pass", 5);
    answer_checks(host, "fail", 2);
    assert_int_equal(orders()->calls, 0);
    assert_int_equal(orders()->errors, 0);
    assert_int_equal(stage.core->stats.calls, 0);
    const struct instance *instance =
        LIST_ENTRY(orders()->instances.next, struct instance, by_service);
    assert_int_equal(instance->n_calls, 0);
    assert_int_equal(instance->errors, 0);
    stage_is_idle(&stage);
}

static void what_drains_or_is_lost_says_so(void **state)
{
    Farebox__V1__Deregister body = FAREBOX__V1__DEREGISTER__INIT;
    (void)state;
    struct actor *ann = stage_join(&stage, CALLER), *host = checked("orders");
    answer_checks(host, "pass", 1);
    actor_call(ann, 1, "orders", "get");
    uint64_t id = actor_requested(host);
    actor_cut(host, true);
    is(HEALTH_READY); /* it has come back */
    body.service = (char *)(uintptr_t) "orders";
    wire_put_control(actor_out(host), 902, 0, WIRE_DEREGISTER, &body.base);
    actor_say(host);
    is(HEALTH_DRAINING);
    actor_reply(host, id, STATUS_OK, "");
    is(HEALTH_DOWN); /* there is no instance */
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
}

/* ---- asked for ---- */

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct actor *host = stage_join(&stage, SERVER);
    Farebox__V1__Register wanted = registration("orders");
    wanted.health_interval_ms = HEALTH_INTERVAL_MAX + 1;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_INVALID_ARGUMENT);
    wanted = registration("orders");
    wanted.health_fall = HEALTH_ROW_MAX + 1;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_INVALID_ARGUMENT);
    wanted = registration("orders");
    wanted.health_endpoint = (char *)(uintptr_t) "file:///etc/passwd";
    assert_int_equal(actor_register_as(host, &wanted), STATUS_INVALID_ARGUMENT);
    wanted = registration("orders");
    wanted.health_endpoint = (char *)(uintptr_t)URL;
    stage.options.limits.health_urls = false;
    core_reload(stage.core, &stage.options.limits);
    assert_int_equal(actor_register_as(host, &wanted), STATUS_INVALID_ARGUMENT);
    wanted.health_interval_ms = 0; /* then it is for people to read */
    assert_int_equal(actor_register_as(host, &wanted), STATUS_OK);
    assert_int_equal(probe.asked, 0);
}

/* However often it wants to be asked. */
static void checks_have_a_least_interval(void **state)
{
    unsigned asked_times = 0;
    struct wire_envelope envelope;
    (void)state;
    struct actor *host = stage_join(&stage, SERVER);
    Farebox__V1__Register wanted = registration("orders");
    wanted.health_interval_ms = 1;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_OK);
    for (unsigned i = 0; i < 1000; i++) {
        stage_pass(&stage, 1);
        while (actor_next(host, &envelope)) {
            asked_times += envelope.kind == WIRE_REQUEST;
            if (envelope.kind == WIRE_REQUEST)
                say(host, envelope.id, "pass");
        }
    }
    assert_in_range(asked_times, 8, 11);
}

/* ---- asked by HTTP ---- */

static void probed(enum health_outcome outcome)
{
    core_begin(stage.core, stage.now);
    core_probed(stage.core, probe.id, outcome, "because");
    core_finish(stage.core);
}

static void an_endpoint_is_asked_in_place_of_it(void **state)
{
    (void)state;
    struct actor *host = stage_join(&stage, SERVER);
    Farebox__V1__Register wanted = registration("orders");
    wanted.health_endpoint = (char *)(uintptr_t)URL;
    assert_int_equal(actor_register_as(host, &wanted), STATUS_OK);
    stage_pass(&stage, 10);
    assert_string_equal(probe.url, URL);
    assert_int_equal(probe.timeout_ms, TIMEOUT_MS);
    say(host, probe.id, "pass"); /* it is not asked */
    is(HEALTH_STARTING);
    probed(HEALTH_PASS);
    is(HEALTH_READY);
    probed(HEALTH_FAIL); /* told twice */
    for (unsigned i = 0; i < HEALTH_FALL; i++) {
        is(HEALTH_READY);
        stage_pass(&stage, INTERVAL_MS);
        probed(HEALTH_FAIL);
    }
    is(HEALTH_DOWN);
    stage_pass(&stage, INTERVAL_MS);
    actor_cut(host, false);
    stage_pass(&stage, 2000); /* it is gone */
    probed(HEALTH_PASS);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, open_stage, close_stage)
    const struct CMUnitTest tests[] = {
        TEST(who_asks_for_no_checks_is_ready_and_left_alone),
        TEST(a_starting_instance_gets_no_calls),
        TEST(failing_checks_take_it_down_and_passed_ones_bring_it_back),
        TEST(silence_fails),
        TEST(whatever_it_says_but_ok_fails),
        TEST(an_answer_too_long_to_be_read_is_a_warning),
        TEST(those_who_wait_are_refused_when_it_goes_down),
        TEST(a_late_answer_and_a_strangers_count_for_nothing),
        TEST(degraded_ones_are_for_want_of_better),
        TEST(degraded_ones_stand_in_for_the_ejected),
        TEST(the_line_moves_to_what_is_left),
        TEST(a_tenants_own_steps_aside_while_it_is_down),
        TEST(changes_are_announced),
        TEST(checks_are_no_calls),
        TEST(what_drains_or_is_lost_says_so),
        TEST(nonsense_is_refused),
        TEST(checks_have_a_least_interval),
        TEST(an_endpoint_is_asked_in_place_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
