/* What a tenant can reach: its own, and nothing else. Real broker, real clients. */
#include "harness.h"

#include "../testing.h"

#include "base/clock.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *const all[] = {"call:*", "publish:*", "subscribe:*", "serve:*", "admin:*", NULL};
static const char *const none[] = {NULL};

/* Events heard, in order; the barrier is a last event everybody who may hear it hears. */
struct ear {
    pthread_mutex_t lock;
    pthread_cond_t heard;
    char text[4096];
};

static void ear_open(struct ear *ear)
{
    memset(ear, 0, sizeof *ear);
    pthread_mutex_init(&ear->lock, NULL);
    pthread_cond_init(&ear->heard, NULL);
}

static void hear(void *arg, const fbx_event *event)
{
    struct ear *ear = arg;
    pthread_mutex_lock(&ear->lock);
    size_t len = strlen(ear->text);
    snprintf(ear->text + len, sizeof ear->text - len, "[%s %.*s]", event->topic,
             (int)event->payload.len, (const char *)event->payload.data);
    pthread_cond_broadcast(&ear->heard);
    pthread_mutex_unlock(&ear->lock);
}

static void wait_until_heard(struct ear *ear, const char *text)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PLACE_PATIENCE_MS / 1000;
    pthread_mutex_lock(&ear->lock);
    while (!strstr(ear->text, text)) {
        if (pthread_cond_timedwait(&ear->heard, &ear->lock, &until) != 0)
            fail_msg("never heard %s, only %s", text, ear->text);
    }
    pthread_mutex_unlock(&ear->lock);
}

static void tell(fbx_bus *bus, const char *topic, const char *text)
{
    fbx_publish_options confirmed = {.confirm = true};
    assert_int_equal(fbx_publish(bus, topic, (fbx_bytes){text, strlen(text)}, &confirmed), 0);
}

static void echo(void *arg, fbx_request *request)
{
    fbx_bytes payload = fbx_request_payload(request);
    char text[256];
    int len = snprintf(text, sizeof text, "%s for %s/%s: %.*s", (const char *)arg,
                       fbx_context_tenant(fbx_request_context(request)),
                       fbx_context_user(fbx_request_context(request)), (int)payload.len,
                       (const char *)payload.data);
    fbx_respond(request, (fbx_bytes){text, (size_t)len}, NULL);
}

static void serve(fbx_bus *bus, const char *name, const char *tenant, const char *says)
{
    fbx_service service = {.name = name,
                           .tenant = tenant,
                           .handler = echo,
                           .arg = (void *)(uintptr_t)says,
                           .on_io_thread = true};
    int rc = fbx_serve(bus, &service);
    if (rc != 0)
        fail_msg("serve %s: %s %s", name, fbx_error_text(rc), fbx_last_error());
}

/* ---- events ---- */

static void events_stay_in_their_tenant(void **state)
{
    (void)state;
    static const char *const patterns[] = {"orders.created", "orders.*", ">", "*.created"};
    struct place *place = place_create();
    struct ear acme_ear, globex_ear;
    place_start_broker(place, NULL);
    fbx_bus *acme = place_connect(place, "acme", "ann", all);
    fbx_bus *globex = place_connect(place, "globex", "gus", all);
    ear_open(&acme_ear);
    ear_open(&globex_ear);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        assert_int_equal(fbx_subscribe(globex, patterns[i], NULL, hear, &globex_ear, NULL), 0);
    assert_int_equal(fbx_subscribe(acme, ">", NULL, hear, &acme_ear, NULL), 0);

    tell(acme, "orders.created", "CANARY-ACME");
    wait_until_heard(&acme_ear, "[orders.created CANARY-ACME]");
    tell(globex, "orders.created", "barrier");
    wait_until_heard(&globex_ear, "[orders.created barrier][orders.created barrier]"
                                  "[orders.created barrier][orders.created barrier]");
    assert_null(strstr(globex_ear.text, "CANARY"));
    fbx_close(acme);
    fbx_close(globex);
    place_destroy(place);
}

