/* Subscribers of the gateway whose broker and whose mailbox are in the test's hands. */
#include "../testing.h"

#include "../../gateway/exchange.h"
#include "../../gateway/subscribers.h"

#include "base/clock.h"
#include "base/mem.h"

#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#define MANY 64

int __wrap_fbx_subscribe_async(fbx_bus *bus, const char *pattern,
                               const fbx_subscribe_options *options, fbx_on_event on_event,
                               fbx_on_answer on_answer, void *arg, uint64_t *id);
int __wrap_fbx_unsubscribe_async(fbx_bus *bus, uint64_t id);

/* What was asked of the broker; ids count from 1. */
static struct asked {
    fbx_on_answer on_answer, on_over;
    void *arg;
    bool ended;
} asked[MANY + 1];
static unsigned n_asked;
static char token[32], last_id[128];
static struct gateway gateway;

int __wrap_fbx_subscribe_async(fbx_bus *bus, const char *pattern,
                               const fbx_subscribe_options *options, fbx_on_event on_event,
                               fbx_on_answer on_answer, void *arg, uint64_t *id)
{
    (void)bus;
    (void)on_event;
    assert_string_equal(pattern, "news.>");
    assert_true(n_asked < MANY);
    *id = ++n_asked;
    asked[*id] = (struct asked){.on_answer = on_answer, .on_over = options->on_over, .arg = arg};
    return 0;
}

int __wrap_fbx_unsubscribe_async(fbx_bus *bus, uint64_t id)
{
    (void)bus;
    assert_false(asked[id].ended);
    asked[id].ended = true;
    return 0;
}

/* In the place of libmicrohttpd's: the test's clients have no connection. */
const char *MHD_lookup_connection_value(struct MHD_Connection *connection, enum MHD_ValueKind kind,
                                        const char *key)
{
    (void)connection;
    if (kind == MHD_GET_ARGUMENT_KIND)
        return strcmp(key, "topic") == 0 ? "news.%3E" : NULL;
    if (strcmp(key, MHD_HTTP_HEADER_AUTHORIZATION) == 0)
        return token;
    return strcmp(key, "Last-Event-ID") == 0 && *last_id ? last_id : NULL;
}

static int begin(void **state)
{
    char why[SETTINGS_WHY_BYTES];
    size_t item;
    (void)state;
    gateway = (struct gateway){
        .settings = {.default_timeout_ms = 1000, .heartbeat_ms = 1000, .resume_ms = 1000}};
    atomic_store(&gateway.connected, true);
    n_asked = 0;
    last_id[0] = '\0';
    snprintf(token, sizeof token, "Bearer ann");
    assert_int_equal(mailbox_init(&gateway.mailbox), 0);
    assert_int_equal(routes_create(&gateway.routes, &gateway.settings.routes, &item, why), 0);
    gateway.subscribers = subscribers_create(&gateway);
    return 0;
}

static int end(void **state)
{
    (void)state;
    subscribers_destroy(gateway.subscribers);
    routes_unref(gateway.routes);
    mailbox_finish(&gateway.mailbox);
    return 0;
}

static struct exchange *client_comes(void)
{
    struct exchange *x = exchange_create(&gateway, NULL);
    subscribers_handle(x);
    return x;
}

static void client_leaves(struct exchange *x)
{
    exchange_abandon(x);
    exchange_release(x);
}

static void take_mail(void)
{
    for (struct exchange *next, *x = mailbox_take(&gateway.mailbox); x; x = next) {
        next = x->taken;
        if (!x->over)
            continue;
        x->on_gone = NULL;
        exchange_release(x);
    }
}

static void tick(void)
{
    subscribers_tick(gateway.subscribers, clock_mono_ns());
}

/* The bus has the last word on a thread of its own; the loop hears of it in its next turn. */
static void a_client_may_leave_before_the_news_is_taken(void **state)
{
    (void)state;
    for (int granted = 0; granted < 2; granted++) {
        struct exchange *x = client_comes();
        const struct asked *subscription = &asked[n_asked];
        if (granted) {
            subscription->on_answer(subscription->arg, FBX_OK, "");
            take_mail();
            subscription->on_over(subscription->arg, FBX_UNAUTHENTICATED, "it is over");
        } else {
            subscription->on_answer(subscription->arg, FBX_PERMISSION_DENIED, "no");
        }
        tick();
        client_leaves(x);
        take_mail();
        tick();
    }
}

static void granted_and_left(unsigned id)
{
    struct exchange *x = client_comes();
    assert_int_equal(n_asked, id);
    asked[id].on_answer(asked[id].arg, FBX_OK, "");
    client_leaves(x);
    take_mail();
}

/* They hold places at the broker that somebody else could have. */
static void of_streams_that_wait_for_their_client_the_oldest_go_first(void **state)
{
    unsigned id = 0;
    (void)state;
    while (id < 5)
        granted_and_left(++id);
    for (unsigned i = 1; i <= id; i++)
        assert_false(asked[i].ended);
    snprintf(token, sizeof token, "Bearer bob");
    granted_and_left(++id);
    assert_false(asked[1].ended);
    snprintf(token, sizeof token, "Bearer ann");
    granted_and_left(++id);
    for (unsigned i = 1; i <= id; i++)
        assert_int_equal(asked[i].ended, i == 1);
}

static void a_gateway_that_stops_takes_no_streams(void **state)
{
    (void)state;
    struct exchange *asking = client_comes();
    gateway.draining = true;
    subscribers_end(gateway.subscribers);
    assert_int_equal(asking->answer.http, MHD_HTTP_SERVICE_UNAVAILABLE);
    take_mail();
    asked[1].on_answer(asked[1].arg, FBX_OK, "");
    client_leaves(asking);
    struct exchange *late = client_comes();
    assert_int_equal(late->answer.http, MHD_HTTP_SERVICE_UNAVAILABLE);
    assert_int_equal(n_asked, 1);
    client_leaves(late);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_client_may_leave_before_the_news_is_taken),
        TEST(of_streams_that_wait_for_their_client_the_oldest_go_first),
        TEST(a_gateway_that_stops_takes_no_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
