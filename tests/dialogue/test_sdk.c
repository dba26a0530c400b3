/* What farebox.h promises, with a real broker: threads, blocking, ownership, the end. */
#include "harness.h"

#include "../testing.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *const all[] = {"call:*", "publish:*", "subscribe:*", "serve:*", "admin:*", NULL};

struct scene {
    struct place *place;
    fbx_bus *bus, *served; /* the caller's and the service's */
    sem_t entered, leave;  /* of the handler `block` */
    atomic_uint running, most, cancels;
};

static void await(sem_t *sem)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PLACE_PATIENCE_MS / 1000;
    if (sem_timedwait(sem, &until) < 0)
        fail_msg("what was waited for never happened");
}

/* ---- the service ---- */

static void block(struct scene *scene, fbx_request *request)
{
    unsigned running = atomic_fetch_add(&scene->running, 1) + 1;
    unsigned most = atomic_load(&scene->most);
    while (most < running && !atomic_compare_exchange_weak(&scene->most, &most, running))
        continue;
    sem_post(&scene->entered);
    await(&scene->leave);
    atomic_fetch_sub(&scene->running, 1);
    fbx_respond(request, fbx_request_payload(request), NULL);
}

static void stream(fbx_request *request)
{
    char text[8];
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "%d", i);
        if (fbx_send_part(request, (fbx_bytes){text, strlen(text)}) < 0) {
            fbx_respond_status(request, FBX_INTERNAL, "a part was refused");
            return;
        }
    }
    fbx_respond(request, (fbx_bytes){"end", 3}, "text/plain");
}

/* Calls the same service again, in the name of whoever asked. */
static void nest(fbx_request *request)
{
    fbx_call_options options = {.parent = request, .timeout_ms = 60000};
    fbx_reply *reply;
    int error =
        fbx_call(fbx_request_bus(request), "scene", "who", (fbx_bytes){0}, &options, &reply);
    if (error < 0) {
        fbx_respond_status(request, FBX_INTERNAL, fbx_error_text(error));
        return;
    }
    fbx_respond(request, fbx_reply_payload(reply), NULL);
    fbx_reply_free(reply);
}

static void who(fbx_request *request)
{
    const fbx_context *context = fbx_request_context(request);
    char text[128];
    int len = snprintf(text, sizeof text, "%s/%s depth %u %s", fbx_context_tenant(context),
                       fbx_context_user(context), fbx_context_depth(context),
                       fbx_request_remaining_ms(request) <= 5000 ? "in time" : "too late");
    fbx_respond(request, (fbx_bytes){text, (size_t)len}, "text/plain");
}

static void handle(void *arg, fbx_request *request)
{
    const char *method = fbx_request_method(request);
    if (strcmp(method, "block") == 0)
        block(arg, request);
    else if (strcmp(method, "stream") == 0)
        stream(request);
    else if (strcmp(method, "nest") == 0)
        nest(request);
    else if (strcmp(method, "who") == 0)
        who(request);
    else
        fbx_respond(request, fbx_request_payload(request), fbx_request_content_type(request));
}

static void on_cancel(void *arg, fbx_request *request)
{
    struct scene *scene = arg;
    assert_true(fbx_request_cancelled(request));
    atomic_fetch_add(&scene->cancels, 1);
    sem_post(&scene->leave);
}

static int open_scene(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    fbx_service service = {
        .name = "scene",
        .capacity = 64,
        .handler = handle,
        .arg = scene,
        .on_cancel = on_cancel,
    };
    sem_init(&scene->entered, 0, 0);
    sem_init(&scene->leave, 0, 0);
    scene->place = place_create();
    place_start_broker(scene->place, NULL);
    scene->bus = place_connect(scene->place, "acme", "ann", all);
    scene->served = place_connect(scene->place, "acme", "server", all);
    assert_int_equal(fbx_serve(scene->served, &service), 0);
    service.name = "io";
    service.on_io_thread = true;
    assert_int_equal(fbx_serve(scene->served, &service), 0);
    *state = scene;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *scene = *state;
    fbx_close(scene->bus);
    fbx_close(scene->served);
    place_destroy(scene->place);
    sem_destroy(&scene->entered);
    sem_destroy(&scene->leave);
    free(scene);
    return 0;
}

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

struct parts {
    unsigned count;
    bool in_order;
};

static void on_part(void *arg, fbx_bytes part, uint32_t index)
{
    (void)arg;
    (void)part;
    (void)index;
}

static void count_part(void *arg, fbx_bytes part, uint32_t index)
{
    struct parts *parts = arg;
    char text[8];
    snprintf(text, sizeof text, "%u", index);
    parts->in_order = parts->in_order && index == parts->count && part.len == strlen(text) &&
                      memcmp(part.data, text, part.len) == 0;
    parts->count++;
}

struct streaming {
    struct parts parts;
    sem_t done;
    fbx_reply *reply;
};

static void keep_reply(void *arg, const fbx_reply *reply)
{
    struct streaming *streaming = arg;
    streaming->reply = fbx_reply_retain(reply);
    sem_post(&streaming->done);
}

