/* Processes die, stop and come back; the bus says what became of each call. */
#include "harness.h"

#include "../testing.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const all[] = {"call:*", "publish:*", "subscribe:*", "serve:*", "admin:*", NULL};
static const char *const quick[] = {"--grace-ms", "300", "--heartbeat-ms", "200", NULL};

/* A service host in a process of its own, so that it can be killed. */
static struct process *start_host(struct place *place, const char *user)
{
    char module[PATH_MAX];
    char *token = place_token_file(place, "platform", user, all);
    build_path(module, sizeof module, "lib/farebox/echo.so");
    const char *argv[] = {"farebox-host", "--url", place->url, "--token-file", token, module, NULL};
    struct process *host = place_start(place, "farebox-host ready", argv);
    free(token);
    return host;
}

struct outcome {
    pthread_mutex_t lock;
    pthread_cond_t given;
    int status; /* -1: none yet */
    unsigned times;
};

static void outcome_init(struct outcome *outcome)
{
    pthread_mutex_init(&outcome->lock, NULL);
    pthread_cond_init(&outcome->given, NULL);
    outcome->status = -1;
    outcome->times = 0;
}

static void on_reply(void *arg, const fbx_reply *reply)
{
    struct outcome *outcome = arg;
    pthread_mutex_lock(&outcome->lock);
    outcome->status = fbx_reply_status(reply);
    outcome->times++;
    pthread_cond_broadcast(&outcome->given);
    pthread_mutex_unlock(&outcome->lock);
}

static int await(struct outcome *outcome)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PLACE_PATIENCE_MS / 1000;
    pthread_mutex_lock(&outcome->lock);
    while (outcome->status < 0) {
        if (pthread_cond_timedwait(&outcome->given, &outcome->lock, &until) != 0)
            fail_msg("a call never had an outcome");
    }
    int status = outcome->status;
    pthread_mutex_unlock(&outcome->lock);
    return status;
}

/* {"ms": 60000}: the service is still at it when it dies. */
static const char sleep_long[] = "\x81\xa2ms\xcd\xea\x60";

static void call_sleep(fbx_bus *bus, bool idempotent, struct outcome *outcome)
{
    fbx_call_options options = {.timeout_ms = 60000, .idempotent = idempotent};
    outcome_init(outcome);
    assert_int_equal(fbx_call_async(bus, "echo", "sleep",
                                    (fbx_bytes){sleep_long, sizeof sleep_long - 1}, &options,
                                    on_reply, outcome, NULL),
                     0);
}

struct serving {
    fbx_bus *bus;
    const char *pattern;
};

/* Whether bus.registry.show echo says what we wait for. */
static bool registry_says(void *arg)
{
    struct serving *wanted = arg;
    char shown[8192];
    static const char name[] = "\x81\xa4name\xa4"
                               "echo";
    fbx_reply *reply = NULL;
    if (fbx_call(wanted->bus, "bus.registry", "show", (fbx_bytes){name, sizeof name - 1}, NULL,
                 &reply) != 0)
        return false;
    fbx_value root, found;
    bool ok = fbx_read(fbx_reply_payload(reply), &root);
    found = ok ? fbx_map_get(&root, "in_flight") : (fbx_value){0};
    snprintf(shown, sizeof shown, "in_flight=%d", (int)fbx_as_int(&found, -1));
    fbx_reply_free(reply);
    return strcmp(shown, wanted->pattern) == 0;
}

static void wait_for_in_flight(fbx_bus *bus, const char *pattern)
{
    struct serving wanted = {bus, pattern};
    if (!eventually(registry_says, &wanted))
        fail_msg("the registry never said %s", pattern);
}

static void a_killed_service_leaves_outcome_unknown(void **state)
{
    (void)state;
    struct outcome outcome;
    struct place *place = place_create();
    place_start_broker(place, quick);
    struct process *host = start_host(place, "one");
    fbx_bus *bus = place_connect(place, "acme", "ann", all);
    call_sleep(bus, false, &outcome);
    wait_for_in_flight(bus, "in_flight=1");
    process_stop(host, SIGKILL);
    assert_int_equal(await(&outcome), FBX_OUTCOME_UNKNOWN);
    assert_int_equal(call_text(bus, "echo", "echo", "x", NULL, 0), FBX_UNAVAILABLE);
    fbx_close(bus);
    assert_int_equal(outcome.times, 1);
    place_destroy(place);
}

static void an_idempotent_call_moves_to_another_instance(void **state)
{
    (void)state;
    struct outcome outcome;
    struct place *place = place_create();
    place_start_broker(place, quick);
    struct process *host = start_host(place, "one");
    fbx_bus *bus = place_connect(place, "acme", "ann", all);
    call_sleep(bus, true, &outcome);
    wait_for_in_flight(bus, "in_flight=1");
    start_host(place, "two");
    process_stop(host, SIGKILL);
    wait_for_in_flight(bus, "in_flight=1");
    assert_int_equal(outcome.times, 0);
    fbx_close(bus);
    assert_int_equal(outcome.times, 1);
    assert_int_equal(outcome.status, FBX_CANCELLED);
    place_destroy(place);
}

static bool echo_works(void *arg)
{
    char said[16];
    return call_text(arg, "echo", "echo", "x", said, sizeof said) == FBX_OK && said[0] == 'x';
}