static void only_a_permission_reaches_across(void **state)
{
    (void)state;
    static const char *const across[] = {"subscribe:*/orders.>", NULL};
    fbx_subscribe_options everybody = {.tenant = "*"};
    struct place *place = place_create();
    struct ear ear;
    ear_open(&ear);
    place_start_broker(place, NULL);
    fbx_bus *acme = place_connect(place, "acme", "ann", all);
    fbx_bus *billing = place_connect(place, "platform", "billing", across);

    assert_int_equal(fbx_subscribe(acme, ">", &everybody, hear, &ear, NULL), FBX_EREFUSED);
    assert_int_equal(fbx_subscribe(billing, ">", &everybody, hear, &ear, NULL), FBX_EREFUSED);
    assert_int_equal(fbx_subscribe(billing, "orders.>", &everybody, hear, &ear, NULL), 0);
    tell(acme, "orders.created", "42");
    wait_until_heard(&ear, "[orders.created 42]");
    fbx_close(acme);
    fbx_close(billing);
    place_destroy(place);
}

static void naming_another_tenant_is_refused(void **state)
{
    (void)state;
    fbx_call_options call = {.tenant = "globex"};
    fbx_publish_options publish = {.tenant = "globex", .confirm = true};
    fbx_subscribe_options subscribe = {.tenant = "globex"};
    fbx_service service = {.name = "other", .tenant = "globex", .handler = echo, .arg = ""};
    struct place *place = place_create();
    place_start_broker(place, NULL);
    fbx_bus *acme = place_connect(place, "acme", "ann", all);
    serve(acme, "echo", NULL, "shared");

    fbx_reply *reply = NULL;
    assert_int_equal(fbx_call(acme, "echo", "echo", (fbx_bytes){"", 0}, &call, &reply), 0);
    assert_int_equal(fbx_reply_status(reply), FBX_TENANT_MISMATCH);
    fbx_reply_free(reply);
    assert_int_equal(fbx_publish(acme, "a.b", (fbx_bytes){"x", 1}, &publish), FBX_EREFUSED);
    assert_int_equal(fbx_subscribe(acme, "a.b", &subscribe, hear, NULL, NULL), FBX_EREFUSED);
    assert_int_equal(fbx_serve(acme, &service), FBX_EREFUSED);
    fbx_close(acme);
    place_destroy(place);
}

/* ---- services ---- */

static void a_tenants_own_service_is_its_own(void **state)
{
    (void)state;
    char said[256];
    struct place *place = place_create();
    place_start_broker(place, NULL);
    fbx_bus *platform = place_connect(place, "platform", "host", all);
    fbx_bus *acme = place_connect(place, "acme", "ann", all);
    fbx_bus *globex = place_connect(place, "globex", "gus", all);
    serve(acme, "private", "acme", "acme's");
    serve(platform, "orders", NULL, "shared");
    serve(acme, "orders", "acme", "acme's");

    assert_int_equal(call_text(acme, "orders", "get", "1", said, sizeof said), FBX_OK);
    assert_string_equal(said, "acme's for acme/ann: 1");
    assert_int_equal(call_text(globex, "orders", "get", "2", said, sizeof said), FBX_OK);
    assert_string_equal(said, "shared for globex/gus: 2");
    assert_int_equal(call_text(globex, "private", "get", "", said, sizeof said),
                     FBX_SERVICE_NOT_FOUND);
    assert_int_equal(fbx_unserve(acme, "orders"), 0);
    assert_int_equal(call_text(acme, "orders", "get", "3", said, sizeof said), FBX_OK);
    assert_string_equal(said, "shared for acme/ann: 3");
    fbx_close(platform);
    fbx_close(acme);
    fbx_close(globex);
    place_destroy(place);
}

/* ---- permissions ---- */

