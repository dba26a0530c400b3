/* farebox-host as a process: what it refuses, how it starts, and how it leaves. */
#include "harness.h"

#include "../testing.h"
#include "base/clock.h"
#include "token/token.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char *const serve_only[] = {"serve:*", NULL};
static const char *const call_only[] = {"call:*", NULL};
static const char *const everything[] = {"call:*", "publish:>", "subscribe:>", NULL};

struct scene {
    struct place *place;
    char *token; /* a file */
    char echo[PATH_MAX], data_bridge[PATH_MAX];
};

static int open_scene(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    scene->place = place_create();
    place_start_broker(scene->place, NULL);
    scene->token = place_token_file(scene->place, "platform", "host", serve_only);
    build_path(scene->echo, sizeof scene->echo, "lib/farebox/echo.so");
    build_path(scene->data_bridge, sizeof scene->data_bridge, "lib/farebox/data-bridge.so");
    *state = scene;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *scene = *state;
    place_destroy(scene->place);
    free(scene->token);
    free(scene);
    return 0;
}

#define ARGUMENTS(...)                    \
    (const char *const[])                 \
    {                                     \
        "farebox-host", __VA_ARGS__, NULL \
    }

static void assert_ends(const struct scene *scene, int status, const char *because,
                        const char *const *argv)
{
    char said[4096];
    int ended = place_run(scene->place, said, sizeof said, argv);
    if (ended != status || !strstr(said, because))
        fail_msg("exit status %d, expected %d and '%s': %s", ended, status, because, said);
}

/* ---- what it refuses ---- */

static void each_failure_has_its_exit_status(void **state)
{
    struct scene *scene = *state;
    const char *url = scene->place->url, *token = scene->token;
    char *no_right = place_token_file(scene->place, "platform", "bob", call_only);
    char nowhere[PATH_MAX], secret[PATH_MAX];
    (void)snprintf(nowhere, sizeof nowhere, "ipc://%s/nobody", scene->place->dir);
    (void)snprintf(secret, sizeof secret, "%s", scene->place->secret);
    assert_ends(scene, 0, "Usage: farebox-host", ARGUMENTS("--help"));
    assert_ends(scene, 0, "farebox-host ", ARGUMENTS("--version"));
    assert_ends(scene, 64, "which modules", ARGUMENTS("--url", url, "--token-file", token));
    assert_ends(scene, 66, "No such file",
                ARGUMENTS("--url", url, "--token-file", "/nonexistent", scene->echo));
    assert_ends(scene, 66, "No such file",
                ARGUMENTS("--url", url, "--token-file", token, "/nonexistent.so"));
    assert_ends(scene, 77, "cannot serve echo",
                ARGUMENTS("--url", url, "--token-file", no_right, scene->echo));
    assert_ends(scene, 77, "", ARGUMENTS("--url", url, "--token-file", secret, scene->echo));
    assert_ends(scene, 64, "",
                ARGUMENTS("--url", "carrier://x", "--token-file", token, scene->echo));
    assert_ends(scene, 78, "data-bridge: /nonexistent/sp500-2000.csv: No such file",
                ARGUMENTS("--url", url, "--token-file", token, "--set",
                          "data-bridge.data=/nonexistent", scene->data_bridge));
    assert_ends(scene, 64, "no such setting",
                ARGUMENTS("--url", url, "--token-file", token, "--set", "data-bridge.dta=/x",
                          scene->data_bridge));
    assert_ends(scene, 64, "no such module",
                ARGUMENTS("--url", url, "--token-file", token, "--set", "data-bridge.data=/x",
                          scene->echo));
    assert_ends(scene, 64, "--tenant takes a tenant's name, not ''",
                ARGUMENTS("--url", url, "--token-file", token, "--tenant", "", scene->echo));
    assert_ends(scene, 64, "--tier: no module serves ecko",
                ARGUMENTS("--url", url, "--token-file", token, "--tier", "echo=pro", "--tier",
                          "ecko=pro", scene->echo));
    assert_ends(scene, 69, "", ARGUMENTS("--url", nowhere, "--token-file", token, scene->echo));
    free(no_right);
}

static void modules_others_could_change_are_not_loaded(void **state)
{
    struct scene *scene = *state;
    char link[PATH_MAX], hen[PATH_MAX], egg[PATH_MAX], other[PATH_MAX];
    (void)snprintf(link, sizeof link, "%s/link.so", scene->place->dir);
    assert_int_equal(symlink(scene->echo, link), 0);
    build_path(hen, sizeof hen, "tests/modules/hen.so");
    build_path(egg, sizeof egg, "tests/modules/egg.so");
    build_path(other, sizeof other, "tests/modules/other_abi.so");
    const char *url = scene->place->url, *token = scene->token;
    assert_ends(scene, 77, "symbolic link", ARGUMENTS("--url", url, "--token-file", token, link));
    assert_ends(scene, 65, "hen -> egg -> hen",
                ARGUMENTS("--url", url, "--token-file", token, hen, egg));
    assert_ends(scene, 65, "hen requires egg", ARGUMENTS("--url", url, "--token-file", token, hen));
    assert_ends(scene, 65, "ABI", ARGUMENTS("--url", url, "--token-file", token, other));
    assert_ends(scene, 65, "two modules are named echo",
                ARGUMENTS("--url", url, "--token-file", token, scene->echo, scene->echo));
}

