/* Subscriptions, changed by an operator in a shell while those whom they concern are connected. */
#include "inspect.h"

#include <stdlib.h>

static const char *const caller[] = {"call:*", NULL};

static void answer(void *arg, fbx_request *request)
{
    (void)arg;
    fbx_respond(request, fbx_request_payload(request), NULL);
}

/* `orders` is for pro, its method `export` for enterprise. */
static fbx_bus *serve_orders(void)
{
    static const char *const tiers[] = {"export=enterprise", NULL};
    const fbx_service orders = {.name = "orders",
                                .minimum_tier = "pro",
                                .method_tiers = tiers,
                                .tenant_aware = true,
                                .core = true,
                                .handler = answer,
                                .on_io_thread = true};
    fbx_bus *bus = place_connect(place, "platform", "shop", (const char *const[]){"serve:*", NULL});
    assert_int_equal(fbx_serve(bus, &orders), 0);
    return bus;
}

static int orders(fbx_bus *bus, const char *method)
{
    return call_text(bus, "orders", method, "", NULL, 0);
}

#define AS_OPERATOR " --token-file \"$OPERATOR\""

/* What is changed is in force at the next call of a session that has been there all the time. */
static void test_changes_are_in_force_at_the_next_call(void **state)
{
    (void)state;
    fbx_bus *shop = serve_orders(), *ann = place_connect(place, "acme", "ann", caller);
    assert_int_equal(orders(ann, "get"), FBX_OK);
    ends(0, "farebox tenants create acme --tier free --name 'Acme Ltd'" AS_OPERATOR);
    assert_int_equal(orders(ann, "get"), FBX_SUBSCRIPTION_INSUFFICIENT);
    ends(0, "farebox tenants update acme --tier enterprise" AS_OPERATOR);
    assert_int_equal(orders(ann, "export"), FBX_OK);
    ends(0, "farebox tenants update acme --tier pro" AS_OPERATOR);
    assert_int_equal(orders(ann, "export"), FBX_SUBSCRIPTION_INSUFFICIENT);
    assert_int_equal(orders(ann, "get"), FBX_OK);
    ends(0, "farebox tenants suspend acme" AS_OPERATOR);
    assert_int_equal(orders(ann, "get"), FBX_SUBSCRIPTION_EXPIRED);
    ends(0, "farebox tenants resume acme" AS_OPERATOR);
    assert_int_equal(orders(ann, "get"), FBX_OK);
    ends(0, "farebox tenants update acme --expires 2020-02-29" AS_OPERATOR);
    assert_int_equal(orders(ann, "get"), FBX_SUBSCRIPTION_EXPIRED);
    ends(0, "farebox tenants update acme --expires never" AS_OPERATOR);
    assert_int_equal(orders(ann, "get"), FBX_OK);
    ends(0, "farebox tenants delete acme" AS_OPERATOR);
    assert_string_equal(output, "");
    fbx_close(ann);
    fbx_close(shop);
}

/* Who is refused is told what it takes, not only by programs' output. */
static void test_what_it_takes_is_said(void **state)
{
    (void)state;
    char *ann = place_token_file(place, "acme", "ann", caller);
    setenv("CALLER", ann, 1);
    free(ann);
    fbx_bus *shop = serve_orders();
    assert_int_equal(place_stop_broker(place, SIGTERM), 0);
    place_start_broker(place,
                       (const char *const[]){"--upgrade-url", "https://example.org/up", NULL});
    ends(0, "farebox tenants create acme --tier free" AS_OPERATOR);
    ends(77, "farebox call orders get --token-file \"$CALLER\"");
    says("\n  required_tier: pro\n");
    says("\n  current_tier: free\n");
    says("\n  upgrade_url: https://example.org/up\n");
    ends(77, "farebox sessions --token-file \"$NOBODY\"");
    says("\n  permission: admin:sessions\n");
    ends(0, "farebox tenants delete acme" AS_OPERATOR);
    fbx_close(shop);
    assert_int_equal(place_stop_broker(place, SIGTERM), 0);
    place_start_broker(place, NULL);
}

/* What a service says about itself is there to be seen. */
static void test_what_a_service_asks_for_is_shown(void **state)
{
    (void)state;
    fbx_bus *shop = serve_orders();
    ends(0, "farebox services show orders" AS_OPERATOR);
    says("kind          core\n");
    says("tier          pro\n");
    says("method tiers  export=enterprise\n");
    says("tenant aware  yes\n");
    fbx_close(shop);
}

