/* What farebox.h promises while a bus is up: threads, blocking, parts, cancels, events. */
#include "scene.h"

#include "../testing.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- calls ---- */

#define THREADS 8
#define CALLS 200

static void *call_many(void *arg)
{
    struct scene *scene = arg;
    char text[32], reply[32];
    for (int i = 0; i < CALLS; i++) {
        snprintf(text, sizeof text, "%d %p", i, (void *)&reply);
        if (call_text(scene->bus, "scene", "echo", text, reply, sizeof reply) != FBX_OK ||
            strcmp(text, reply) != 0)
            return "a reply was lost or not mine";
    }
    return NULL;
}

static void threads_share_a_bus(void **state)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, call_many, *state);
    for (int i = 0; i < THREADS; i++) {
        void *complaint;
        pthread_join(threads[i], &complaint);
        if (complaint)
            fail_msg("%s", (const char *)complaint);
    }
}

static void a_nested_call_is_made_for_the_same_user_in_the_same_time(void **state)
{
    struct scene *scene = *state;
    fbx_call_options options = {.timeout_ms = 5000};
    fbx_reply *reply;
    assert_int_equal(fbx_call(scene->bus, "scene", "nest", (fbx_bytes){0}, &options, &reply), 0);
    assert_int_equal(fbx_reply_status(reply), FBX_OK);
    assert_memory_equal(fbx_reply_payload(reply).data, "acme/ann depth 1 in time", 24);
    fbx_reply_free(reply);
}

static void a_refusal_says_why_and_when_also_through_another_service(void **state)
{
    static const char *const methods[] = {"refuse", "relay"};
    for (size_t i = 0; i < 2; i++) {
        struct scene_call call;
        scene_call(*state, &call, methods[i], NULL);
        assert_int_equal(scene_outcome(&call), FBX_OVERLOADED);
        assert_string_equal(fbx_reply_message(call.reply), "no table");
        assert_int_equal(fbx_reply_retry_after_ms(call.reply), 1500);
        assert_true(fbx_reply_retryable(call.reply));
        assert_int_equal(fbx_reply_details(call.reply), 2);
        assert_string_equal(fbx_reply_detail(call.reply, "table"), "7");
        assert_string_equal(fbx_reply_detail(call.reply, "menu"), "fish");
        scene_call_finish(&call);
    }
}

static unsigned parts_in_order;

static void count_part(void *arg, fbx_bytes part, uint32_t index)
{
    char text[8];
    (void)arg;
    snprintf(text, sizeof text, "%u", index);
    if (index == parts_in_order && part.len == strlen(text) &&
        memcmp(part.data, text, part.len) == 0)
        parts_in_order++;
}

static void parts_come_in_order_and_before_the_reply(void **state)
{
    struct scene_call call;
    fbx_call_options options = {.on_part = count_part};
    parts_in_order = 0;
    scene_call(*state, &call, "stream", &options);
    assert_int_equal(scene_outcome(&call), FBX_OK);
    assert_int_equal(parts_in_order, 100);
    assert_string_equal(fbx_reply_content_type(call.reply), "text/plain");
    assert_true(strlen(fbx_reply_request_id(call.reply)) > 0);
    scene_call_finish(&call);
}

static void a_blocking_call_may_take_parts_too(void **state)
{
    struct scene *scene = *state;
    fbx_call_options options = {.on_part = count_part};
    fbx_reply *reply;
    parts_in_order = 0;
    assert_int_equal(fbx_call(scene->bus, "scene", "stream", (fbx_bytes){0}, &options, &reply), 0);
    assert_int_equal(fbx_reply_status(reply), FBX_OK);
    assert_int_equal(parts_in_order, 100);
    fbx_reply_free(reply);
}

static struct {
    fbx_reply *terms; /* kept */
    unsigned told, parts_before;
} heard;

static void keep_terms(void *arg, const fbx_reply *terms)
{
    (void)arg;
    heard.told++;
    heard.parts_before += parts_in_order;
    heard.terms = fbx_reply_retain(terms);
}

static void the_terms_come_once_before_the_first_part(void **state)
{
    struct scene_call call;
    fbx_call_options options = {.on_part = count_part, .on_terms = keep_terms, .terms = true};
    parts_in_order = 0;
    scene_call(*state, &call, "stream", &options);
    assert_int_equal(scene_outcome(&call), FBX_OK);
    assert_int_equal(parts_in_order, 100);
    assert_int_equal(heard.told, 1);
    assert_int_equal(heard.parts_before, 0);
    assert_int_equal(fbx_reply_status(heard.terms), FBX_OK);
    assert_int_equal(fbx_reply_payload(heard.terms).len, 0);
    assert_string_equal(fbx_reply_tenant(heard.terms), "acme");
    assert_string_equal(fbx_reply_tier(heard.terms), fbx_reply_tier(call.reply));
    assert_string_equal(fbx_reply_request_id(heard.terms), fbx_reply_request_id(call.reply));
    assert_int_equal(fbx_reply_rate_limit(heard.terms), fbx_reply_rate_limit(call.reply));
    fbx_reply_free(heard.terms);
    scene_call_finish(&call);
    options.terms = false;
    scene_call(*state, &call, "stream", &options);
    assert_int_equal(scene_outcome(&call), FBX_OK);
    assert_int_equal(heard.told, 1);
    scene_call_finish(&call);
}

