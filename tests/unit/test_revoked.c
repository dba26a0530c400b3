/* bus.tokens: what was signed can be taken back, and what was opened with it ends. */
#include "../testing.h"

#include "core_ask.h"

#define OPS "infra ops admin:*"
#define HOST "infra host serve:* call:*"
#define SWEPT_MS 20 /* what was opened has ended by then */
#define GATE "infra gate call:* subscribe:>"
#define ANN "acme ann call:* subscribe:> publish:> admin:acme/tap id:a1 issued:1799999990"
#define BOB "acme bob call:* publish:> id:b1"

static struct stage stage;
static struct actor *ops, *host, *gate, *bob;
static struct arena arena;
static struct buf answer;
static uint64_t ids;

static int open_stage(void **state)
{
    (void)state;
    arena_init(&arena);
    stage_init(&stage);
    stage_start(&stage);
    ops = stage_join(&stage, OPS);
    host = stage_join(&stage, HOST);
    gate = stage_join(&stage, GATE);
    bob = stage_join(&stage, BOB);
    actor_register(host, "orders", 100);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    buf_finish(&answer);
    answer = (struct buf){0};
    stage_finish(&stage);
    arena_finish(&arena);
    return 0;
}

static struct slice credential(const char *token)
{
    return wire_write_credential(&(struct wire_credential){.token = slice_of(token)}, &arena);
}

/* Calls on behalf of `credential`; if the call reaches the service it is answered. */
static enum status call_as(struct actor *who, struct slice behalf)
{
    const struct wire_request request = {.service = slice_of("orders"), .method = slice_of("get")};
    struct wire_envelope envelope;
    actor_request(who, ++ids, &request, behalf);
    while (actor_next(host, &envelope)) {
        if (envelope.kind == WIRE_REQUEST)
            actor_reply(host, envelope.id, STATUS_OK, "");
    }
    return actor_outcome(who, ids);
}

static enum status ask(struct actor *who, const char *method, const char *question)
{
    return actor_ask(who, ++ids, "bus.tokens", method, question, &answer);
}

static enum status subscribe_as(uint64_t id, const char *token)
{
    Farebox__V1__Subscribe wanted = FAREBOX__V1__SUBSCRIBE__INIT;
    wanted.pattern = (char *)(uintptr_t) "news";
    struct wire_out *out = actor_out(gate);
    wire_put_control(out, id, wire_put_credential(out, credential(token)), WIRE_SUBSCRIBE,
                     &wanted.base);
    actor_say(gate);
    return (enum status)actor_expect(gate, WIRE_ACKNOWLEDGE).acknowledge->status;
}

/* ---- one token ---- */

static void a_revoked_token_is_refused_at_the_next_call(void **state)
{
    (void)state;
    assert_int_equal(call_as(gate, credential(ANN)), STATUS_OK);
    assert_int_equal(ask(ops, "revoke", "{\"id\":\"a1\"}"), STATUS_OK);
    assert_int_equal(call_as(gate, credential(ANN)), STATUS_UNAUTHENTICATED);
    assert_int_equal(call_as(gate, credential("acme ann call:* id:a2")), STATUS_OK);
    assert_int_equal(call_as(bob, slice_make(NULL, 0)), STATUS_OK);
    enum status status;
    assert_null(stage_try_join(&stage, ANN, &status));
    assert_int_equal(status, STATUS_UNAUTHENTICATED);
}

/* Both in one frame: the credential was resolved before it was revoked. */
static void not_even_in_the_frame_that_revokes_it(void **state)
{
    const struct wire_request call = {.service = slice_of("orders"), .method = slice_of("get")};
    const struct wire_request logout = {.service = slice_of("bus.tokens"),
                                        .method = slice_of("logout")};
    (void)state;
    struct wire_out *out = actor_out(gate);
    uint32_t index = wire_put_credential(out, credential(ANN));
    wire_put_request(out, 71, index, &logout);
    wire_put_request(out, 72, index, &call);
    actor_say(gate);
    assert_int_equal(actor_outcome(gate, 71), STATUS_OK);
    assert_int_equal(actor_outcome(gate, 72), STATUS_UNAUTHENTICATED);
}

static void a_session_ends_with_its_token(void **state)
{
    (void)state;
    size_t sessions = stage_gauges(&stage).sessions;
    struct actor *ann = stage_join(&stage, ANN);
    assert_int_equal(ask(ops, "revoke", "{\"id\":\"a1\"}"), STATUS_OK);
    actor_call(ann, ++ids, "orders", "get");
    assert_true(actor_hears_nothing(host));
    stage_pass(&stage, SWEPT_MS);
    assert_int_equal(stage_gauges(&stage).sessions, sessions);
}

