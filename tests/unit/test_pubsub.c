/* Events: who gets what, in which order, and what is said of those that were missed. */
#include "../testing.h"

#include "base/mem.h"
#include "core_stage.h"

#include <stdio.h>
#include <stdlib.h>

#define ANN "acme ann publish:> subscribe:>"
#define BOB "acme bob publish:> subscribe:>"
#define EVE "bolt eve publish:> subscribe:>"
#define OPS "infra ops subscribe:*/> subscribe:> publish:>"

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

static bool hears(struct actor *actor, uint64_t subscription, const char *payload)
{
    struct wire_envelope envelope;
    while (actor_next(actor, &envelope)) {
        if (envelope.kind == WIRE_DELIVERY)
            return envelope.id == subscription && slice_is(envelope.delivery.payload, payload);
    }
    return false;
}

/* ---- patterns ---- */

static void patterns_choose(void **state)
{
    static const struct {
        const char *pattern, *topic;
        bool matches;
    } rows[] = {
        {"news.a", "news.a", true}, {"news.a", "news.b", false},  {"news.a", "news.a.b", false},
        {"news.*", "news.a", true}, {"news.*", "news", false},    {"news.*", "news.a.b", false},
        {"news.>", "news.a", true}, {"news.>", "news.a.b", true}, {"news.>", "news", false},
        {"*.a", "news.a", true},    {"*.a", "a", false},          {"*.*.x", "a.b.x", true},
        {">", "a", true},           {">", "a.b.c", true},         {"*", "a", true},
        {"*", "a.b", false},        {"a.*.c.>", "a.b.c.d", true}, {"a.*.c.>", "a.b.c", false},
    };
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *bob = stage_join(&stage, BOB);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(actor_subscribe(ann, 5, rows[i].pattern, NULL, NULL), STATUS_OK);
        assert_int_equal(actor_publish(bob, rows[i].topic, "x"), STATUS_OK);
        if (hears(ann, 5, "x") != rows[i].matches)
            fail_msg("%s and %s", rows[i].pattern, rows[i].topic);
        wire_put_control(actor_out(ann), 5, 0, WIRE_UNSUBSCRIBE, NULL);
        actor_say(ann);
    }
    assert_int_equal(stage_gauges(&stage).subscriptions, 0);
}

/* Random subscriptions and topics, against a match written down here once more. */
static bool matches(const char *pattern, const char *topic)
{
    if (strcmp(pattern, ">") == 0)
        return true;
    size_t p = strcspn(pattern, "."), t = strcspn(topic, ".");
    if (!(p == 1 && *pattern == '*') && (p != t || memcmp(pattern, topic, p) != 0))
        return false;
    if (!pattern[p] || !topic[t])
        return !pattern[p] && !topic[t];
    return matches(pattern + p + 1, topic + t + 1);
}

static void draw_topic(struct rng *rng, bool pattern, char *out)
{
    size_t tokens = 1 + rng_below(rng, 4);
    for (size_t i = 0; i < tokens; i++) {
        uint64_t kind = rng_below(rng, pattern ? 5 : 3);
        bool tail = kind == 4 && i + 1 == tokens;
        if (i > 0)
            *out++ = '.';
        *out++ = kind < 3 ? (char)('a' + kind) : tail ? '>' : '*';
    }
    *out = '\0';
}

static unsigned count_deliveries(struct actor *actor)
{
    struct wire_envelope envelope;
    unsigned count = 0;
    while (actor_next(actor, &envelope))
        count += envelope.kind == WIRE_DELIVERY;
    return count;
}

