#include "scene.h"

#include "../testing.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *const scene_permissions[] = {"call:*",  "publish:*", "subscribe:*",
                                         "serve:*", "admin:*",   NULL};

void scene_await(sem_t *sem)
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
    scene_await(&scene->leave);
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

static void refuse(fbx_request *request)
{
    static const char *const details[] = {"table", "7", "menu", "fish", NULL};
    fbx_refuse(request, &(fbx_refusal){FBX_OVERLOADED, "no table", details, 1500});
}

static void relay(fbx_request *request)
{
    const fbx_call_options options = {.parent = request};
    fbx_reply *reply = NULL;
    (void)fbx_call(fbx_request_bus(request), "io", "refuse", (fbx_bytes){0}, &options, &reply);
    fbx_refuse_as(request, reply);
    fbx_reply_free(reply);
}

/* Goes on calling until its bus is closed. */
static void persist(struct scene *scene, fbx_request *request)
{
    fbx_reply *reply;
    sem_post(&scene->entered);
    while (fbx_call(fbx_request_bus(request), "io", "echo", (fbx_bytes){0}, NULL, &reply) == 0)
        fbx_reply_free(reply);
    fbx_respond(request, (fbx_bytes){0}, NULL);
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
    else if (strcmp(method, "refuse") == 0)
        refuse(request);
    else if (strcmp(method, "relay") == 0)
        relay(request);
    else if (strcmp(method, "persist") == 0)
        persist(arg, request);
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

int scene_open(void **state)
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
    scene->bus = place_connect(scene->place, "acme", "ann", scene_permissions);
    scene->served = place_connect(scene->place, "acme", "server", scene_permissions);
    assert_int_equal(fbx_serve(scene->served, &service), 0);
    service.name = "io";
    service.on_io_thread = true;
    assert_int_equal(fbx_serve(scene->served, &service), 0);
    *state = scene;
    return 0;
}

int scene_close(void **state)
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

static void keep_reply(void *arg, const fbx_reply *reply)
{
    struct scene_call *call = arg;
    call->reply = fbx_reply_retain(reply);
    sem_post(&call->done);
}

void scene_call(struct scene *scene, struct scene_call *call, const char *method,
                const fbx_call_options *options)
{
    call->reply = NULL;
    sem_init(&call->done, 0, 0);
    assert_int_equal(fbx_call_async(scene->bus, "scene", method, (fbx_bytes){"x", 1}, options,
                                    keep_reply, call, &call->id),
                     0);
}

int scene_outcome(struct scene_call *call)
{
    scene_await(&call->done);
    return fbx_reply_status(call->reply);
}

void scene_call_finish(struct scene_call *call)
{
    fbx_reply_free(call->reply);
    sem_destroy(&call->done);
}
