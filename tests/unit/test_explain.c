/* bus.explain: what it says of a call is what becomes of it; and saying so changes nothing. */
#include "../testing.h"

#include "core/state.h"
#include "core_ask.h"

#define SERVER "infra host serve:* tier:internal ends:9999999"

static struct stage stage;
static struct actor *ops, *host;
static struct buf answer;
static uint64_t ids;

static int open_stage(void **state)
{
    static char rules[] = "* calls=2 open-ms=60000";
    static char *const lines[] = {rules};
    char why[256];
    struct limits *limits = &stage.options.limits;
    (void)state;
    stage_init(&stage);
    limits->max_limited_users = 100;
    limits->max_breakers = 16;
    limits->queue_length = 2;
    limits->answer_ttl_ms = 5000;
    assert_int_equal(tiers_add(&limits->tiers, "free per-minute=60 burst=3 monthly=4", why), 0);
    assert_int_equal(tiers_add(&limits->tiers, "pro per-minute=60 burst=3", why), 0);
    assert_int_equal(tiers_add(&limits->tiers, "internal", why), 0);
    assert_int_equal(breaker_table_read(&limits->breakers, lines, 1, why), 0);
    stage_start(&stage);
    ops = stage_join(&stage, "infra ops admin:* tier:internal");
    host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 1);
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

static void explain(struct actor *who, const char *question)
{
    enum status status = actor_ask(who, ++ids, "bus.explain", "call", question, &answer);
    assert_int_equal(status, STATUS_OK);
}

static void assert_says(const char *text)
{
    if (!strstr((const char *)answer.data, text))
        fail_msg("%s does not say %s", (const char *)answer.data, text);
}

static struct wire_reply outcome_of(struct actor *who, const char *service, const char *method)
{
    struct wire_envelope envelope;
    actor_call(who, ++ids, service, method);
    while (actor_next(host, &envelope)) {
        if (envelope.kind == WIRE_REQUEST)
            actor_reply(host, envelope.id, STATUS_OK, "");
    }
    return actor_expect(who, WIRE_REPLY).reply;
}

/* What is explained, then what happens: the same status, for the same reason. */
static void assert_true_to_life(struct actor *who, const char *tenant, const char *user,
                                const char *more, const char *service, const char *method)
{
    char question[512], text[256];
    snprintf(question, sizeof question,
             "{\"tenant\":\"%s\",\"user\":\"%s\",%s,\"service\":\"%s\",\"method\":\"%s\"}", tenant,
             user, more, service, method);
    explain(ops, question);
    struct wire_reply reply = outcome_of(who, service, method);
    snprintf(text, sizeof text, "\"outcome\":\"%s\"", status_text(reply.status));
    assert_says(text);
    if (reply.status == STATUS_OK)
        return;
    snprintf(text, sizeof text, "\"message\":\"%.*s\"", SLICE_FMT(reply.message));
    assert_says(text);
}

#define FREE "\"tier\":\"free\",\"permissions\":[\"call:*\"]"
#define PRO "\"tier\":\"pro\",\"permissions\":[\"call:*\"]"

static void it_is_true_to_life(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, "acme ann call:*");
    struct actor *bob = stage_join(&stage, "acme bob call:stock.*");
    assert_true_to_life(ann, "acme", "ann", FREE, "orders", "get");
    assert_true_to_life(ann, "acme", "ann", FREE, "nobody", "get");
    assert_true_to_life(bob, "acme", "bob", "\"permissions\":[\"call:stock.*\"]", "orders", "get");
    assert_true_to_life(ann, "acme", "ann", FREE, "orders", "get");
    assert_true_to_life(ann, "acme", "ann", FREE, "orders", "get");
    assert_true_to_life(ann, "acme", "ann", FREE, "orders", "get"); /* the burst is used up */
    assert_says("rate_limited");
    stage_pass(&stage, 10000);
    assert_true_to_life(ann, "acme", "ann", FREE, "orders", "get");
    assert_true_to_life(ann, "acme", "ann", FREE, "orders", "get"); /* and so is the month */
    assert_says("quota_exceeded");
}

