/* How a bus begins and ends: refusals, what was not answered, what is still held. */
#include "scene.h"

#include "../testing.h"
#include "base/clock.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void a_connection_that_fails_says_why(void **state)
{
    struct scene *scene = *state;
    fbx_bus *bus = (fbx_bus *)scene; /* to be left alone */
    fbx_options options = {.url = scene->place->url, .token = "no.valid.token"};
    assert_int_equal(fbx_connect(&bus, &options), FBX_EREFUSED);
    assert_true(strlen(fbx_last_error()) > 0);
    options.url = "ipc:///tmp/nothing-listens-here.sock";
    uint64_t before = clock_mono_ns();
    assert_int_equal(fbx_connect(&bus, &options), FBX_EUNREACHABLE);
    assert_true(clock_mono_ns() - before < 2 * NS_PER_SEC); /* of the five it may take */
    assert_non_null(strstr(fbx_last_error(), "nothing-listens-here.sock"));
    assert_non_null(strstr(fbx_last_error(), "connection refused"));
    options.connect_timeout_ms = 50;
    options.wait_for_broker = true;
    assert_int_equal(fbx_connect(&bus, &options), FBX_EUNREACHABLE);
    assert_non_null(strstr(fbx_last_error(), "within 50 ms"));
    options.url = "carrier-pigeon://coop";
    assert_int_equal(fbx_connect(&bus, &options), FBX_EINVAL);
    options.url = "tls+tcp://127.0.0.1:1";
    assert_int_equal(fbx_connect(&bus, &options), FBX_EINVAL);
    assert_non_null(strstr(fbx_last_error(), "tls_ca_file"));
    options.tls_ca_file = "/nonexistent.pem";
    assert_int_equal(fbx_connect(&bus, &options), FBX_EINVAL);
    assert_non_null(strstr(fbx_last_error(), "/nonexistent.pem"));
    options = (fbx_options){.url = scene->place->url};
    assert_int_equal(fbx_connect(&bus, &options), FBX_EINVAL);
    assert_non_null(strstr(fbx_last_error(), "token"));
    options.token = "\xff";
    assert_int_equal(fbx_connect(&bus, &options), FBX_EINVAL);
    assert_non_null(strstr(fbx_last_error(), "the token is no text"));
    options = (fbx_options){.url = scene->place->url, .token = "t", .name = "\xc3"};
    assert_int_equal(fbx_connect(&bus, &options), FBX_EINVAL);
    assert_non_null(strstr(fbx_last_error(), "the name is no text"));
    assert_ptr_equal(bus, scene);
}

static void closing_ends_what_was_not_answered(void **state)
{
    struct scene *scene = *state;
    struct scene_call call;
    scene_call(scene, &call, "block", NULL);
    scene_await(&scene->entered);
    fbx_close(scene->bus);
    scene->bus = NULL;
    assert_int_equal(sem_trywait(&call.done), 0);
    assert_int_equal(fbx_reply_status(call.reply), FBX_CANCELLED);
    scene_call_finish(&call);
}