static void many_subscriptions_at_once(void **state)
{
    enum { MANY = 60 };
    static char patterns[MANY][16];
    struct rng rng = {3};
    char topic[16];
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *bob = stage_join(&stage, BOB);
    for (unsigned i = 0; i < MANY; i++) {
        draw_topic(&rng, true, patterns[i]);
        assert_int_equal(actor_subscribe(ann, i + 1, patterns[i], NULL, NULL), STATUS_OK);
    }
    for (unsigned round = 0; round < 200; round++) {
        unsigned due = 0, changed = (unsigned)rng_below(&rng, MANY);
        draw_topic(&rng, false, topic);
        for (unsigned i = 0; i < MANY; i++)
            due += matches(patterns[i], topic);
        assert_int_equal(actor_publish(bob, topic, "x"), STATUS_OK);
        assert_int_equal(count_deliveries(ann), due);
        wire_put_control(actor_out(ann), changed + 1, 0, WIRE_UNSUBSCRIBE, NULL);
        draw_topic(&rng, true, patterns[changed]);
        assert_int_equal(actor_subscribe(ann, changed + 1, patterns[changed], NULL, NULL),
                         STATUS_OK);
    }
}

/* ---- tenants ---- */

static void tenants_do_not_hear_each_other(void **state)
{
    static const char *const patterns[] = {">", "news.a", "*.a", "news.>"};
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *eve = stage_join(&stage, EVE);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(actor_subscribe(ann, i + 1, patterns[i], NULL, NULL), STATUS_OK);
    assert_int_equal(actor_publish(eve, "news.a", "secret"), STATUS_OK);
    assert_true(actor_hears_nothing(ann));
}

static void another_tenant_cannot_be_named(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN);
    const struct wire_publish event = {
        .topic = slice_of("news.a"), .tenant = slice_of("bolt"), .confirm = true};
    assert_int_equal(actor_subscribe(ann, 1, "news.a", NULL, "bolt"), STATUS_TENANT_MISMATCH);
    wire_put_publish(actor_out(ann), 7, 0, &event);
    actor_say(ann);
    assert_int_equal(actor_expect(ann, WIRE_ACKNOWLEDGE).acknowledge->status,
                     FAREBOX__V1__STATUS__TENANT_MISMATCH);
}

static void all_tenants_need_a_permission_that_says_so(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *ops = stage_join(&stage, OPS);
    assert_int_equal(actor_subscribe(ann, 1, "news.a", NULL, "*"), STATUS_PERMISSION_DENIED);
    assert_int_equal(actor_subscribe(ops, 1, "news.a", NULL, "*"), STATUS_OK);
    assert_int_equal(actor_publish(ann, "news.a", "x"), STATUS_OK);
    struct wire_envelope envelope = actor_expect(ops, WIRE_DELIVERY);
    assert_true(slice_is(envelope.delivery.tenant, "acme"));
    assert_true(slice_is(envelope.delivery.user, "ann"));
    assert_true(envelope.credential > 0);
}

/* The event's own context: it may be used by whom it was sent to, and by nobody else. */
static void an_event_across_brings_its_context(void **state)
{
    (void)state;
    struct actor *ops = stage_join(&stage, OPS), *eve = stage_join(&stage, EVE);
    struct actor *ann = stage_join(&stage, "acme ann publish:> call:*");
    const struct wire_request request = {.service = slice_of("bus.registry"),
                                         .method = slice_of("list")};
    assert_int_equal(actor_subscribe(ops, 1, "news.a", NULL, "*"), STATUS_OK);
    assert_int_equal(actor_publish(ann, "news.a", "x"), STATUS_OK);
    struct wire_envelope envelope = actor_expect(ops, WIRE_DELIVERY);
    struct slice credential = actor_credential(ops, &envelope);
    actor_request(eve, 1, &request, credential);
    assert_int_equal(actor_expect(eve, WIRE_REPLY).reply.status, STATUS_UNAUTHENTICATED);
    actor_request(ops, 2, &request, credential);
    assert_int_equal(actor_expect(ops, WIRE_REPLY).reply.status, STATUS_OK);
}

static void the_brokers_topics_are_its_own(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN);
    assert_int_equal(actor_publish(ann, "bus.service.orders", "x"), STATUS_PERMISSION_DENIED);
    assert_int_equal(actor_publish(ann, "bus.x", "x"), STATUS_PERMISSION_DENIED);
    assert_int_equal(actor_publish(ann, "bus", "x"), STATUS_OK);
    assert_int_equal(actor_publish(ann, "business.x", "x"), STATUS_OK);
}

