/* The service that gives back what it gets, and misbehaves on request. */
#include "module/module.h"

#include "common/arguments.h"
#include "common/outcome.h"
#include "later.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SLEEP_MAX_MS 3600000u
#define PARTS_MAX 1000000u

static void echo(struct later *later, fbx_request *request)
{
    (void)later;
    fbx_respond(request, fbx_request_payload(request), fbx_request_content_type(request));
}

static void sleep_for(struct later *later, fbx_request *request)
{
    static const char *const known[] = {"ms", NULL};
    struct arguments arguments;
    uint64_t ms = 0;
    arguments_read(&arguments, request, known);
    arguments_natural(&arguments, "ms", SLEEP_MAX_MS, &ms);
    if (!arguments_refused(&arguments, request))
        later_sleep(later, request, ms);
}

static void fail(struct later *later, fbx_request *request)
{
    (void)later;
    static const char *const known[] = {"status", "message", NULL};
    struct arguments arguments;
    char text[40] = "internal", message[256] = "failed on request";
    arguments_read(&arguments, request, known);
    arguments_optional_text(&arguments, "status", text, sizeof text);
    arguments_optional_text(&arguments, "message", message, sizeof message);
    int status = outcome_named(text, strlen(text));
    if (status < 0)
        arguments_refuse(&arguments, "status: no such status");
    if (!arguments_refused(&arguments, request))
        fbx_respond_status(request, status, message);
}

static void stream(struct later *later, fbx_request *request)
{
    static const char *const known[] = {"count", NULL};
    struct arguments arguments;
    uint64_t count = 10;
    arguments_read(&arguments, request, known);
    arguments_natural(&arguments, "count", PARTS_MAX, &count);
    if (!fbx_request_wants_stream(request))
        arguments_refuse(&arguments, "stream: call it with a streamed reply");
    if (!arguments_refused(&arguments, request))
        later_stream(later, request, count);
}

static const struct method {
    const char *name;
    void (*run)(struct later *later, fbx_request *request);
} methods[] = {{"echo", echo}, {"sleep", sleep_for}, {"fail", fail}, {"stream", stream}};

static void handle(void *arg, fbx_request *request)
{
    const char *name = fbx_request_method(request);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i].name, name) == 0) {
            methods[i].run(arg, request);
            return;
        }
    fbx_respond_status(request, FBX_METHOD_NOT_FOUND, "echo, sleep, fail and stream are known");
}

static void forget(void *arg, fbx_request *request)
{
    later_cancel(arg, request);
}

static int start(void **instance, const struct module_env *env, struct module_error *why)
{
    static const char *const names[] = {"echo", "sleep", "fail", "stream", NULL};
    struct later *later = later_create();
    if (!later) {
        (void)snprintf(why->text, sizeof why->text, "no thread for timers");
        return -EAGAIN;
    }
    *instance = later;
    const fbx_service service = {
        .name = "echo",
        .version = FBX_VERSION,
        .methods = names,
        .on_io_thread = true,
        .handler = handle,
        .on_cancel = forget,
        .arg = later,
    };
    return env->serve(env, &service, why);
}

static void drain(void *instance)
{
    later_close(instance);
}

static void stop(void *instance)
{
    later_destroy(instance);
}

const struct farebox_module farebox_module = {
    .abi = MODULE_ABI,
    .name = "echo",
    .version = FBX_VERSION,
    .start = start,
    .drain = drain,
    .stop = stop,
};