static void test_a_users_own_subscription(void **state)
{
    (void)state;
    fbx_bus *shop = serve_orders(), *ann = place_connect(place, "acme", "ann", caller),
            *bob = place_connect(place, "acme", "bob", caller);
    ends(0, "farebox tenants create acme --tier free" AS_OPERATOR);
    ends(0, "farebox tenants create acme --user ann --tier pro --per-minute 30" AS_OPERATOR);
    assert_int_equal(orders(ann, "get"), FBX_OK);
    assert_int_equal(orders(bob, "get"), FBX_SUBSCRIPTION_INSUFFICIENT);
    ends(0, "farebox tenants show acme" AS_OPERATOR);
    says("tier              free\n");
    says("\nUSER  NAME  TIER  STATUS  EXPIRES  PER MINUTE  BURST\n"
         "ann   -     pro   active  -                30     30\n");
    ends(0, "farebox tenants suspend acme --user ann" AS_OPERATOR);
    assert_int_equal(orders(ann, "get"), FBX_SUBSCRIPTION_EXPIRED);
    ends(0, "farebox tenants delete acme" AS_OPERATOR);
    assert_int_equal(orders(ann, "get"), FBX_OK);
    fbx_close(bob);
    fbx_close(ann);
    fbx_close(shop);
}

/* A broker that starts again refuses whom the one before refused, however that ended: its store has
 * had no time to write anything. */
static void test_a_suspension_outlives_the_broker(void **state)
{
    (void)state;
    static const char *const lazy[] = {"--commit-ms", "10000", NULL};
    assert_int_equal(place_stop_broker(place, SIGTERM), 0);
    place_start_broker(place, lazy);
    ends(0, "farebox tenants create acme --tier pro --feature sso --feature audit" AS_OPERATOR);
    ends(0, "farebox tenants create bolt --tier pro" AS_OPERATOR);
    ends(0, "farebox tenants delete bolt" AS_OPERATOR);
    ends(0, "farebox tenants suspend acme" AS_OPERATOR);
    place_stop_broker(place, SIGKILL);
    place_start_broker(place, NULL);
    ends(77, "farebox call puppet echo 1");
    says("subscription_expired");
    ends(0, "farebox tenants show acme" AS_OPERATOR);
    says("features          sso audit\n");
    ends(65, "farebox tenants show bolt" AS_OPERATOR);
    ends(0, "farebox tenants delete acme" AS_OPERATOR);
}

#define MANY 80u
#define FEATURES 64u

static void order(fbx_bus *operator, const char * method, const fbx_writer *w)
{
    fbx_reply *reply = NULL;
    assert_int_equal(fbx_call(operator, "bus.tenants", method, fbx_written(w), NULL, &reply), 0);
    assert_int_equal(fbx_reply_status(reply), FBX_OK);
    fbx_reply_free(reply);
}

/* t101 to t180; not by the shell, which would start a program for each. */
static void create(fbx_bus *operator, unsigned n)
{
    char text[80];
    fbx_writer w = {0};
    fbx_write_map(&w, 3);
    fbx_write_text(&w, "tenant");
    (void)snprintf(text, sizeof text, "t%u", 101 + n);
    fbx_write_text(&w, text);
    fbx_write_text(&w, "tier");
    fbx_write_text(&w, "free");
    fbx_write_text(&w, "features");
    fbx_write_array(&w, FEATURES);
    for (unsigned i = 0; i < FEATURES; i++) {
        (void)snprintf(text, sizeof text, "f%061u", i);
        fbx_write_text(&w, text);
    }
    order(operator, "create", &w);
    fbx_writer_free(&w);
}

static void delete (fbx_bus *operator, unsigned n)
{
    char text[8];
    fbx_writer w = {0};
    (void)snprintf(text, sizeof text, "t%u", 101 + n);
    fbx_write_map(&w, 1);
    fbx_write_text(&w, "tenant");
    fbx_write_text(&w, text);
    order(operator, "delete", &w);
    fbx_writer_free(&w);
}

/* Each record is of 4 KiB, so that an answer has room for 65. */
static void test_more_tenants_than_an_answer_holds(void **state)
{
    fbx_bus *operator=
        place_connect(place, "platform", "ops", (const char *const[]){"admin:tenants", NULL});
    (void)state;
    for (unsigned n = 0; n < MANY; n++)
        create(operator, n);
    ends(0, "farebox tenants list" AS_OPERATOR " >\"$DIR/first\";"
            " set -- $(tail -n 1 \"$DIR/first\");"
            " test \"$1 $2\" = 'more: --after' || exit 1;"
            " farebox tenants list --after \"$3\"" AS_OPERATOR " >\"$DIR/second\";"
            " ! grep more: \"$DIR/second\" || exit 1;"
            " cat \"$DIR/first\" \"$DIR/second\" | grep '^t1' | sort | uniq | wc -l;"
            " cat \"$DIR/first\" \"$DIR/second\" | grep -c '^t1'");
    assert_string_equal(output, "80\n80\n");
    for (unsigned n = 0; n < MANY; n++)
        delete (operator, n);
    fbx_close(operator);
}