static void everybody_finds_back_after_kill_9_of_the_broker(void **state)
{
    (void)state;
    struct place *place = place_create();
    place_start_broker(place, quick);
    start_host(place, "one");
    fbx_bus *bus = place_connect(place, "acme", "ann", all);
    assert_true(echo_works(bus));
    for (int life = 0; life < 5; life++) {
        assert_int_equal(place_stop_broker(place, SIGKILL), 128 + SIGKILL);
        place_start_broker(place, quick);
        assert_true(eventually(echo_works, bus));
    }
    fbx_close(bus);
    place_destroy(place);
}

static void the_registry_remembers(void **state)
{
    (void)state;
    struct place *place = place_create();
    place_start_broker(place, quick);
    process_stop(start_host(place, "one"), SIGTERM);
    assert_int_equal(place_stop_broker(place, SIGTERM), 0);
    place_start_broker(place, quick);
    fbx_bus *bus = place_connect(place, "acme", "ann", all);
    assert_int_equal(call_text(bus, "echo", "echo", "x", NULL, 0), FBX_UNAVAILABLE);
    assert_int_equal(call_text(bus, "never-heard-of", "echo", "x", NULL, 0), FBX_SERVICE_NOT_FOUND);
    fbx_close(bus);
    place_destroy(place);
}

/* Spoils a text wherever it stands in the store's file. Returns how often that is. */
static int spoil(const struct place *place, const char *text)
{
    static char books[1024 * 1024];
    char path[PLACE_PATH + 32];
    snprintf(path, sizeof path, "%s/store/books.mdb", place->data);
    FILE *file = fopen(path, "r+e");
    assert_non_null(file);
    size_t len = fread(books, 1, sizeof books, file);
    int found = 0;
    for (char *at = books; (at = memmem(at, len - (size_t)(at - books), text, strlen(text)));) {
        *at ^= 1;
        found++;
    }
    rewind(file);
    assert_int_equal(fwrite(books, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    return found;
}

static void a_damaged_store_is_reported_at_start(void **state)
{
    (void)state;
    char line[1024];
    struct place *place = place_create();
    place_start_broker(place, quick);
    process_stop(start_host(place, "one"), SIGTERM);
    assert_int_equal(place_stop_broker(place, SIGTERM), 0);
    assert_true(spoil(place, "echo") > 0);
    const char *argv[] = {"fareboxd",  "--listen",          place->url,    "--data",
                          place->data, "--jwt-secret-file", place->secret, NULL};
    struct process *broker = place_start(place, NULL, argv);
    do
        assert_true(process_line(broker, "ts=", line, sizeof line));
    while (!strstr(line, "event=store.rebuilt"));
    assert_int_equal(process_stop(broker, SIGTERM), 0);
    place_destroy(place);
}

/* A stopped process keeps its connection. Its calls run into their deadlines; its slots stay
 * taken, so the other instance serves everybody. */
static void a_frozen_service_delays_nobody_else(void **state)
{
    (void)state;
    char said[16];
    struct place *place = place_create();
    place_start_broker(place, NULL);
    struct process *frozen = start_host(place, "frozen");
    start_host(place, "lively");
    fbx_bus *bus = place_connect(place, "acme", "ann", all);
    process_freeze(frozen->pid);
    int failed = 0;
    for (int i = 0; i < 50; i++) {
        fbx_call_options options = {.timeout_ms = 300};
        fbx_reply *reply = NULL;
        assert_int_equal(fbx_call(bus, "echo", "echo", (fbx_bytes){"x", 1}, &options, &reply), 0);
        failed += fbx_reply_status(reply) != FBX_OK;
        fbx_reply_free(reply);
    }
    assert_in_range(failed, 0, 1);
    kill(frozen->pid, SIGCONT);
    assert_int_equal(call_text(bus, "echo", "echo", "y", said, sizeof said), FBX_OK);
    fbx_close(bus);
    place_destroy(place);
}

static void a_draining_broker_lets_calls_finish(void **state)
{
    (void)state;
    static const char sleep_short[] = "\x81\xa2ms\xcd\x01\xf4"; /* {"ms": 500} */
    struct outcome outcome;
    struct place *place = place_create();
    place_start_broker(place, NULL);
    start_host(place, "one");
    fbx_bus *bus = place_connect(place, "acme", "ann", all);
    outcome_init(&outcome);
    assert_int_equal(fbx_call_async(bus, "echo", "sleep",
                                    (fbx_bytes){sleep_short, sizeof sleep_short - 1}, NULL,
                                    on_reply, &outcome, NULL),
                     0);
    wait_for_in_flight(bus, "in_flight=1");
    assert_int_equal(place_stop_broker(place, SIGTERM), 0);
    assert_int_equal(await(&outcome), FBX_OK);
    fbx_close(bus);
    place_destroy(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_service_leaves_outcome_unknown),
        cmocka_unit_test(an_idempotent_call_moves_to_another_instance),
        cmocka_unit_test(everybody_finds_back_after_kill_9_of_the_broker),
        cmocka_unit_test(the_registry_remembers),
        cmocka_unit_test(a_damaged_store_is_reported_at_start),
        cmocka_unit_test(a_frozen_service_delays_nobody_else),
        cmocka_unit_test(a_draining_broker_lets_calls_finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
