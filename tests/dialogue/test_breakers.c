/* A service made to fail is spared, and used again when it works: seen by callers, by whoever
 * listens, and in a shell. */
#include "inspect.h"

#include <limits.h>
#include <stdlib.h>

#define AS_OPERATOR " --token-file \"$OPERATOR\""

static fbx_bus *host, *ann, *bob;

/* `orders` fails when told to. */
static void answer(void *arg, fbx_request *request)
{
    (void)arg;
    if (strcmp(fbx_request_method(request), "fail") == 0)
        fbx_respond_status(request, FBX_INTERNAL, "on request");
    else
        fbx_respond(request, fbx_request_payload(request), NULL);
}

static void start_all(const char *breakers)
{
    const fbx_service orders = {.name = "orders", .handler = answer, .on_io_thread = true};
    place_start_broker(place, (const char *const[]){"--breaker", breakers, NULL});
    host = place_connect(place, "platform", "shop", (const char *const[]){"serve:*", NULL});
    assert_int_equal(fbx_serve(host, &orders), 0);
    ann = place_connect(place, "acme", "ann", (const char *const[]){"call:*", NULL});
    bob = place_connect(place, "bolt", "bob", (const char *const[]){"call:*", NULL});
}

static void stop_all(void)
{
    fbx_close(bob);
    fbx_close(ann);
    fbx_close(host);
    assert_int_equal(place_stop_broker(place, SIGTERM), 0);
}

/* The next test starts with the same store. */
static void stop_all_afresh(void)
{
    ends(0, "farebox breaker reset orders" AS_OPERATOR);
    ends(0, "farebox breaker reset orders --tenant acme" AS_OPERATOR);
    stop_all();
}

static int orders(fbx_bus *bus, const char *method)
{
    return call_text(bus, "orders", method, "", NULL, 0);
}

static void fails(fbx_bus *bus, unsigned times)
{
    while (times-- > 0)
        assert_int_equal(orders(bus, "fail"), FBX_INTERNAL);
}

static bool works_again(void *bus)
{
    int status = orders(bus, "get");
    assert_true(status == FBX_OK || status == FBX_BREAKER_OPEN);
    return status == FBX_OK;
}

static void test_one_tenants_poison_is_its_own(void **state)
{
    (void)state;
    start_all("* calls=4 open-ms=300 probes=1");
    fails(ann, 4);
    assert_int_equal(orders(ann, "get"), FBX_BREAKER_OPEN);
    for (unsigned n = 0; n < 20; n++)
        assert_int_equal(orders(bob, "get"), FBX_OK);
    assert_true(eventually(works_again, ann));
    for (unsigned n = 0; n < 20; n++)
        assert_int_equal(orders(ann, "get"), FBX_OK);
    stop_all_afresh();
}

static void test_a_service_that_fails_is_spared_until_it_works(void **state)
{
    (void)state;
    char line[1024];
    start_all("* calls=4 open-ms=300 probes=1");
    char *listener = place_token_file(place, "platform", "listener",
                                      (const char *const[]){"subscribe:bus.>", NULL});
    struct process *sub = START("{\"note\":\"subscribed\"}", "farebox", "sub", "bus.breaker.*",
                                "--count", "3", "-o", "json", "--token-file", listener);
    free(listener);
    fails(ann, 4);
    fails(bob, 4);
    assert_int_equal(orders(bob, "get"), FBX_BREAKER_OPEN);
    assert_true(eventually(works_again, bob));
    static const char *const states[] = {"open", "half_open", "closed"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        char wanted[64];
        snprintf(wanted, sizeof wanted, "\"state\":\"%s\"", states[i]);
        assert_true(process_line(sub, "{\"topic\":\"bus.breaker.orders\"", line, sizeof line));
        assert_non_null(strstr(line, wanted));
    }
    stop_all_afresh();
}