static void write_tiers(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void reload(void)
{
    kill(place->broker.pid, SIGHUP);
    assert_true(line_with(&place->broker, "event=reload.done"));
}

/* What a tier allows is changed in the file, and in force after SIGHUP for those who are there. */
static void test_tiers_are_reloaded(void **state)
{
    (void)state;
    char path[PLACE_PATH + 16];
    snprintf(path, sizeof path, "%s/tiers.yaml", place->dir);
    write_tiers(path, "tier: [free, pro]\n");
    assert_int_equal(place_stop_broker(place, SIGTERM), 0);
    place_start_broker(place, (const char *const[]){"--config", path, NULL});
    fbx_bus *shop = serve_orders(),
            *dan = place_connect(place, "acme", "dan", (const char *const[]){NULL});
    assert_int_equal(orders(dan, "get"), FBX_PERMISSION_DENIED);
    write_tiers(path, "tier: [free, pro allow=call:orders.*]\n");
    reload();
    assert_int_equal(orders(dan, "get"), FBX_OK);
    write_tiers(path, "tier: [free, pro per-minute=5 allow=call:orders.*]\n");
    reload();
    for (int n = 0; n < 5; n++)
        assert_int_equal(orders(dan, "get"), FBX_OK);
    assert_int_equal(orders(dan, "get"), FBX_RATE_LIMITED);
    fbx_close(dan);
    fbx_close(shop);
    assert_int_equal(place_stop_broker(place, SIGTERM), 0);
    place_start_broker(place, NULL);
}

/* Whoever listens across tenants hears of every change; the log keeps it, with who did it. */
static void test_every_change_is_audited(void **state)
{
    (void)state;
    char line[1024];
    char *auditor = place_token_file(place, "platform", "auditor",
                                     (const char *const[]){"subscribe:*/bus.tenant.*", NULL});
    struct process *sub =
        START("{\"note\":\"subscribed\"}", "farebox", "sub", "bus.tenant.*", "--tenant", "*",
              "--count", "3", "-o", "json", "--token-file", auditor);
    ends(0, "farebox tenants create acme --tier pro" AS_OPERATOR);
    ends(0, "farebox tenants suspend acme" AS_OPERATOR);
    ends(0, "farebox tenants delete acme" AS_OPERATOR);
    static const char *const what[] = {"created", "suspended", "deleted"};
    for (size_t i = 0; i < sizeof what / sizeof *what; i++) {
        char wanted[128];
        assert_true(process_line(sub, "{\"topic\":\"bus.tenant.acme\"", line, sizeof line));
        snprintf(wanted, sizeof wanted, "\"event\":\"%s\"", what[i]);
        assert_non_null(strstr(line, wanted));
        assert_non_null(strstr(line, "\"tenant\":\"acme\""));
    }
    assert_int_equal(process_stop(sub, 0), 0);
    assert_true(line_with(&place->broker,
                          "event=audit.tenant what=suspended record=acme tier=pro "
                          "status=suspended by_tenant=platform by_user=ops changed=status"));
    free(auditor);
}

static void test_who_may(void **state)
{
    (void)state;
    char *admin =
        place_token_file(place, "acme", "admin", (const char *const[]){"admin:acme/tenants", NULL});
    setenv("ADMIN", admin, 1);
    ends(77, "farebox tenants");
    ends(77, "farebox tenants create acme --tier pro");
    ends(77, "farebox tenants create acme --tier pro --token-file \"$ADMIN\"");
    ends(0, "farebox tenants create acme --tier pro" AS_OPERATOR);
    ends(0, "farebox tenants create bolt --tier free" AS_OPERATOR);
    ends(0, "farebox tenants --token-file \"$ADMIN\"");
    says("\nacme ");
    assert_null(strstr(output, "bolt"));
    ends(77, "farebox tenants show bolt --token-file \"$ADMIN\"");
    ends(0, "farebox -o json tenants" AS_OPERATOR);
    says("\"tenants\":[{\"tenant\":\"acme\"");
    ends(65, "farebox tenants create acme --tier pro" AS_OPERATOR);
    says("conflict");
    ends(65, "farebox tenants create cord --tier golden" AS_OPERATOR);
    ends(64, "farebox tenants update acme --expires 2026-02-30" AS_OPERATOR);
    ends(64, "farebox tenants update acme --status odd" AS_OPERATOR);
    ends(0, "farebox tenants delete acme" AS_OPERATOR);
    ends(0, "farebox tenants delete bolt" AS_OPERATOR);
    ends(0, "farebox tenants" AS_OPERATOR);
    assert_string_equal(output, "no tenants\n");
    free(admin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes_are_in_force_at_the_next_call),
        cmocka_unit_test(test_what_it_takes_is_said),
        cmocka_unit_test(test_what_a_service_asks_for_is_shown),
        cmocka_unit_test(test_a_users_own_subscription),
        cmocka_unit_test(test_a_suspension_outlives_the_broker),
        cmocka_unit_test(test_more_tenants_than_an_answer_holds),
        cmocka_unit_test(test_tiers_are_reloaded),
        cmocka_unit_test(test_every_change_is_audited),
        cmocka_unit_test(test_who_may),
    };
    return cmocka_run_group_tests(tests, inspect_set_up, inspect_tear_down);
}