static void parts_come_in_order_and_before_the_reply(void **state)
{
    struct scene *scene = *state;
    struct streaming streaming = {.parts = {0, true}};
    fbx_call_options options = {.on_part = count_part};
    sem_init(&streaming.done, 0, 0);
    assert_int_equal(fbx_call_async(scene->bus, "scene", "stream", (fbx_bytes){0}, &options,
                                    keep_reply, &streaming, NULL),
                     0);
    await(&streaming.done);
    assert_int_equal(streaming.parts.count, 100);
    assert_true(streaming.parts.in_order);
    assert_int_equal(fbx_reply_status(streaming.reply), FBX_OK);
    assert_string_equal(fbx_reply_content_type(streaming.reply), "text/plain");
    assert_true(strlen(fbx_reply_request_id(streaming.reply)) > 0);
    fbx_reply_free(streaming.reply);
    sem_destroy(&streaming.done);
}

static void a_blocking_call_may_take_parts_too(void **state)
{
    struct scene *scene = *state;
    fbx_call_options options = {.on_part = on_part};
    fbx_reply *reply;
    assert_int_equal(fbx_call(scene->bus, "scene", "stream", (fbx_bytes){0}, &options, &reply), 0);
    assert_int_equal(fbx_reply_status(reply), FBX_OK);
    fbx_reply_free(reply);
}

static void a_cancelled_call_ends_at_once_and_its_service_hears(void **state)
{
    struct scene *scene = *state;
    struct streaming call = {0};
    uint64_t id;
    sem_init(&call.done, 0, 0);
    assert_int_equal(fbx_call_async(scene->bus, "scene", "block", (fbx_bytes){"x", 1}, NULL,
                                    keep_reply, &call, &id),
                     0);
    await(&scene->entered);
    assert_int_equal(fbx_cancel(scene->bus, id), 0);
    await(&call.done);
    assert_int_equal(fbx_reply_status(call.reply), FBX_CANCELLED);
    assert_int_equal(fbx_cancel(scene->bus, id), FBX_EINVAL);
    fbx_close(scene->served); /* waits for the handler, which waits for on_cancel */
    scene->served = NULL;
    assert_int_equal(atomic_load(&scene->cancels), 1);
    fbx_reply_free(call.reply);
    sem_destroy(&call.done);
}

static void ignore(void *arg, const fbx_reply *reply)
{
    sem_post(arg);
    (void)reply;
}

static void handlers_run_on_several_threads(void **state)
{
    struct scene *scene = *state;
    sem_t done;
    sem_init(&done, 0, 0);
    for (int i = 0; i < 8; i++)
        assert_int_equal(fbx_call_async(scene->bus, "scene", "block", (fbx_bytes){"x", 1}, NULL,
                                        ignore, &done, NULL),
                         0);
    for (int i = 0; i < 4; i++)
        await(&scene->entered);
    for (int i = 0; i < 8; i++)
        sem_post(&scene->leave);
    for (int i = 0; i < 8; i++)
        await(&done);
    assert_int_equal(atomic_load(&scene->most), 4);
    sem_destroy(&done);
}

/* The fifth waits for a thread; given up, it is never handled. */
static void a_call_cancelled_while_it_waits_is_never_handled(void **state)
{
    struct scene *scene = *state;
    char reply[8];
    uint64_t id;
    sem_t done;
    sem_init(&done, 0, 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(
            fbx_call_async(scene->bus, "scene", "block", (fbx_bytes){0}, NULL, ignore, &done, &id),
            0);
        if (i < 4)
            await(&scene->entered);
    }
    assert_int_equal(fbx_cancel(scene->bus, id), 0);
    await(&done);
    /* Behind the cancel on its way to the service, and answered without one of its threads. */
    assert_int_equal(call_text(scene->bus, "io", "echo", "x", reply, sizeof reply), FBX_OK);
    for (int i = 0; i < 4; i++)
        sem_post(&scene->leave);
    for (int i = 0; i < 4; i++)
        await(&done);
    assert_int_equal(call_text(scene->bus, "scene", "echo", "x", reply, sizeof reply), FBX_OK);
    assert_int_equal(sem_trywait(&scene->entered), -1);
    assert_int_equal(atomic_load(&scene->cancels), 0);
    sem_destroy(&done);
}

/* ---- what may block, and what may not ---- */

struct attempts {
    fbx_bus *bus;
    sem_t done;
    int call, ping, publish, connect, serve;
};