static void test_what_is_open_outlives_the_broker(void **state)
{
    (void)state;
    start_all("* calls=4 open-ms=600000 open-most-ms=600000");
    fails(ann, 4);
    stop_all();
    start_all("* calls=4 open-ms=600000 open-most-ms=600000");
    assert_int_equal(orders(ann, "get"), FBX_BREAKER_OPEN);
    assert_int_equal(orders(bob, "get"), FBX_OK);
    ends(0, "farebox breakers" AS_OPERATOR);
    says("SERVICE  TENANT  INSTANCE  STATE ");
    says("\norders   acme    -         open ");
    ends(0, "farebox breaker reset orders --tenant acme" AS_OPERATOR);
    assert_string_equal(output, "");
    assert_int_equal(orders(ann, "get"), FBX_OK);
    stop_all_afresh();
}

static void test_it_does_as_it_is_told(void **state)
{
    (void)state;
    start_all("* calls=4 open-ms=600000 open-most-ms=600000");
    ends(0, "farebox breaker force-open orders" AS_OPERATOR);
    assert_int_equal(orders(bob, "get"), FBX_BREAKER_OPEN);
    ends(0, "farebox breakers -o json" AS_OPERATOR);
    says("\"forced\":true");
    char *caller = place_token_file(place, "bolt", "carl", (const char *const[]){"call:*", NULL});
    ends(69, "farebox call orders get --token-file %s", caller);
    free(caller);
    says("breaker_open: by an operator's order all calls to orders are refused (request ");
    ends(0, "farebox breaker force-close orders --tenant acme" AS_OPERATOR);
    ends(0, "farebox breaker reset orders" AS_OPERATOR);
    fails(ann, 20);
    assert_int_equal(orders(ann, "get"), FBX_OK);
    ends(77, "farebox breaker reset orders --token-file \"$NOBODY\"");
    says("admin:breakers");
    ends(69, "farebox breaker reset nothing" AS_OPERATOR);
    ends(64, "farebox breaker reset");
    stop_all_afresh();
}

static int ask_quickly(fbx_bus *bus)
{
    const fbx_call_options quick = {.timeout_ms = 300};
    fbx_reply *reply = NULL;
    assert_int_equal(fbx_call(bus, "echo", "echo", (fbx_bytes){"\x80", 1}, &quick, &reply), 0);
    int status = fbx_reply_status(reply);
    fbx_reply_free(reply);
    return status;
}

/* A stopped process has its calls for ever: it gets a few, and then no more. */
static void test_a_stopped_instance_is_avoided(void **state)
{
    (void)state;
    char path[PATH_MAX];
    start_all("* calls=20");
    build_path(path, sizeof path, "lib/farebox/echo.so");
    char *token =
        place_token_file(place, "platform", "twin", (const char *const[]){"serve:*", NULL});
    struct process *hosts[2];
    for (unsigned i = 0; i < 2; i++)
        hosts[i] = START("farebox-host ready", "farebox-host", "--token-file", token, path);
    free(token);
    for (unsigned n = 0; n < 50; n++)
        assert_int_equal(ask_quickly(ann), FBX_OK);
    process_freeze(hosts[0]->pid);
    unsigned stuck = 0;
    for (unsigned n = 0; n < 100; n++)
        stuck += ask_quickly(bob) != FBX_OK;
    kill(hosts[0]->pid, SIGCONT);
    assert_in_range(stuck, 0, 3);
    stop_all_afresh();
}

static int set_up(void **state)
{
    int rc = inspect_set_up(state);
    assert_int_equal(place_stop_broker(place, SIGTERM), 0);
    return rc;
}

static int tear_down(void **state)
{
    place_start_broker(place, NULL);
    return inspect_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_tenants_poison_is_its_own),
        cmocka_unit_test(test_a_service_that_fails_is_spared_until_it_works),
        cmocka_unit_test(test_what_is_open_outlives_the_broker),
        cmocka_unit_test(test_a_stopped_instance_is_avoided),
        cmocka_unit_test(test_it_does_as_it_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