static void a_service_goes_with_the_token_it_was_registered_with(void **state)
{
    (void)state;
    struct actor *other = stage_join(&stage, "infra other serve:* id:s1");
    actor_register(other, "prices", 10);
    assert_int_equal(ask(ops, "revoke", "{\"id\":\"s1\"}"), STATUS_OK);
    stage_pass(&stage, 2000);
    actor_call(bob, ++ids, "prices", "get");
    stage_pass(&stage, 2000);
    assert_int_equal(actor_outcome(bob, ids), STATUS_UNAVAILABLE);
}

static void whoever_logs_out_is_answered_first(void **state)
{
    (void)state;
    size_t sessions = stage_gauges(&stage).sessions;
    struct actor *ann = stage_join(&stage, ANN);
    assert_int_equal(ask(ann, "logout", "{}"), STATUS_OK);
    stage_pass(&stage, SWEPT_MS);
    assert_int_equal(stage_gauges(&stage).sessions, sessions);
    assert_int_equal(call_as(gate, credential(ANN)), STATUS_UNAUTHENTICATED);
    assert_int_equal(ask(ops, "logout", "{}"), STATUS_INVALID_ARGUMENT); /* no id */
}

/* A service that was called with the token ends that one, not its own, and what it was lent of it.
 */
static void a_service_logs_out_whom_it_serves(void **state)
{
    const struct wire_request request = {.service = slice_of("orders"), .method = slice_of("get")};
    const struct wire_request logout = {.service = slice_of("bus.tokens"),
                                        .method = slice_of("logout")};
    (void)state;
    actor_request(gate, 80, &request, credential(ANN));
    struct wire_envelope served = actor_expect(host, WIRE_REQUEST);
    struct slice lent = arena_copy(&arena, actor_credential(host, &served));
    actor_request(host, 1, &logout, lent);
    assert_int_equal(actor_expect(host, WIRE_REPLY).reply.status, STATUS_OK);
    actor_request(host, 2, &request, lent);
    assert_int_equal(actor_expect(host, WIRE_REPLY).reply.status, STATUS_UNAUTHENTICATED);
    actor_reply(host, served.id, STATUS_OK, "");
    assert_int_equal(actor_outcome(gate, 80), STATUS_OK);
    assert_int_equal(call_as(gate, credential(ANN)), STATUS_UNAUTHENTICATED);
    assert_int_equal(ask(ops, "list", "{}"), STATUS_OK);
    assert_non_null(strstr((const char *)answer.data, "\"until_ms\":1800086400000"));
}

/* ---- what was opened with it ---- */

static void a_subscription_ends(void **state)
{
    (void)state;
    assert_int_equal(subscribe_as(7, ANN), STATUS_OK);
    assert_int_equal(actor_publish(bob, "news", "one"), STATUS_OK);
    assert_int_equal(actor_expect(gate, WIRE_DELIVERY).id, 7);
    assert_int_equal(ask(ops, "revoke", "{\"id\":\"a1\"}"), STATUS_OK);
    assert_int_equal(actor_publish(bob, "news", "two"), STATUS_OK);
    stage_pass(&stage, SWEPT_MS);
    struct wire_envelope told = actor_expect(gate, WIRE_ACKNOWLEDGE);
    assert_int_equal(told.id, 7);
    assert_int_equal(told.acknowledge->status, STATUS_UNAUTHENTICATED);
    assert_int_equal(stage_gauges(&stage).subscriptions, 0);
    assert_true(actor_hears_nothing(gate));
    assert_int_equal(subscribe_as(7, ANN), STATUS_UNAUTHENTICATED);
}

/* Between the word and the end of what was opened there is not one event. */
static void nothing_is_heard_after_the_answer(void **state)
{
    (void)state;
    const struct wire_request logout = {.service = slice_of("bus.tokens"),
                                        .method = slice_of("logout")};
    const struct wire_request watch = {
        .service = slice_of("bus.tap"), .method = slice_of("watch"), .stream = true};
    assert_int_equal(subscribe_as(7, ANN), STATUS_OK);
    actor_request(gate, 60, &watch, credential(ANN));
    struct wire_out *out = actor_out(gate);
    wire_put_request(out, 90, wire_put_credential(out, credential(ANN)), &logout);
    wire_put_publish(out, 0, wire_put_credential(out, credential(BOB)),
                     &(struct wire_publish){.topic = slice_of("news")});
    actor_say(gate);
    struct wire_envelope envelope;
    while (actor_next(gate, &envelope)) {
        assert_int_not_equal(envelope.kind, WIRE_DELIVERY);
        assert_int_not_equal(envelope.kind, WIRE_PART);
    }
}