/* ---- how it starts ---- */

static struct process *start_host(const struct scene *scene, const char *ready)
{
    return place_start(scene->place, ready,
                       ARGUMENTS("--url", scene->place->url, "--token-file", scene->token,
                                 scene->echo, scene->data_bridge));
}

static void tells_the_service_manager(void **state)
{
    struct scene *scene = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char said[64];
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", scene->place->dir);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    struct process *host = start_host(scene, "farebox-host ready: echo data-bridge");
    unsetenv("NOTIFY_SOCKET");
    ssize_t len = recv(fd, said, sizeof said, 0);
    assert_int_equal(len, 7);
    assert_memory_equal(said, "READY=1", 7);
    assert_int_equal(process_stop(host, SIGTERM), 0);
    len = recv(fd, said, sizeof said, 0);
    assert_int_equal(len, 10);
    assert_memory_equal(said, "STOPPING=1", 10);
    close(fd);
}

/* Beside it nobody else sees the service, and the token needs no more than the tenant's right. */
static void serves_one_tenant_alone(void **state)
{
    struct scene *scene = *state;
    const char *url = scene->place->url;
    char *own = place_token_file(scene->place, "acme", "host",
                                 (const char *const[]){"serve:acme/echo", NULL});
    assert_ends(scene, 77, "needs serve:echo",
                ARGUMENTS("--url", url, "--token-file", own, scene->echo));
    assert_ends(scene, 77, "tenant_mismatch",
                ARGUMENTS("--url", url, "--token-file", own, "--tenant", "bolt", scene->echo));
    struct process *host =
        place_start(scene->place, "farebox-host ready: echo",
                    ARGUMENTS("--url", url, "--token-file", own, "--tenant", "acme", scene->echo));
    fbx_bus *ann = place_connect(scene->place, "acme", "ann", everything),
            *bob = place_connect(scene->place, "bolt", "bob", everything);
    char reply[16];
    assert_int_equal(call_text(ann, "echo", "echo", "x", reply, sizeof reply), FBX_OK);
    assert_int_equal(call_text(bob, "echo", "echo", "x", reply, sizeof reply),
                     FBX_SERVICE_NOT_FOUND);
    fbx_close(bob);
    fbx_close(ann);
    assert_int_equal(process_stop(host, SIGTERM), 0);
    free(own);
}

/* ---- how it leaves ---- */

struct outcome {
    pthread_mutex_t lock;
    pthread_cond_t given;
    int status;
};

static void note_outcome(void *arg, const fbx_reply *reply)
{
    struct outcome *outcome = arg;
    pthread_mutex_lock(&outcome->lock);
    outcome->status = fbx_reply_status(reply);
    pthread_cond_signal(&outcome->given);
    pthread_mutex_unlock(&outcome->lock);
}

static int await_outcome(struct outcome *outcome)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PLACE_PATIENCE_MS / 1000;
    pthread_mutex_lock(&outcome->lock);
    while (outcome->status < 0)
        if (pthread_cond_timedwait(&outcome->given, &outcome->lock, &until) != 0)
            fail_msg("the call was never answered");
    pthread_mutex_unlock(&outcome->lock);
    return outcome->status;
}

static void call_map(fbx_bus *bus, const char *service, const char *method, const char *key,
                     uint64_t number, const char *symbol, struct outcome *outcome)
{
    const fbx_call_options patient = {.timeout_ms = 600000};
    fbx_writer w = {0};
    fbx_write_map(&w, symbol ? 2 : 1);
    fbx_write_text(&w, key);
    fbx_write_uint(&w, number);
    if (symbol) {
        fbx_write_text(&w, "symbol");
        fbx_write_text(&w, symbol);
    }
    *outcome = (struct outcome){.status = -1};
    pthread_mutex_init(&outcome->lock, NULL);
    pthread_cond_init(&outcome->given, NULL);
    assert_int_equal(fbx_call_async(bus, service, method, fbx_written(&w), &patient, note_outcome,
                                    outcome, NULL),
                     0);
    fbx_writer_free(&w);
}

static struct process *start_draining(const struct scene *scene, const char *drain_ms)
{
    return place_start(scene->place, "farebox-host ready",
                       ARGUMENTS("--url", scene->place->url, "--token-file", scene->token,
                                 "--drain-ms", drain_ms, scene->echo, scene->data_bridge));
}

