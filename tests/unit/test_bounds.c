/* What one peer may take: of others' time, of memory, and of what it was only lent. */
#include "../testing.h"

#include "base/mem.h"
#include "core/core.h"
#include "core/route.h"
#include "core_stage.h"

#define OUTBOX 20000u
#define PAYLOAD 65536u
#define CALLER "acme ann call:* publish:> subscribe:> admin:acme/tap"
#define SERVER "infra host serve:*"

static struct stage stage;
static struct actor *ann, *host;
static char long_text[PAYLOAD + 2];

static int open_stage(void **state)
{
    (void)state;
    memset(long_text, 'x', PAYLOAD + 1);
    stage_init(&stage);
    stage.options.limits.max_payload_bytes = PAYLOAD;
    stage_start(&stage);
    ann = stage_join(&stage, CALLER);
    host = stage_join(&stage, SERVER);
    actor_register(host, "orders", 0);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

static void shrink_outboxes(void)
{
    stage.options.limits.outbox_bytes = OUTBOX;
    core_reload(stage.core, &stage.options.limits);
}

static struct slice text_of(size_t len)
{
    return slice_make(long_text, len);
}

static void drain(void)
{
    core_begin(stage.core, stage.now);
    core_drain(stage.core);
    core_finish(stage.core);
}

/* ---- sizes ---- */

static void texts_beside_a_request_are_bounded(void **state)
{
    struct wire_request request = {.service = slice_of("orders"), .method = slice_of("echo")};
    (void)state;
    request.content_type = text_of(ROUTE_TEXTS_MAX);
    actor_request(ann, 1, &request, slice_make(NULL, 0));
    actor_requested(host);
    request.tracestate = text_of(1);
    actor_request(ann, 2, &request, slice_make(NULL, 0));
    assert_int_equal(actor_outcome(ann, 2), STATUS_TOO_LARGE);
    assert_true(actor_hears_nothing(host));
}

static void texts_beside_a_reply_are_bounded(void **state)
{
    struct wire_reply reply = {.status = STATUS_INTERNAL};
    (void)state;
    for (uint64_t id = 1; id <= 2; id++) {
        reply.message = text_of(ROUTE_TEXTS_MAX + id - 1);
        actor_call(ann, id, "orders", "echo");
        wire_put_reply(actor_out(host), actor_requested(host), &reply);
        actor_say(host);
        assert_int_equal(actor_outcome(ann, id), id == 1 ? STATUS_INTERNAL : STATUS_TOO_LARGE);
    }
    stage_is_idle(&stage);
}

static void texts_beside_an_event_are_bounded(void **state)
{
    struct wire_publish event = {.topic = slice_of("news"), .confirm = true};
    (void)state;
    for (size_t over = 0; over <= 1; over++) {
        event.event_id = text_of(ROUTE_TEXTS_MAX + over);
        wire_put_publish(actor_out(ann), 1, 0, &event);
        actor_say(ann);
        assert_int_equal(actor_expect(ann, WIRE_ACKNOWLEDGE).acknowledge->status,
                         over ? STATUS_TOO_LARGE : STATUS_OK);
    }
}

static void send_part(uint64_t id, size_t len)
{
    const struct wire_part part = {.payload = text_of(len)};
    wire_put_part(actor_out(host), id, &part);
    actor_say(host);
}

static void a_part_is_as_bounded_as_a_payload(void **state)
{
    const struct wire_request request = {
        .service = slice_of("orders"), .method = slice_of("echo"), .stream = true};
    (void)state;
    actor_request(ann, 1, &request, slice_make(NULL, 0));
    uint64_t id = actor_requested(host);
    send_part(id, PAYLOAD);
    assert_int_equal(actor_expect(ann, WIRE_PART).part.payload.len, PAYLOAD);
    send_part(id, PAYLOAD + 1);
    assert_int_equal(actor_outcome(ann, 1), STATUS_TOO_LARGE);
    assert_int_equal(actor_expect(host, WIRE_CANCEL).id, id);
}

/* ---- who does not read ---- */

static void publish_to_ann(struct actor *from, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        const struct wire_publish event = {.topic = slice_of("news"), .payload = text_of(1000)};
        wire_put_publish(actor_out(from), 0, 0, &event);
        actor_say(from);
    }
}