static void a_breaker_is_explained(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, "acme ann call:* tier:pro");
    for (unsigned n = 0; n < 2; n++) {
        actor_call(ann, ++ids, "orders", "get");
        actor_reply(host, actor_requested(host), STATUS_INTERNAL, "");
        assert_int_equal(actor_outcome(ann, ids), STATUS_INTERNAL);
    }
    explain(ops, "{\"tenant\":\"acme\",\"user\":\"ann\"," PRO
                 ",\"service\":\"orders\",\"method\":\"get\"}");
    assert_says("\"outcome\":\"breaker_open\"");
    assert_says("\"retry_after_ms\":60000");
    assert_int_equal(outcome_of(ann, "orders", "get").status, STATUS_BREAKER_OPEN);
    explain(ops, "{\"tenant\":\"globex\",\"user\":\"eve\"," PRO
                 ",\"service\":\"orders\",\"method\":\"get\"}");
    assert_says("\"outcome\":\"ok\"");
}

static void a_line_is_explained(void **state)
{
    static const char question[] = "{\"tenant\":\"globex\",\"user\":\"eve\"," PRO
                                   ",\"service\":\"orders\",\"method\":\"get\"}";
    (void)state;
    struct actor *busy = stage_join(&stage, "infra busy call:* tier:internal");
    explain(ops, question);
    assert_says("\"outcome\":\"ok\",\"waits\":false");
    actor_call(busy, ++ids, "orders", "get");
    explain(ops, question);
    assert_says("\"outcome\":\"ok\",\"waits\":true");
    assert_int_equal(stage_gauges(&stage).queued, 0);
    wire_put_control(actor_out(host), 0, 0, WIRE_GOODBYE, NULL);
    actor_say(host);
    explain(ops, question);
    assert_says("\"outcome\":\"unavailable\"");
}

/* A thousand times, and everything is as it was. */
static void explaining_changes_nothing(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, "acme ann call:*");
    for (unsigned n = 0; n < 1000; n++)
        explain(ops, "{\"tenant\":\"acme\",\"user\":\"ann\"," FREE
                     ",\"service\":\"orders\",\"method\":\"get\"}");
    assert_says("\"outcome\":\"ok\"");
    assert_true(actor_hears_nothing(host));
    assert_int_equal(stage_gauges(&stage).in_flight, 0);
    for (uint32_t n = 1; n <= 3; n++) {
        struct wire_reply reply = outcome_of(ann, "orders", "get");
        assert_int_equal(reply.status, STATUS_OK);
        assert_int_equal(reply.rate_remaining, 3 - n);
    }
    stage_is_idle(&stage);
}

static void all_that_refuse_are_named(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, "acme ann call:* tier:free");
    for (unsigned n = 0; n < 3; n++)
        assert_int_equal(outcome_of(ann, "orders", "get").status, STATUS_OK);
    explain(ops, "{\"tenant\":\"acme\",\"user\":\"ann\",\"tier\":\"free\",\"permissions\":[],"
                 "\"service\":\"orders\",\"method\":\"get\"}");
    assert_says("\"outcome\":\"permission_denied\"");
    assert_says("\"filter\":\"entitlement\",\"verdict\":\"refuse\"");
    assert_says("\"filter\":\"rate_limit\",\"verdict\":\"refuse\"");
    assert_says("\"filter\":\"balancer\",\"verdict\":\"pass\"");
}

/* What would be left out of the question in silence is refused: a slip answers another one. */
static void nobody_is_supposed_who_cannot_be(void **state)
{
    static const char *const slips[] = {"\"tier\":\"gold\"", "\"permissions\":[\"bogus\"]",
                                        "\"permissions\":[\"call:*\",\"cal:orders.get\"]"};
    char question[256];
    (void)state;
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        snprintf(question, sizeof question, "{%s,\"service\":\"orders\",\"method\":\"get\"}",
                 slips[i]);
        assert_int_equal(actor_ask(ops, ++ids, "bus.explain", "call", question, &answer),
                         STATUS_INVALID_ARGUMENT);
    }
}