static void a_cancelled_call_ends_at_once_and_its_service_hears(void **state)
{
    struct scene *scene = *state;
    struct scene_call call;
    scene_call(scene, &call, "block", NULL);
    scene_await(&scene->entered);
    assert_int_equal(fbx_cancel(scene->bus, call.id), 0);
    assert_int_equal(scene_outcome(&call), FBX_CANCELLED);
    assert_int_equal(fbx_cancel(scene->bus, call.id), FBX_EINVAL);
    fbx_close(scene->served); /* waits for the handler, which waits for on_cancel */
    scene->served = NULL;
    assert_int_equal(atomic_load(&scene->cancels), 1);
    scene_call_finish(&call);
}

static void handlers_run_on_several_threads(void **state)
{
    struct scene *scene = *state;
    struct scene_call calls[8];
    for (int i = 0; i < 8; i++)
        scene_call(scene, &calls[i], "block", NULL);
    for (int i = 0; i < 4; i++)
        scene_await(&scene->entered);
    for (int i = 0; i < 8; i++)
        sem_post(&scene->leave);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(scene_outcome(&calls[i]), FBX_OK);
        scene_call_finish(&calls[i]);
    }
    assert_int_equal(atomic_load(&scene->most), 4);
}

/* The fifth waits for a thread; given up, it is never handled. */
static void a_call_cancelled_while_it_waits_is_never_handled(void **state)
{
    struct scene *scene = *state;
    struct scene_call calls[5];
    char reply[8];
    for (int i = 0; i < 5; i++) {
        scene_call(scene, &calls[i], "block", NULL);
        if (i < 4)
            scene_await(&scene->entered);
    }
    assert_int_equal(fbx_cancel(scene->bus, calls[4].id), 0);
    assert_int_equal(scene_outcome(&calls[4]), FBX_CANCELLED);
    /* Behind the cancel on its way to the service, and answered without one of its threads. */
    assert_int_equal(call_text(scene->bus, "io", "echo", "x", reply, sizeof reply), FBX_OK);
    for (int i = 0; i < 4; i++)
        sem_post(&scene->leave);
    for (int i = 0; i < 4; i++)
        assert_int_equal(scene_outcome(&calls[i]), FBX_OK);
    assert_int_equal(call_text(scene->bus, "scene", "echo", "x", reply, sizeof reply), FBX_OK);
    assert_int_equal(sem_trywait(&scene->entered), -1);
    assert_int_equal(atomic_load(&scene->cancels), 0);
    for (int i = 0; i < 5; i++)
        scene_call_finish(&calls[i]);
}

/* ---- what may block, and what may not ---- */

struct attempts {
    fbx_bus *bus;
    sem_t done;
    int call, ping, publish, connect, serve;
};

static void serve_nothing(void *arg, fbx_request *request)
{
    (void)arg;
    fbx_respond_status(request, FBX_METHOD_NOT_FOUND, NULL);
}

static void attempt(void *arg, const fbx_reply *reply)
{
    struct attempts *attempts = arg;
    fbx_reply *nested;
    fbx_bus *bus;
    fbx_publish_options confirmed = {.confirm = true};
    fbx_service service = {.name = "mine", .handler = serve_nothing};
    fbx_options options = {.url = "ipc:///nowhere", .token = "none"};
    (void)reply;
    attempts->call = fbx_call(attempts->bus, "scene", "echo", (fbx_bytes){0}, NULL, &nested);
    attempts->ping = fbx_ping(attempts->bus, 10);
    attempts->publish = fbx_publish(attempts->bus, "a.b", (fbx_bytes){0}, &confirmed);
    attempts->connect = fbx_connect(&bus, &options);
    attempts->serve = fbx_serve(attempts->bus, &service);
    sem_post(&attempts->done);
}

static void nothing_blocks_in_a_callback(void **state)
{
    struct scene *scene = *state;
    struct attempts attempts = {.bus = scene->bus};
    sem_init(&attempts.done, 0, 0);
    assert_int_equal(
        fbx_call_async(scene->bus, "scene", "echo", (fbx_bytes){0}, NULL, attempt, &attempts, NULL),
        0);
    scene_await(&attempts.done);
    assert_int_equal(attempts.call, FBX_EWOULDBLOCK);
    assert_int_equal(attempts.ping, FBX_EWOULDBLOCK);
    assert_int_equal(attempts.publish, FBX_EWOULDBLOCK);
    assert_int_equal(attempts.connect, FBX_EWOULDBLOCK);
    assert_int_equal(attempts.serve, FBX_EWOULDBLOCK);
    sem_destroy(&attempts.done);
}