static void a_full_caller_gets_no_payloads(void **state)
{
    (void)state;
    struct actor *bob = stage_join(&stage, "acme bob publish:>");
    shrink_outboxes();
    assert_int_equal(actor_subscribe(ann, 7, "news", NULL, NULL), STATUS_OK);
    actor_call(ann, 1, "orders", "echo");
    ann->silent = true;
    publish_to_ann(bob, 40);
    actor_reply(host, actor_requested(host), STATUS_OK, "at last");
    ann->silent = false;
    actor_say(ann);
    assert_int_equal(actor_outcome(ann, 1), STATUS_OVERLOADED);
    stage_is_idle(&stage);
}

/* What one turn brings is no sign of a slow reader. */
static void events_do_not_crowd_out_an_answer(void **state)
{
    const struct wire_publish event = {.topic = slice_of("news"), .payload = text_of(1000)};
    (void)state;
    struct actor *busy = stage_join(&stage, "acme busy serve:papers publish:>");
    actor_register(busy, "papers", 0);
    shrink_outboxes();
    assert_int_equal(actor_subscribe(ann, 7, "news", NULL, NULL), STATUS_OK);
    actor_call(ann, 1, "papers", "echo");
    for (unsigned n = 0; n < 40; n++)
        wire_put_publish(actor_out(busy), 0, 0, &event);
    actor_reply(busy, actor_requested(busy), STATUS_OK, "all of it");
    assert_int_equal(actor_outcome(ann, 1), STATUS_OK);
    stage_is_idle(&stage);
}

/* Refusals pass a full outbox: asking on and on without reading must end. */
static void who_asks_and_never_reads_is_ended(void **state)
{
    unsigned asked = 0;
    (void)state;
    shrink_outboxes();
    assert_int_equal(stage_gauges(&stage).sessions, 2);
    while (stage_gauges(&stage).sessions == 2 && asked < 5000) {
        for (unsigned n = 0; n < 50; n++)
            wire_put_control(actor_out(ann), ++asked, 0, WIRE_PING, NULL);
        actor_say(ann);
    }
    assert_int_equal(stage_gauges(&stage).sessions, 1);
    assert_in_range(asked, OUTBOX / 30, 5000 - 1); /* not at once either */
}

static void parts_are_not_for_one_shots(void **state)
{
    const struct wire_credential credential = {.token = slice_of(CALLER)};
    const struct wire_request request = {
        .service = slice_of("orders"), .method = slice_of("echo"), .stream = true};
    struct wire_envelope answer;
    struct wire_out out;
    (void)state;
    wire_out_init(&out);
    uint32_t index = wire_put_credential(&out, wire_write_credential(&credential, &ann->arena));
    wire_put_request(&out, 5, index, &request);
    stage_frame_in(&stage, stage_pipe(&stage), wire_seal_frame(&out, &(struct wire_head){0}));
    wire_out_finish(&out);
    uint64_t id = actor_requested(host);
    send_part(id, 10);
    assert_true(stage_answer(&stage, &ann->arena, &answer));
    assert_int_equal(answer.kind, WIRE_REPLY);
    assert_int_equal(answer.reply.status, STATUS_INTERNAL);
    assert_int_equal(actor_expect(host, WIRE_CANCEL).id, id);
}

/* ---- what was lent ---- */

static struct slice lend(void)
{
    actor_call(ann, 1, "orders", "echo");
    struct wire_envelope envelope = actor_expect(host, WIRE_REQUEST);
    return actor_credential(host, &envelope);
}

static void a_lent_context_does_not_subscribe(void **state)
{
    Farebox__V1__Subscribe wanted = FAREBOX__V1__SUBSCRIBE__INIT;
    (void)state;
    struct slice credential = lend();
    wanted.pattern = (char *)(uintptr_t) "news";
    uint32_t index = wire_put_credential(actor_out(host), credential);
    wire_put_control(actor_out(host), 9, index, WIRE_SUBSCRIBE, &wanted.base);
    actor_say(host);
    assert_int_equal(actor_expect(host, WIRE_ACKNOWLEDGE).acknowledge->status,
                     STATUS_PERMISSION_DENIED);
    assert_int_equal(stage_gauges(&stage).subscriptions, 0);
}