static void about_oneself_anybody_may_ask(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, "acme ann call:stock.*");
    explain(ann, "{\"service\":\"orders\",\"method\":\"get\"}");
    assert_says("\"message\":\"needs call:orders.get\"");
}

/* ---- as whoever holds a token ---- */

static void assert_silent_about(const char *text)
{
    if (strstr((const char *)answer.data, text))
        fail_msg("%s says %s", (const char *)answer.data, text);
}

static void a_token_is_judged(void **state)
{
    (void)state;
    explain(ops, "{\"token\":\"acme bob call:stock.* tier:pro\",\"service\":\"orders\","
                 "\"method\":\"get\"}");
    assert_says("\"filter\":\"identity\",\"verdict\":\"pass\",\"message\":\"bob of acme\"");
    assert_says("\"outcome\":\"permission_denied\"");
    assert_says("\"message\":\"needs call:orders.get\"");
    assert_silent_about("tier:pro");
    explain(ops, "{\"token\":\"acme bob call:orders.* tier:pro\",\"service\":\"orders\","
                 "\"method\":\"get\"}");
    assert_says("\"outcome\":\"ok\"");
    assert_silent_about("call:orders");
}

static void what_is_wrong_with_a_token_is_said(void **state)
{
    (void)state;
    explain(ops, "{\"token\":\"rubbish\",\"service\":\"orders\",\"method\":\"get\"}");
    assert_says("\"outcome\":\"unauthenticated\"");
    assert_says("\"filter\":\"identity\",\"verdict\":\"refuse\"");
    assert_says("\"details\":{\"defect\":\"not a token of the stage\"}");
    assert_silent_about("rubbish");
    assert_silent_about("\"registry\"");
}

/* Nothing is remembered of it: each time it is judged anew, and nobody else is forgotten. */
static void a_token_leaves_no_trace(void **state)
{
    static const char question[] = "{\"token\":\"acme ann call:* tier:free\","
                                   "\"service\":\"orders\",\"method\":\"get\"}";
    (void)state;
    struct actor *ann = stage_join(&stage, "acme ann call:* tier:free");
    size_t remembered = identities_count(stage.core->identities);
    unsigned verified = stage.verified, puts = stage.puts;
    for (unsigned n = 0; n < 5; n++)
        explain(ops, question);
    assert_says("\"outcome\":\"ok\"");
    explain(ops, "{\"token\":\"globex eve call:*\",\"service\":\"orders\",\"method\":\"get\"}");
    explain(ops, "{\"token\":\"rubbish\",\"service\":\"orders\",\"method\":\"get\"}");
    assert_int_equal(stage.verified, verified + 7);
    assert_int_equal(stage.puts, puts);
    assert_int_equal(identities_count(stage.core->identities), remembered);
    assert_int_equal(outcome_of(ann, "orders", "get").rate_remaining, 2);
}

static enum status answer_to(struct actor *who, const char *more)
{
    char question[256];
    snprintf(question, sizeof question, "{%s,\"service\":\"orders\",\"method\":\"get\"}", more);
    return actor_ask(who, ++ids, "bus.explain", "call", question, &answer);
}

static void tokens_are_for_operators(void **state)
{
    static const char *const theirs[] = {"\"token\":\"acme ann call:*\"", "\"token\":\"rubbish\""};
    static const char *const wrong[] = {"\"token\":7", "\"token\":\"\"",
                                        "\"token\":\"acme ann call:*\",\"tier\":\"pro\"",
                                        "\"idempotency_key\":7"};
    (void)state;
    struct actor *adm = stage_join(&stage, "acme adm admin:acme/explain");
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
        assert_int_equal(answer_to(adm, theirs[i]), STATUS_PERMISSION_DENIED);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(answer_to(ops, wrong[i]), STATUS_INVALID_ARGUMENT);
}

/* ---- with an idempotency key ---- */

#define KEYED                                                                    \
    "{\"token\":\"acme ann call:* tier:pro\",\"service\":\"orders\",\"method\":" \
    "\"pay\",\"idempotency_key\":\"k1\""