static void its_own_events_stay_in_the_tenant_they_concern(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *eve = stage_join(&stage, EVE);
    struct actor *own = stage_join(&stage, "acme host serve:acme/orders");
    Farebox__V1__Register wanted = FAREBOX__V1__REGISTER__INIT;
    wanted.service = (char *)(uintptr_t) "orders";
    wanted.tenant = (char *)(uintptr_t) "acme";
    assert_int_equal(actor_subscribe(ann, 1, "bus.>", NULL, NULL), STATUS_OK);
    assert_int_equal(actor_subscribe(eve, 1, "bus.>", NULL, NULL), STATUS_OK);
    assert_int_equal(actor_register_as(own, &wanted), STATUS_OK);
    struct wire_envelope envelope = actor_expect(ann, WIRE_DELIVERY);
    assert_true(slice_is(envelope.delivery.topic, "bus.service.orders"));
    assert_true(actor_hears_nothing(eve));
}

/* ---- refusals ---- */

static void what_is_not_permitted_is_refused(void **state)
{
    (void)state;
    struct actor *reader = stage_join(&stage, "acme reader subscribe:news.*");
    assert_int_equal(actor_publish(reader, "news.a", "x"), STATUS_PERMISSION_DENIED);
    assert_int_equal(actor_subscribe(reader, 1, "news.>", NULL, NULL), STATUS_PERMISSION_DENIED);
    assert_int_equal(actor_subscribe(reader, 1, "news.*", NULL, NULL), STATUS_OK);
    assert_int_equal(actor_subscribe(reader, 1, "news.a", NULL, NULL), STATUS_CONFLICT);
    assert_int_equal(actor_subscribe(reader, 2, "news..a", NULL, NULL), STATUS_INVALID_ARGUMENT);
    assert_int_equal(actor_subscribe(reader, 2, "news.a", "No Group", NULL),
                     STATUS_INVALID_ARGUMENT);
    assert_int_equal(stage_gauges(&stage).subscriptions, 1);
}

static void topics_must_be_topics(void **state)
{
    static const char *const bad[] = {"",    ".",   "a.",  ".a",    "a..b", "a.*",    ">",
                                      "A.b", "a b", "a/b", "a.%2e", "a\nb", "../etc", "a.\xff"};
    (void)state;
    struct actor *ann = stage_join(&stage, ANN);
    assert_int_equal(actor_subscribe(ann, 1, ">", NULL, NULL), STATUS_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad - 1; i++)
        assert_int_equal(actor_publish(ann, bad[i], "x"), STATUS_INVALID_ARGUMENT);
    assert_true(actor_hears_nothing(ann));
}

static void a_session_has_so_many_subscriptions(void **state)
{
    (void)state;
    stage.options.limits.max_subscriptions = 3;
    core_reload(stage.core, &stage.options.limits);
    struct actor *ann = stage_join(&stage, ANN);
    for (unsigned i = 1; i <= 3; i++)
        assert_int_equal(actor_subscribe(ann, i, "news.a", NULL, NULL), STATUS_OK);
    assert_int_equal(actor_subscribe(ann, 4, "news.a", NULL, NULL), STATUS_OVERLOADED);
}

static enum status subscribe_for(struct actor *actor, uint64_t id, const char *token)
{
    const struct wire_credential credential = {.token = slice_of(token)};
    Farebox__V1__Subscribe wanted = FAREBOX__V1__SUBSCRIBE__INIT;
    struct wire_out *out = actor_out(actor);
    wanted.pattern = (char *)(uintptr_t) "news.a";
    uint32_t index = wire_put_credential(out, wire_write_credential(&credential, &actor->arena));
    wire_put_control(out, id, index, WIRE_SUBSCRIBE, &wanted.base);
    actor_say(actor);
    return (enum status)actor_expect(actor, WIRE_ACKNOWLEDGE).acknowledge->status;
}

/* A sixteenth for a user, whatever the token, and a quarter for a tenant; the session's own are not
 * counted so. */