static void attempt(void *arg, const fbx_reply *reply)
{
    struct attempts *attempts = arg;
    fbx_reply *nested;
    fbx_bus *bus;
    fbx_publish_options confirmed = {.confirm = true};
    fbx_service service = {.name = "mine", .handler = handle};
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
    await(&attempts.done);
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
    sem_t done;
    sem_init(&done, 0, 0);
    fbx_cork(scene->bus);
    fbx_cork(scene->bus);
    assert_int_equal(
        fbx_call_async(scene->bus, "scene", "block", (fbx_bytes){0}, NULL, ignore, &done, NULL), 0);
    fbx_uncork(scene->bus);
    char reply[8];
    fbx_bus *other = place_connect(scene->place, "acme", "ann", all);
    assert_int_equal(call_text(other, "scene", "echo", "x", reply, sizeof reply), FBX_OK);
    assert_int_equal(sem_trywait(&scene->entered), -1);
    fbx_uncork(scene->bus);
    await(&scene->entered);
    sem_post(&scene->leave);
    await(&done);
    fbx_close(other);
    sem_destroy(&done);
}

/* ---- events ---- */

static void hold_event(void *arg, const fbx_event *event)
{
    struct scene *scene = arg;
    (void)event;
    sem_post(&scene->entered);
    await(&scene->leave);
    atomic_fetch_add(&scene->running, 1);
}

static void *let_go_later(void *arg)
{
    struct scene *scene = arg;
    char reply[8];
    /* The unsubscription is on its way when this returns, and waits for the callback. */
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
    await(&scene->entered);
    pthread_create(&thread, NULL, let_go_later, scene);
    assert_int_equal(fbx_unsubscribe(scene->bus, id), 0);
    assert_true(atomic_load(&scene->running) >= 1); /* the callback was waited for */
    unsigned told = atomic_load(&scene->running);
    assert_int_equal(fbx_ping(scene->bus, 0), 0);
    assert_int_equal(atomic_load(&scene->running), told);
    assert_int_equal(fbx_unsubscribe(scene->bus, id), FBX_EINVAL);
    pthread_join(thread, NULL);
}

/* ---- beginning and end ---- */

static void a_connection_that_fails_says_why(void **state)
{
    struct scene *scene = *state;
    fbx_bus *bus = (fbx_bus *)scene; /* to be left alone */
    fbx_options options = {.url = scene->place->url, .token = "no.valid.token"};
    assert_int_equal(fbx_connect(&bus, &options), FBX_EREFUSED);
    assert_true(strlen(fbx_last_error()) > 0);
    options.url = "ipc:///tmp/nothing-listens-here.sock";
    options.connect_timeout_ms = 50;
    assert_int_equal(fbx_connect(&bus, &options), FBX_EUNREACHABLE);
    options.url = "carrier-pigeon://coop";
    assert_int_equal(fbx_connect(&bus, &options), FBX_EINVAL);
    assert_ptr_equal(bus, scene);
}

static void closing_ends_what_was_not_answered(void **state)
{
    struct scene *scene = *state;
    struct streaming call = {0};
    sem_init(&call.done, 0, 0);
    assert_int_equal(
        fbx_call_async(scene->bus, "scene", "block", (fbx_bytes){0}, NULL, keep_reply, &call, NULL),
        0);
    await(&scene->entered);
    fbx_close(scene->bus);
    scene->bus = NULL;
    assert_int_equal(sem_trywait(&call.done), 0);
    assert_int_equal(fbx_reply_status(call.reply), FBX_CANCELLED);
    fbx_reply_free(call.reply);
    sem_destroy(&call.done);
}

static void hoard(void *arg, fbx_request *request)
{
    fbx_request **kept = arg;
    *kept = request;
}

/* Its deadline passes unanswered: the bus does not wait for it, and answering it is harmless. */
static void a_request_may_outlive_its_bus(void **state)
{
    struct scene *scene = *state;
    fbx_request *kept = NULL;
    fbx_service service = {.name = "hoarder", .handler = hoard, .arg = &kept, .on_io_thread = true};
    fbx_call_options options = {.timeout_ms = 100};
    fbx_reply *reply;
    fbx_bus *bus = place_connect(scene->place, "acme", "hoarder", all);
    assert_int_equal(fbx_serve(bus, &service), 0);
    assert_int_equal(
        fbx_call(scene->bus, "hoarder", "keep", (fbx_bytes){"mine", 4}, &options, &reply), 0);
    assert_int_equal(fbx_reply_status(reply), FBX_DEADLINE_EXCEEDED);
    fbx_reply_free(reply);
    fbx_close(bus);
    assert_non_null(kept);
    assert_memory_equal(fbx_request_payload(kept).data, "mine", 4);
    fbx_respond_status(kept, FBX_OK, NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(threads_share_a_bus),
        CASE(a_nested_call_is_made_for_the_same_user_in_the_same_time),
        CASE(parts_come_in_order_and_before_the_reply),
        CASE(a_blocking_call_may_take_parts_too),
        CASE(a_cancelled_call_ends_at_once_and_its_service_hears),
        CASE(handlers_run_on_several_threads),
        CASE(a_call_cancelled_while_it_waits_is_never_handled),
        CASE(nothing_blocks_in_a_callback),
        CASE(a_cork_holds_calls_back_until_the_outermost_uncork),
        CASE(no_event_comes_after_unsubscribing),
        CASE(a_connection_that_fails_says_why),
        CASE(closing_ends_what_was_not_answered),
        CASE(a_request_may_outlive_its_bus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