static void pay(struct actor *who)
{
    const struct wire_request request = {.service = slice_of("orders"),
                                         .method = slice_of("pay"),
                                         .payload = slice_of("\x0a"),
                                         .idempotency_key = slice_of("k1")};
    actor_request(who, ++ids, &request, slice_make(NULL, 0));
}

static void a_key_is_explained(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, "acme ann call:* tier:pro");
    explain(ops, KEYED "}");
    assert_says("\"outcome\":\"ok\",\"waits\":false,\"replayed\":false");
    assert_says("nothing is known of this key");
    pay(ann);
    uint64_t served = actor_requested(host), paid = ids;
    explain(ops, KEYED "}");
    assert_says("\"outcome\":\"ok\",\"waits\":true,\"replayed\":false");
    assert_says("a call with this key is under way");
    actor_reply(host, served, STATUS_INVALID_ARGUMENT, "");
    assert_int_equal(actor_outcome(ann, paid), STATUS_INVALID_ARGUMENT);
    explain(ops, KEYED "}");
    assert_says("\"outcome\":\"invalid_argument\",\"waits\":false,\"replayed\":true");
    assert_says("it gets the answer that was kept for this key");
    explain(ops, KEYED ",\"payload\":10}");
    assert_says("\"replayed\":true");
    explain(ops, KEYED ",\"payload\":11}");
    assert_says("\"outcome\":\"invalid_argument\",\"waits\":false,\"replayed\":false");
    assert_says("the idempotency key was used for another request");
    explain(ops, "{\"token\":\"acme bob call:*\",\"service\":\"orders\",\"method\":\"pay\","
                 "\"idempotency_key\":\"k1\"}");
    assert_says("nothing is known of this key"); /* it is ann's */
}

/* What stands behind a kept answer has no say. */
static void a_kept_answer_needs_no_service(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, "acme ann call:* tier:pro");
    pay(ann);
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, ids), STATUS_OK);
    wire_put_control(actor_out(host), 0, 0, WIRE_GOODBYE, NULL);
    actor_say(host);
    explain(ops, KEYED "}");
    assert_says("\"outcome\":\"ok\",\"waits\":false,\"replayed\":true");
    assert_says("\"filter\":\"balancer\",\"verdict\":\"refuse\"");
    pay(ann);
    assert_int_equal(actor_outcome(ann, ids), STATUS_OK);
}

/* Neither is the key taken, nor what is over forgotten, nor an answer given. */
static void explaining_a_key_changes_nothing(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, "acme ann call:* tier:pro");
    for (unsigned n = 0; n < 100; n++)
        explain(ops, KEYED ",\"payload\":11}");
    assert_int_equal(stage.core->answers.by_key.count, 0);
    pay(ann);
    actor_reply(host, actor_requested(host), STATUS_OK, "");
    assert_int_equal(actor_outcome(ann, ids), STATUS_OK);
    for (unsigned n = 0; n < 100; n++)
        explain(ops, KEYED "}");
    assert_true(actor_hears_nothing(host));
    assert_true(actor_hears_nothing(ann));
    stage_pass(&stage, stage.options.limits.answer_ttl_ms + 1000);
    explain(ops, KEYED "}");
    assert_says("nothing is known of this key");
    assert_int_equal(stage.core->answers.n, 1);
    stage_is_idle(&stage);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_true_to_life),
        TEST(a_breaker_is_explained),
        TEST(a_line_is_explained),
        TEST(explaining_changes_nothing),
        TEST(all_that_refuse_are_named),
        TEST(nobody_is_supposed_who_cannot_be),
        TEST(about_oneself_anybody_may_ask),
        TEST(a_token_is_judged),
        TEST(what_is_wrong_with_a_token_is_said),
        TEST(a_token_leaves_no_trace),
        TEST(tokens_are_for_operators),
        TEST(a_key_is_explained),
        TEST(a_kept_answer_needs_no_service),
        TEST(explaining_a_key_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