static void a_bus_closes_though_broker_and_handler_do_not_help(void **state)
{
    struct scene *scene = *state;
    struct scene_call call;
    fbx_call_options options = {.timeout_ms = 200};
    scene_call(scene, &call, "persist", &options);
    scene_await(&scene->entered);
    process_freeze(scene->place->broker.pid);
    fbx_close(scene->served);
    scene->served = NULL;
    kill(scene->place->broker.pid, SIGCONT);
    assert_int_not_equal(scene_outcome(&call), FBX_OK);
    scene_call_finish(&call);
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
    fbx_bus *bus = place_connect(scene->place, "acme", "hoarder", scene_permissions);
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

/* Something accepts and says nothing: neither the timeout nor the end hangs. */
static void a_listener_that_says_nothing_is_no_broker(void **state)
{
    struct scene *scene = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char url[sizeof address.sun_path + 8];
    snprintf(address.sun_path, sizeof address.sun_path, "%s/mute", scene->place->dir);
    snprintf(url, sizeof url, "ipc://%s", address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    fbx_options options = {.url = url, .token = "any", .connect_timeout_ms = 100};
    fbx_bus *bus;
    assert_int_equal(fbx_connect(&bus, &options), FBX_EUNREACHABLE);
    assert_non_null(strstr(fbx_last_error(), "within 100 ms"));
    close(fd);
}

static void an_event_that_is_too_large_never_leaves(void **state)
{
    struct scene *scene = *state;
    static char payload[1024 * 1024 + 1];
    assert_int_equal(fbx_publish(scene->bus, "a.b", (fbx_bytes){payload, sizeof payload}, NULL),
                     FBX_EREFUSED);
    assert_non_null(strstr(fbx_last_error(), "too_large: "));
    assert_int_equal(fbx_ping(scene->bus, 0), 0);
}

/* ---- what was not answered in time ---- */

static void count_event(void *arg, const fbx_event *event)
{
    (void)event;
    sem_post(arg);
}

static void answer_nothing(void *arg, fbx_request *request)
{
    (void)arg;
    fbx_respond_status(request, FBX_OK, NULL);
}

/* A broker that wakes up finds nothing the application was told had failed, in
 * this session or a later one. */
static void what_timed_out_leaves_nothing_behind(void **state)
{
    struct scene *scene = *state;
    const fbx_service service = {.name = "late", .handler = answer_nothing};
    char *token = place_token(scene->place, "acme", "late", "pro", scene_permissions);
    fbx_options options = {
        .url = scene->place->url, .token = token, .connect_timeout_ms = 200, .name = "late"};
    fbx_reply *reply;
    sem_t told;
    fbx_bus *bus;
    sem_init(&told, 0, 0);
    assert_int_equal(fbx_connect(&bus, &options), 0);
    process_freeze(scene->place->broker.pid);
    int served = fbx_serve(bus, &service);
    bool said = strstr(fbx_last_error(), "200 ms") != NULL;
    int subscribed = fbx_subscribe(bus, "late.>", NULL, count_event, &told, NULL);
    kill(scene->place->broker.pid, SIGCONT);
    assert_int_equal(served, FBX_ETIMEDOUT);
    assert_true(said);
    assert_int_equal(subscribed, FBX_ETIMEDOUT);
    for (int session = 0; session < 2; session++) {
        assert_int_equal(fbx_ping(bus, 0), 0);
        assert_int_equal(fbx_call(scene->bus, "late", "x", (fbx_bytes){0}, NULL, &reply), 0);
        /* As a service unknown or without instances, but not as one whose instance refuses. */
        assert_int_not_equal(fbx_reply_status(reply), FBX_OK);
        assert_null(strstr(fbx_reply_message(reply), "does not take"));
        fbx_reply_free(reply);
        assert_int_equal(
            fbx_publish(bus, "late.x", (fbx_bytes){0}, &(fbx_publish_options){.confirm = true}), 0);
        assert_int_equal(fbx_ping(bus, 0), 0);
        assert_int_equal(sem_trywait(&told), -1);
        (void)place_stop_broker(scene->place, SIGKILL);
        place_start_broker(scene->place, NULL);
    }
    fbx_close(bus);
    free(token);
    sem_destroy(&told);
}

/* ---- the outbox ---- */

/* Sixteen times what the outbox holds. */
static void a_full_outbox_waits_and_loses_nothing(void **state)
{
    enum { EVENTS = 64, BYTES = 16 * 1024 };
    static char payload[BYTES];
    struct scene *scene = *state;
    sem_t told;
    sem_init(&told, 0, 0);
    char *token = place_token(scene->place, "acme", "small", "pro", scene_permissions);
    fbx_options options = {.url = scene->place->url, .token = token, .outbox_bytes = 64 * 1024};
    fbx_bus *small;
    assert_int_equal(fbx_connect(&small, &options), 0);
    assert_int_equal(fbx_subscribe(scene->bus, "bulk.>", NULL, count_event, &told, NULL), 0);
    for (int i = 0; i < EVENTS; i++)
        assert_int_equal(fbx_publish(small, "bulk.x", (fbx_bytes){payload, BYTES}, NULL), 0);
    for (int i = 0; i < EVENTS; i++)
        scene_await(&told);
    fbx_close(small);
    free(token);
    sem_destroy(&told);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_connection_that_fails_says_why),
        CASE(closing_ends_what_was_not_answered),
        CASE(a_bus_closes_though_broker_and_handler_do_not_help),
        CASE(a_request_may_outlive_its_bus),
        CASE(a_listener_that_says_nothing_is_no_broker),
        CASE(an_event_that_is_too_large_never_leaves),
        CASE(what_timed_out_leaves_nothing_behind),
        CASE(a_full_outbox_waits_and_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
