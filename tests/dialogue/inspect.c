/* inspect.c - the stage of the inspector's dialogues. */
#include "inspect.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

struct place *place;
char output[1 << 20];
sem_t started, cancelled;
static fbx_bus *host;

/* ---- a service that does what it is told ---- */

static void fail_with(fbx_request *request)
{
    fbx_value value, status;
    fbx_read(fbx_request_payload(request), &value);
    status = fbx_map_get(&value, "status");
    fbx_respond_status(request, (int)fbx_as_int(&status, -1), "on request");
}

static void send_parts(fbx_request *request)
{
    for (int i = 0; i < 3; i++) {
        fbx_writer w = {0};
        fbx_write_int(&w, i);
        fbx_send_part(request, fbx_written(&w));
        fbx_writer_free(&w);
    }
    fbx_respond(request,
                (fbx_bytes){"\xa3"
                            "end",
                            4},
                NULL);
}

static void handle(void *arg, fbx_request *request)
{
    const char *method = fbx_request_method(request);
    (void)arg;
    if (strcmp(method, "echo") == 0)
        fbx_respond(request, fbx_request_payload(request), NULL);
    else if (strcmp(method, "fail") == 0)
        fail_with(request);
    else if (strcmp(method, "stream") == 0)
        send_parts(request);
    else if (strcmp(method, "json") == 0)
        fbx_respond(request, (fbx_bytes){"{ \"a\": [1] }", 12}, "application/json");
    else if (strcmp(method, "bytes") == 0)
        fbx_respond(request, (fbx_bytes){"\x00\xff\n", 3}, "application/octet-stream");
    else
        sem_post(&started); /* "stall": answered once it is cancelled */
}

static void on_cancel(void *arg, fbx_request *request)
{
    (void)arg;
    fbx_respond_status(request, FBX_CANCELLED, "");
    sem_post(&cancelled);
}

/* ---- command lines ---- */

void ends(int wanted, const char *format, ...)
{
    char line[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    const char *const argv[] = {"/bin/sh", "-c", line, NULL};
    int status = place_run(place, output, sizeof output, argv);
    if (status != wanted)
        fail_msg("%s: exit status %d, not %d\n%s", line, status, wanted, output);
}

void says(const char *wanted)
{
    if (!strstr(output, wanted))
        fail_msg("no \"%s\" in:\n%s", wanted, output);
}

bool line_with(struct process *process, const char *text)
{
    char line[512];
    while (process_line(process, "", line, sizeof line))
        if (strstr(line, text))
            return true;
    return false;
}

/* ---- the stage ---- */

static void token_file(const char *variable, const char *tenant, const char *user,
                       const char *const *permissions)
{
    char *path = place_token_file(place, tenant, user, permissions);
    setenv(variable, path, 1);
    free(path);
}

/* The programs under test come first in PATH; tokens are named by what they may. */
static void prepare_environment(void)
{
    char self[PATH_MAX], path[2 * PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(len > 0);
    self[len] = '\0';
    for (int up = 0; up < 3; up++)
        *strrchr(self, '/') = '\0';
    snprintf(path, sizeof path, "%s/bin:%s", self, getenv("PATH"));
    setenv("PATH", path, 1);
    setenv("FAREBOX_URL", place->url, 1);
    setenv("SECRET", place->secret, 1);
    setenv("DIR", place->dir, 1);
    unsetenv("FAREBOX_TOKEN");
    /* ThreadSanitizer lets every process linger for a second, and here are a hundred */
    setenv("TSAN_OPTIONS", "atexit_sleep_ms=0", 0);
    token_file("FAREBOX_TOKEN_FILE", "acme", "ann",
               (const char *const[]){"call:puppet.*", "publish:>", "subscribe:>", NULL});
    token_file("NOBODY", "acme", "nobody", NULL);
    token_file("OPERATOR", "platform", "ops", (const char *const[]){"admin:*", NULL});
}

int inspect_set_up(void **state)
{
    (void)state;
    static const char *const methods[] = {"echo", "fail", "stream", "json", "bytes", "stall", NULL};
    const fbx_service service = {.name = "puppet",
                                 .version = "1.2",
                                 .methods = methods,
                                 .handler = handle,
                                 .on_cancel = on_cancel};
    place = place_create();
    place_start_broker(place, NULL);
    prepare_environment();
    sem_init(&started, 0, 0);
    sem_init(&cancelled, 0, 0);
    host = place_connect(place, "platform", "host", (const char *const[]){"serve:*", NULL});
    assert_int_equal(fbx_serve(host, &service), 0);
    return 0;
}

int inspect_tear_down(void **state)
{
    (void)state;
    fbx_close(host);
    place_destroy(place);
    return 0;
}