static void feeds_and_taps_end(void **state)
{
    const struct wire_request watch = {
        .service = slice_of("bus.tap"), .method = slice_of("watch"), .stream = true};
    const struct wire_request feed = {.service = slice_of("bus.feed"),
                                      .method = slice_of("open"),
                                      .payload = slice_of("\x81\xa7pattern\xa4news")};
    (void)state;
    actor_request(gate, 60, &watch, credential(ANN));
    actor_request(gate, 61, &feed, credential(ANN));
    assert_int_equal(actor_outcome(gate, 61), STATUS_OK);
    assert_int_equal(stage_gauges(&stage).feeds, 1);
    assert_int_equal(ask(ops, "revoke", "{\"id\":\"a1\"}"), STATUS_OK);
    stage_pass(&stage, SWEPT_MS);
    assert_int_equal(stage_gauges(&stage).feeds, 0);
    assert_int_equal(actor_outcome(gate, 60), STATUS_UNAUTHENTICATED);
    stage_is_idle(&stage);
}

/* ---- all of a user's ---- */

static void all_tokens_of_a_user_that_were_issued_before(void **state)
{
    (void)state;
    const char *older = "acme ann call:* issued:1799999998", *silent = "acme ann call:*",
               *newer = "acme ann call:* issued:1799999999",
               *namesake = "globex ann call:* issued:1799999990";
    assert_int_equal(subscribe_as(7, ANN), STATUS_OK);
    assert_int_equal(ask(ops, "revoke",
                         "{\"tenant\":\"acme\",\"user\":\"ann\","
                         "\"issued_before_ms\":1799999999000}"),
                     STATUS_OK);
    stage_pass(&stage, SWEPT_MS);
    assert_int_equal(actor_expect(gate, WIRE_ACKNOWLEDGE).id, 7);
    assert_int_equal(call_as(gate, credential(older)), STATUS_UNAUTHENTICATED);
    assert_int_equal(call_as(gate, credential(silent)), STATUS_UNAUTHENTICATED);
    assert_int_equal(call_as(gate, credential(newer)), STATUS_OK);
    assert_int_equal(call_as(gate, credential(namesake)), STATUS_OK);
    /* An earlier moment takes nothing back. */
    assert_int_equal(
        ask(ops, "revoke", "{\"tenant\":\"acme\",\"user\":\"ann\",\"issued_before_ms\":1000}"),
        STATUS_OK);
    assert_int_equal(call_as(gate, credential(older)), STATUS_UNAUTHENTICATED);
    assert_int_equal(ask(ops, "revoke", "{\"tenant\":\"acme\",\"user\":\"ann\"}"), STATUS_OK);
    assert_int_equal(call_as(gate, credential(newer)), STATUS_UNAUTHENTICATED);
}

static void contexts_that_came_from_them_too(void **state)
{
    const struct wire_request request = {.service = slice_of("orders"), .method = slice_of("get")};
    (void)state;
    actor_request(gate, 80, &request, credential(ANN));
    struct wire_envelope served = actor_expect(host, WIRE_REQUEST);
    struct slice lent = arena_copy(&arena, actor_credential(host, &served));
    assert_int_equal(ask(ops, "revoke", "{\"tenant\":\"acme\",\"user\":\"ann\"}"), STATUS_OK);
    actor_request(host, 2, &request, lent);
    assert_int_equal(actor_expect(host, WIRE_REPLY).reply.status, STATUS_UNAUTHENTICATED);
    actor_reply(host, served.id, STATUS_OK, "");
}

static void what_makes_no_sense_is_refused(void **state)
{
    static const char *const questions[] = {
        "{}",
        "{\"id\":\"\"}",
        "{\"id\":7}",
        "{\"id\":\"a1\",\"user\":\"ann\"}",
        "{\"user\":\"ann\"}",
        "{\"tenant\":\"acme\"}",
        "{\"tenant\":\"acme\",\"user\":\"ann\",\"expires_ms\":1}",
        "{\"tenant\":\"acme\",\"user\":\"ann\",\"issued_befor_ms\":1}",
        "{\"tenant\":\"acme\",\"user\":\"ann\",\"issued_before_ms\":1800001000000}",
        "{\"tenant\":\"a b\",\"user\":\"ann\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        assert_int_equal(ask(ops, "revoke", questions[i]), STATUS_INVALID_ARGUMENT);
    assert_int_equal(ask(ops, "list", "{}"), STATUS_OK);
    assert_string_equal((const char *)answer.data, "{\"revoked\":[],\"next\":\"\"}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_revoked_token_is_refused_at_the_next_call),
        TEST(not_even_in_the_frame_that_revokes_it),
        TEST(a_session_ends_with_its_token),
        TEST(a_service_goes_with_the_token_it_was_registered_with),
        TEST(whoever_logs_out_is_answered_first),
        TEST(a_service_logs_out_whom_it_serves),
        TEST(a_subscription_ends),
        TEST(nothing_is_heard_after_the_answer),
        TEST(feeds_and_taps_end),
        TEST(all_tokens_of_a_user_that_were_issued_before),
        TEST(contexts_that_came_from_them_too),
        TEST(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