static void nothing_is_permitted_that_no_permission_says(void **state)
{
    (void)state;
    static const char *const verbs[][2] = {
        {"bus.sessions", "list"}, {"bus.stats", "show"}, {"bus.tap", "watch"}};
    fbx_publish_options confirmed = {.confirm = true};
    fbx_service service = {.name = "echo", .handler = echo, .arg = ""};
    struct place *place = place_create();
    place_start_broker(place, NULL);
    fbx_bus *host = place_connect(place, "platform", "host", all);
    fbx_bus *bob = place_connect(place, "acme", "bob", none);
    serve(host, "echo", NULL, "shared");

    assert_int_equal(call_text(bob, "echo", "echo", "", NULL, 0), FBX_PERMISSION_DENIED);
    assert_int_equal(fbx_publish(bob, "a.b", (fbx_bytes){"x", 1}, &confirmed), FBX_EREFUSED);
    assert_int_equal(fbx_subscribe(bob, "a.b", NULL, hear, NULL, NULL), FBX_EREFUSED);
    assert_int_equal(fbx_serve(bob, &service), FBX_EREFUSED);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        assert_int_equal(call_text(bob, verbs[i][0], verbs[i][1], "", NULL, 0),
                         FBX_PERMISSION_DENIED);
    fbx_close(host);
    fbx_close(bob);
    place_destroy(place);
}

/* ---- limits ---- */

#define BURST 20u
#define TIMES 100u /* as many calls as the tier allows */

/* A tenant's calls that have been answered, in all and well. */
struct flood {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    unsigned calls, ok, limited;
};

static void on_answer(void *arg, const fbx_reply *reply)
{
    struct flood *flood = arg;
    pthread_mutex_lock(&flood->lock);
    flood->calls++;
    flood->ok += fbx_reply_status(reply) == FBX_OK;
    flood->limited += fbx_reply_status(reply) == FBX_RATE_LIMITED;
    pthread_cond_signal(&flood->answered);
    pthread_mutex_unlock(&flood->lock);
}

static void pour(struct flood *flood, fbx_bus *bus, unsigned calls)
{
    for (unsigned n = 0; n < calls; n++)
        assert_int_equal(
            fbx_call_async(bus, "shared", "get", (fbx_bytes){"", 0}, NULL, on_answer, flood, NULL),
            0);
}

static void wait_until_poured(struct flood *flood, unsigned calls)
{
    pthread_mutex_lock(&flood->lock);
    while (flood->calls < calls)
        pthread_cond_wait(&flood->answered, &flood->lock);
    pthread_mutex_unlock(&flood->lock);
}

static void count(void *arg, fbx_request *request)
{
    const char *tenant = fbx_context_tenant(fbx_request_context(request));
    atomic_uint *served = arg;
    served[strcmp(tenant, "globex") == 0]++;
    fbx_respond(request, (fbx_bytes){"", 0}, NULL);
}

/* A makes a hundred times the calls its tier allows, all the while B makes those that are its own.
 */
static void who_floods_the_bus_is_alone_in_it(void **state)
{
    (void)state;
    atomic_uint served[2] = {0};
    struct flood flood = {.lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER};
    fbx_service service = {.name = "shared", .handler = count, .arg = served, .on_io_thread = true};
    struct place *place = place_create();
    place_start_broker(place, (const char *const[]){"--tier", "pro per-minute=20 burst=20", NULL});
    fbx_bus *host = place_connect(place, "platform", "host", all);
    fbx_bus *acme = place_connect(place, "acme", "ann", all);
    fbx_bus *globex = place_connect(place, "globex", "gus", all);
    assert_int_equal(fbx_serve(host, &service), 0);

    uint64_t began_ns = clock_mono_ns();
    for (unsigned n = 1; n <= BURST; n++) {
        pour(&flood, acme, TIMES);
        assert_int_equal(call_text(globex, "shared", "get", "", NULL, 0), FBX_OK);
        wait_until_poured(&flood, n * TIMES);
    }
    assert_int_equal(served[1], BURST);
    assert_int_equal(flood.ok + flood.limited, BURST * TIMES);
    unsigned minutes = (unsigned)((clock_mono_ns() - began_ns) / NS_PER_SEC / 60 + 1);
    assert_in_range(flood.ok, BURST, BURST + BURST * minutes);
    assert_int_equal(served[0], flood.ok);
    fbx_close(acme);
    fbx_close(globex);
    fbx_close(host);
    place_destroy(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_stay_in_their_tenant),
        cmocka_unit_test(only_a_permission_reaches_across),
        cmocka_unit_test(naming_another_tenant_is_refused),
        cmocka_unit_test(a_tenants_own_service_is_its_own),
        cmocka_unit_test(nothing_is_permitted_that_no_permission_says),
        cmocka_unit_test(who_floods_the_bus_is_alone_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