static void a_cork_holds_calls_back_until_the_outermost_uncork(void **state)
{
    struct scene *scene = *state;
    struct scene_call call;
    char reply[8];
    fbx_cork(scene->bus);
    fbx_cork(scene->bus);
    scene_call(scene, &call, "block", NULL);
    fbx_uncork(scene->bus);
    fbx_bus *other = place_connect(scene->place, "acme", "ann", scene_permissions);
    assert_int_equal(call_text(other, "scene", "echo", "x", reply, sizeof reply), FBX_OK);
    assert_int_equal(sem_trywait(&scene->entered), -1);
    fbx_uncork(scene->bus);
    scene_await(&scene->entered);
    sem_post(&scene->leave);
    assert_int_equal(scene_outcome(&call), FBX_OK);
    scene_call_finish(&call);
    fbx_close(other);
}

static void hold_event(void *arg, const fbx_event *event);

static void refuse_oddly(void *arg, fbx_request *request)
{
    (void)arg;
    fbx_respond_status(request, FBX_CONFLICT, "as far as \xff");
}

/* The broker would take the frame for none, and end the session. */
static void text_that_is_not_utf_8_does_not_leave(void **state)
{
    struct scene *scene = *state;
    const fbx_call_options call = {.traceparent = "\xff"};
    const fbx_publish_options event = {.event_id = "\xc0\xaf"};
    const fbx_subscribe_options subscription = {.group = "\xed\xa0\x80"};
    const fbx_bytes none = {NULL, 0};
    fbx_service service = {.name = "odd", .handler = refuse_oddly, .version = "\xff"};
    fbx_reply *reply;
    assert_int_equal(fbx_call(scene->bus, "scene", "\xff", none, NULL, &reply), FBX_EINVAL);
    assert_int_equal(fbx_call(scene->bus, "scene", "echo", none, &call, &reply), FBX_EINVAL);
    assert_int_equal(fbx_publish(scene->bus, "a", none, &event), FBX_EINVAL);
    assert_int_equal(fbx_subscribe(scene->bus, "a", &subscription, hold_event, scene, NULL),
                     FBX_EINVAL);
    assert_int_equal(fbx_serve(scene->served, &service), FBX_EINVAL);
    service.version = "1";
    assert_int_equal(fbx_serve(scene->served, &service), 0);
    assert_int_equal(fbx_call(scene->bus, "odd", "get", none, NULL, &reply), 0);
    assert_int_equal(fbx_reply_status(reply), FBX_CONFLICT);
    assert_string_equal(fbx_reply_message(reply), "as far as ");
    fbx_reply_free(reply);
    assert_int_equal(fbx_ping(scene->served, 0), 0);
}

/* ---- events ---- */

static void hold_event(void *arg, const fbx_event *event)
{
    struct scene *scene = arg;
    (void)event;
    sem_post(&scene->entered);
    scene_await(&scene->leave);
    atomic_fetch_add(&scene->running, 1);
}

static void *let_go_later(void *arg)
{
    struct scene *scene = arg;
    char reply[8];
    (void)call_text(scene->served, "scene", "echo", "x", reply, sizeof reply);
    sem_post(&scene->leave);
    return NULL;
}

static void no_event_comes_after_unsubscribing(void **state)
{
    struct scene *scene = *state;
    uint64_t id;
    pthread_t thread;
    assert_int_equal(fbx_subscribe(scene->bus, "news.>", NULL, hold_event, scene, &id), 0);
    for (int i = 0; i < 50; i++)
        assert_int_equal(fbx_publish(scene->served, "news.today", (fbx_bytes){"x", 1}, NULL), 0);
    scene_await(&scene->entered);
    pthread_create(&thread, NULL, let_go_later, scene);
    assert_int_equal(fbx_unsubscribe(scene->bus, id), 0);
    unsigned told = atomic_load(&scene->running);
    assert_true(told >= 1); /* the callback was waited for */
    assert_int_equal(fbx_ping(scene->bus, 0), 0);
    assert_int_equal(atomic_load(&scene->running), told);
    assert_int_equal(fbx_unsubscribe(scene->bus, id), FBX_EINVAL);
    pthread_join(thread, NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(threads_share_a_bus),
        CASE(a_nested_call_is_made_for_the_same_user_in_the_same_time),
        CASE(a_refusal_says_why_and_when_also_through_another_service),
        CASE(parts_come_in_order_and_before_the_reply),
        CASE(a_blocking_call_may_take_parts_too),
        CASE(the_terms_come_once_before_the_first_part),
        CASE(a_cancelled_call_ends_at_once_and_its_service_hears),
        CASE(handlers_run_on_several_threads),
        CASE(a_call_cancelled_while_it_waits_is_never_handled),
        CASE(nothing_blocks_in_a_callback),
        CASE(text_that_is_not_utf_8_does_not_leave),
        CASE(a_cork_holds_calls_back_until_the_outermost_uncork),
        CASE(no_event_comes_after_unsubscribing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