static void a_lent_context_opens_no_feed(void **state)
{
    const struct wire_request request = {.service = slice_of("bus.feed"),
                                         .method = slice_of("open"),
                                         .payload = slice_of("\x81\xa7pattern\xa4news")};
    (void)state;
    struct slice credential = lend();
    actor_request(host, 9, &request, credential);
    assert_int_equal(actor_outcome(host, 9), STATUS_PERMISSION_DENIED);
    assert_int_equal(stage.feeds_open, 0);
    actor_request(ann, 9, &request, slice_make(NULL, 0));
    assert_int_equal(actor_outcome(ann, 9), STATUS_OK);
}

static const struct wire_request watch = {.service = {(const uint8_t *)"bus.tap", 7},
                                          .method = {(const uint8_t *)"watch", 5},
                                          .stream = true};

static void a_lent_context_does_not_tap(void **state)
{
    (void)state;
    struct slice credential = lend();
    actor_request(host, 9, &watch, credential);
    assert_int_equal(actor_outcome(host, 9), STATUS_PERMISSION_DENIED);
    actor_request(ann, 9, &watch, slice_make(NULL, 0));
    assert_true(actor_hears_nothing(ann)); /* it goes on */
}

static void a_tap_of_no_name_is_refused(void **state)
{
    static const char *const wrong[] = {
        "\x81\xa7service\xa6Orders",      "\x81\xa7service\xa6orde\nr",
        "\x81\xa7service\xa8\x62us.a.bc", "\x81\xa6tenant\xa6\x61\x63me/an",
        "\x81\xa5topic\xa6news..",
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct wire_request request = watch;
        request.payload = slice_of(wrong[i]);
        actor_request(ann, i + 1, &request, slice_make(NULL, 0));
        assert_int_equal(actor_outcome(ann, i + 1), STATUS_INVALID_ARGUMENT);
    }
    struct wire_request own = watch;
    own.payload = slice_of("\x81\xa7service\xa8\x62us.feed");
    actor_request(ann, 9, &own, slice_make(NULL, 0));
    assert_true(actor_hears_nothing(ann)); /* it goes on */
}

/* ---- the end ---- */

static void a_tap_does_not_hold_up_the_end(void **state)
{
    (void)state;
    actor_request(ann, 1, &watch, slice_make(NULL, 0));
    assert_int_equal(stage_gauges(&stage).calls, 1);
    drain();
    actor_say(ann);
    actor_say(host);
    assert_int_equal(actor_outcome(ann, 1), STATUS_UNAVAILABLE);
    assert_true(core_is_drained(stage.core));
}

static void it_is_drained_when_everybody_has_been_told(void **state)
{
    (void)state;
    struct actor *bob = stage_join(&stage, "acme bob publish:>");
    assert_int_equal(actor_subscribe(ann, 7, "news", NULL, NULL), STATUS_OK);
    ann->silent = true;
    publish_to_ann(bob, 3); /* it has no exchange parked any more */
    assert_int_equal(ann->parked, 0);
    drain();
    stage_pass(&stage, 100);
    assert_false(core_is_drained(stage.core));
    ann->silent = false;
    actor_say(ann);
    assert_true(core_is_drained(stage.core));
    actor_expect(ann, WIRE_DRAIN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(texts_beside_a_request_are_bounded), TEST(texts_beside_a_reply_are_bounded),
        TEST(texts_beside_an_event_are_bounded),  TEST(a_part_is_as_bounded_as_a_payload),
        TEST(a_full_caller_gets_no_payloads),     TEST(events_do_not_crowd_out_an_answer),
        TEST(who_asks_and_never_reads_is_ended),  TEST(parts_are_not_for_one_shots),
        TEST(a_lent_context_does_not_subscribe),  TEST(a_lent_context_opens_no_feed),
        TEST(a_lent_context_does_not_tap),        TEST(a_tap_of_no_name_is_refused),
        TEST(a_tap_does_not_hold_up_the_end),     TEST(it_is_drained_when_everybody_has_been_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