static void running_calls_finish_before_it_leaves(void **state)
{
    struct scene *scene = *state;
    struct process *host = start_draining(scene, "20000");
    fbx_bus *ann = place_connect(scene->place, "acme", "ann", everything);
    struct outcome sleeper;
    char reply[16];
    call_map(ann, "echo", "sleep", "ms", 600, NULL, &sleeper);
    assert_int_equal(call_text(ann, "echo", "echo", "x", reply, sizeof reply), FBX_OK);
    assert_int_equal(process_stop(host, SIGTERM), 0);
    assert_int_equal(await_outcome(&sleeper), FBX_OK);
    fbx_close(ann);
}

/* Without the services' own draining it would wait ten minutes for the sleeper. */
static void a_drain_ends_what_is_held_and_running(void **state)
{
    struct scene *scene = *state;
    struct process *host = start_draining(scene, "100");
    fbx_bus *ann = place_connect(scene->place, "acme", "ann", everything);
    struct outcome sleeper, replay;
    char reply[16];
    call_map(ann, "echo", "sleep", "ms", 500000, NULL, &sleeper);
    call_map(ann, "data-bridge", "replay", "speed", 1, "sp500", &replay);
    assert_int_equal(await_outcome(&replay), FBX_OK);
    assert_int_equal(call_text(ann, "echo", "echo", "x", reply, sizeof reply), FBX_OK);
    assert_int_equal(process_stop(host, SIGTERM), 0);
    assert_int_equal(await_outcome(&sleeper), FBX_UNAVAILABLE);
    assert_int_equal(call_text(ann, "echo", "echo", "x", reply, sizeof reply), FBX_UNAVAILABLE);
    fbx_close(ann);
}

static void leaves_soon_when_the_broker_is_gone(void **state)
{
    struct scene *scene = *state;
    char line[256];
    struct process *host = start_host(scene, "farebox-host ready");
    (void)place_stop_broker(scene->place, SIGKILL);
    assert_true(process_line(host, "ts=", line, sizeof line));
    assert_non_null(strstr(line, "bus.lost"));
    struct timespec before, after;
    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(process_stop(host, SIGTERM), 0);
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec < 5);
}

/* Which it was asking: about each service it would have waited as long again. */
static void leaves_soon_when_the_broker_goes_at_the_same_time(void **state)
{
    struct scene *scene = *state;
    char line[256];
    struct process *host = start_host(scene, "farebox-host ready: echo data-bridge");
    process_freeze(scene->place->broker.pid);
    kill(host->pid, SIGTERM);
    assert_true(process_line(host, "ts=", line, sizeof line));
    assert_non_null(strstr(line, "host.draining"));
    uint64_t before_ns = clock_mono_ns();
    (void)place_stop_broker(scene->place, SIGKILL);
    assert_int_equal(process_stop(host, 0), 0);
    assert_true(clock_mono_ns() - before_ns < 5000 * NS_PER_MS);
}

/* The library would wait for ever; a service manager should hear of it. */
static void gives_up_when_its_token_is_no_longer_taken(void **state)
{
    struct scene *scene = *state;
    struct process *host = start_host(scene, "farebox-host ready");
    (void)place_stop_broker(scene->place, SIGKILL);
    place_change_secret(scene->place);
    place_start_broker(scene->place, NULL);
    char line[256];
    assert_true(process_line(host, "farebox-host: ", line, sizeof line));
    assert_int_equal(process_stop(host, 0), 77);
}

/* Callers here are pro. */
static void who_runs_it_says_for_whom(void **state)
{
    struct scene *scene = *state;
    struct process *host =
        place_start(scene->place, "farebox-host ready",
                    ARGUMENTS("--url", scene->place->url, "--token-file", scene->token, "--tier",
                              "echo=pro", "--tier", "echo.echo=enterprise", scene->echo));
    fbx_bus *bus = place_connect(scene->place, "acme", "ann", call_only);
    assert_int_equal(call_text(bus, "echo", "echo", "", NULL, 0), FBX_SUBSCRIPTION_INSUFFICIENT);
    assert_int_equal(call_text(bus, "echo", "sleep", "", NULL, 0), FBX_OK);
    fbx_close(bus);
    assert_int_equal(process_stop(host, SIGTERM), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(who_runs_it_says_for_whom),
        CASE(each_failure_has_its_exit_status),
        CASE(modules_others_could_change_are_not_loaded),
        CASE(tells_the_service_manager),
        CASE(serves_one_tenant_alone),
        CASE(running_calls_finish_before_it_leaves),
        CASE(a_drain_ends_what_is_held_and_running),
        CASE(leaves_soon_when_the_broker_is_gone),
        CASE(leaves_soon_when_the_broker_goes_at_the_same_time),
        CASE(gives_up_when_its_token_is_no_longer_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