static void those_a_session_speaks_for_have_a_part_each(void **state)
{
    uint64_t id = 1;
    char token[64];
    (void)state;
    stage.options.limits.max_subscriptions = 64;
    core_reload(stage.core, &stage.options.limits);
    struct actor *gate = stage_join(&stage, "infra gate subscribe:>");
    for (unsigned user = 0; user < 4; user++) {
        for (unsigned n = 0; n < 4; n++, id++) {
            snprintf(token, sizeof token, "acme user%u subscribe:> id:%u", user, n % 2);
            assert_int_equal(subscribe_for(gate, id, token), STATUS_OK);
        }
        assert_int_equal(subscribe_for(gate, id, token), STATUS_QUOTA_EXCEEDED);
    }
    assert_int_equal(subscribe_for(gate, id, ANN), STATUS_QUOTA_EXCEEDED);
    assert_int_equal(subscribe_for(gate, id++, EVE), STATUS_OK);
    for (unsigned user = 0; user < 20; user++) {
        snprintf(token, sizeof token, "infra user%u subscribe:>", user);
        assert_int_equal(subscribe_for(gate, id++, token), STATUS_OK);
    }
    while (id <= 64)
        assert_int_equal(actor_subscribe(gate, id++, "news.a", NULL, NULL), STATUS_OK);
    wire_put_control(actor_out(gate), 1, 0, WIRE_UNSUBSCRIBE, NULL);
    actor_say(gate);
    (void)actor_expect(gate, WIRE_ACKNOWLEDGE);
    assert_int_equal(subscribe_for(gate, 1, "acme user0 subscribe:>"), STATUS_OK);
}

static void a_large_event_is_refused(void **state)
{
    char *payload = mem_zalloc(70000);
    (void)state;
    struct actor *ann = stage_join(&stage, ANN);
    memset(payload, 'x', 65537);
    assert_int_equal(actor_publish(ann, "news.a", payload), STATUS_TOO_LARGE);
    payload[65536] = '\0';
    assert_int_equal(actor_publish(ann, "news.a", payload), STATUS_OK);
    mem_free(payload);
}

/* ---- queue groups ---- */

static void a_group_takes_turns(void **state)
{
    struct actor *members[3];
    unsigned got[3] = {0};
    (void)state;
    struct actor *bob = stage_join(&stage, BOB), *plain = stage_join(&stage, ANN);
    for (unsigned i = 0; i < 3; i++) {
        members[i] = stage_join(&stage, ANN);
        assert_int_equal(actor_subscribe(members[i], 1, "jobs.>", "workers", NULL), STATUS_OK);
    }
    assert_int_equal(actor_subscribe(plain, 1, "jobs.*", NULL, NULL), STATUS_OK);
    for (unsigned n = 0; n < 30; n++)
        assert_int_equal(actor_publish(bob, "jobs.a", "x"), STATUS_OK);
    for (unsigned i = 0; i < 3; i++)
        got[i] = count_deliveries(members[i]);
    assert_int_equal(got[0], 10);
    assert_int_equal(got[1], 10);
    assert_int_equal(got[2], 10);
    assert_int_equal(count_deliveries(plain), 30);
}

static void two_groups_each_get_it(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN), *bob = stage_join(&stage, BOB);
    assert_int_equal(actor_subscribe(ann, 1, "jobs.a", "workers", NULL), STATUS_OK);
    assert_int_equal(actor_subscribe(ann, 2, "jobs.a", "auditors", NULL), STATUS_OK);
    assert_int_equal(actor_subscribe(ann, 3, "jobs.a", "workers", NULL), STATUS_OK);
    assert_int_equal(actor_publish(bob, "jobs.a", "x"), STATUS_OK);
    assert_int_equal(count_deliveries(ann), 2);
}

static void a_group_passes_over_the_lost(void **state)
{
    (void)state;
    struct actor *bob = stage_join(&stage, BOB);
    struct actor *here = stage_join(&stage, ANN), *lost = stage_join(&stage, ANN);
    assert_int_equal(actor_subscribe(here, 1, "jobs.a", "workers", NULL), STATUS_OK);
    assert_int_equal(actor_subscribe(lost, 1, "jobs.a", "workers", NULL), STATUS_OK);
    actor_cut(lost, false);
    for (unsigned n = 0; n < 10; n++)
        assert_int_equal(actor_publish(bob, "jobs.a", "x"), STATUS_OK);
    assert_int_equal(count_deliveries(here), 10);
}

/* ---- what was missed ---- */

static void the_slow_are_told_what_they_missed(void **state)
{
    char payload[2001];
    (void)state;
    memset(payload, 'x', 2000);
    payload[2000] = '\0';
    stage.options.limits.outbox_bytes = 20000;
    core_reload(stage.core, &stage.options.limits);
    struct actor *bob = stage_join(&stage, BOB), *slow = stage_join(&stage, ANN);
    assert_int_equal(actor_subscribe(slow, 1, "news.a", NULL, NULL), STATUS_OK);
    assert_true(actor_hears_nothing(slow));
    actor_cut(slow, false);
    for (unsigned n = 0; n < 50; n++)
        assert_int_equal(actor_publish(bob, "news.a", payload), STATUS_OK);
    slow->pipe = stage_pipe(&stage);
    actor_say(slow); /* resumes */
    unsigned kept = count_deliveries(slow);
    assert_in_range(kept, 9, 11);
    actor_say(slow); /* acknowledges: there is room again */
    assert_int_equal(actor_publish(bob, "news.a", "last"), STATUS_OK);
    struct wire_envelope envelope = actor_expect(slow, WIRE_DELIVERY);
    assert_true(slice_is(envelope.delivery.payload, "last"));
    assert_int_equal(envelope.delivery.missed, 50 - kept);
    assert_int_equal(actor_publish(bob, "news.a", "next"), STATUS_OK);
    assert_int_equal(actor_expect(slow, WIRE_DELIVERY).delivery.missed, 0);
}

static void nothing_is_lost_within_the_grace(void **state)
{
    (void)state;
    struct actor *bob = stage_join(&stage, BOB), *ann = stage_join(&stage, ANN);
    assert_int_equal(actor_subscribe(ann, 1, "news.a", NULL, NULL), STATUS_OK);
    actor_cut(ann, false);
    for (unsigned n = 0; n < 20; n++) {
        char text[8];
        snprintf(text, sizeof text, "%u", n);
        assert_int_equal(actor_publish(bob, "news.a", text), STATUS_OK);
    }
    stage_pass(&stage, 900);
    ann->pipe = stage_pipe(&stage);
    actor_say(ann);
    for (unsigned n = 0; n < 20; n++) {
        struct wire_envelope envelope = actor_expect(ann, WIRE_DELIVERY);
        assert_int_equal(strtoul((const char *)envelope.delivery.payload.data, NULL, 10), n);
    }
}

static void a_session_that_ends_takes_its_subscriptions(void **state)
{
    (void)state;
    struct actor *ann = stage_join(&stage, ANN);
    for (unsigned i = 1; i <= 20; i++)
        assert_int_equal(actor_subscribe(ann, i, "news.a", i % 2 ? NULL : "workers", NULL),
                         STATUS_OK);
    actor_cut(ann, false);
    stage_pass(&stage, 1100);
    assert_int_equal(stage_gauges(&stage).subscriptions, 0);
    assert_int_equal(stage_gauges(&stage).sessions, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(patterns_choose),
        TEST(many_subscriptions_at_once),
        TEST(tenants_do_not_hear_each_other),
        TEST(another_tenant_cannot_be_named),
        TEST(all_tenants_need_a_permission_that_says_so),
        TEST(an_event_across_brings_its_context),
        TEST(the_brokers_topics_are_its_own),
        TEST(its_own_events_stay_in_the_tenant_they_concern),
        TEST(what_is_not_permitted_is_refused),
        TEST(topics_must_be_topics),
        TEST(a_session_has_so_many_subscriptions),
        TEST(those_a_session_speaks_for_have_a_part_each),
        TEST(a_large_event_is_refused),
        TEST(a_group_takes_turns),
        TEST(two_groups_each_get_it),
        TEST(a_group_passes_over_the_lost),
        TEST(the_slow_are_told_what_they_missed),
        TEST(nothing_is_lost_within_the_grace),
        TEST(a_session_that_ends_takes_its_subscriptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
