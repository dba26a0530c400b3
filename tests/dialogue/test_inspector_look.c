/* The inspector looks around: services, sessions, traffic, feeds and tokens. */
#include "inspect.h"

#include <sys/stat.h>

/* ---- the broker ---- */

static void test_services(void **state)
{
    (void)state;
    ends(0, "farebox services");
    says("SERVICE ");
    says(" TENANT ");
    says("\npuppet ");
    ends(0, "farebox services --token-file \"$NOBODY\"");
    assert_string_equal(output, "no services\n");
    ends(0, "farebox -o json services");
    says("\"name\":\"puppet\"");
    ends(0, "farebox services show puppet --token-file \"$OPERATOR\"");
    says("version       1.2\n");
    says("echo fail stream json bytes stall\n");
    says("\nINSTANCE ");
    ends(69, "farebox services show nonesuch --token-file \"$OPERATOR\"");
    says("service_not_found");
}

static void echo(void *arg, fbx_request *request)
{
    (void)arg;
    fbx_respond(request, fbx_request_payload(request), NULL);
}

#define LARGE 40u
#define METHODS 256u

/* Each of them is of 16 KiB, so that an answer has room for 17. */
static fbx_bus *serve_large_ones(void)
{
    static char names[METHODS][64];
    const char *methods[METHODS + 1] = {NULL};
    char name[32];
    const fbx_service large = {.name = name, .methods = methods, .handler = echo};
    fbx_bus *bus =
        place_connect(place, "platform", "maker", (const char *const[]){"serve:*", NULL});
    for (unsigned i = 0; i < METHODS; i++) {
        snprintf(names[i], sizeof names[i], "m%061u", i);
        methods[i] = names[i];
    }
    for (unsigned n = 0; n < LARGE; n++) {
        snprintf(name, sizeof name, "large-%u", n);
        assert_int_equal(fbx_serve(bus, &large), 0);
    }
    return bus;
}

static void test_more_services_than_an_answer_holds(void **state)
{
    char wanted[16];
    (void)state;
    fbx_bus *bus = serve_large_ones();
    snprintf(wanted, sizeof wanted, "%u\n", LARGE);
    ends(0, "farebox services --token-file \"$OPERATOR\" | grep ^large- | sort -u | wc -l");
    assert_string_equal(output, wanted);
    ends(0, "farebox -o json services --token-file \"$OPERATOR\" |"
            " grep -o '\"name\":\"large-[0-9]*\"' | wc -l");
    assert_string_equal(output, wanted);
    fbx_close(bus);
}

static void test_removing_a_service(void **state)
{
    (void)state;
    const fbx_service owned = {.name = "brief", .tenant = "acme", .version = "7", .handler = echo};
    fbx_bus *bus = place_connect(place, "acme", "maker", (const char *const[]){"serve:*", NULL});
    assert_int_equal(fbx_serve(bus, &owned), 0);
    ends(69, "farebox services show brief --token-file \"$OPERATOR\"");
    ends(0, "farebox services show brief --tenant acme --token-file \"$OPERATOR\"");
    says("version       7\n");
    ends(77, "farebox services remove brief");
    ends(65, "farebox services remove brief --tenant acme --token-file \"$OPERATOR\"");
    says("conflict");
    fbx_close(bus);
    ends(0, "farebox services remove brief --tenant acme --token-file \"$OPERATOR\"");
    assert_string_equal(output, "");
    ends(69, "farebox services remove brief --tenant acme --token-file \"$OPERATOR\"");
    says("service_not_found");
}

static void test_sessions_and_stats(void **state)
{
    (void)state;
    ends(0, "farebox sessions --token-file \"$OPERATOR\"");
    says("host ");
    says(" puppet\n");
    ends(77, "farebox call puppet echo --token-file \"$NOBODY\"");
    ends(0, "farebox stats --token-file \"$OPERATOR\"");
    says("\nstore    commits ");
    says(", identities ");
    says(", bad frames 0, ");
    says("\nFILTER ");
    says("\nentitlement ");
    says("\npermission_denied ");
    ends(0, "farebox -o json stats --token-file \"$OPERATOR\"");
    says("\"filters\":[{");
}

static void test_watching(void **state)
{
    (void)state;
    char line[4096];
    struct process *watch = START(NULL, "farebox", "services", "--watch", "10ms", "-o", "json");
    for (int i = 0; i < 3; i++)
        assert_true(process_line(watch, "{\"services\":[", line, sizeof line));
    assert_int_equal(process_stop(watch, SIGINT), 130);
}

/* ---- traffic ---- */

static bool tapped(void *arg)
{
    struct process *tap = arg;
    struct stat info;
    char path[PLACE_PATH];
    (void)tap;
    snprintf(path, sizeof path, "%s/tapped", place->dir);
    ends(0, "farebox call puppet echo '{\"seen\":true}'");
    return stat(path, &info) == 0 && info.st_size > 0;
}

static void test_tapping(void **state)
{
    (void)state;
    char line[1024];
    struct process *tap =
        START(NULL, "/bin/sh", "-c",
              "farebox tap --service puppet --payloads --count 1 --token-file \"$OPERATOR\""
              " >\"$DIR\"/tapped; echo \"ended $?\"");
    assert_true(eventually(tapped, tap));
    assert_true(process_line(tap, "ended", line, sizeof line));
    assert_string_equal(line, "ended 0");
    process_stop(tap, 0);
    ends(0, "cat \"$DIR\"/tapped");
    says("  call  acme  ann  puppet.echo  ok  ");
    says("{\"seen\":true}");
}

static void test_a_feed(void **state)
{
    (void)state;
    char line[512];
    struct stat info;
    struct process *tap = START(NULL, "/bin/sh", "-c",
                                "exec farebox tap --service bus.feed --token-file \"$OPERATOR\"");
    struct process *feed = START(NULL, "farebox", "feed", "open", "market.>", "--lease", "1s");
    assert_true(process_line(feed, "ipc://", line, sizeof line));
    assert_int_equal(stat(line + strlen("ipc://"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_true(line_with(tap, "bus.feed.renew  ok"));
    assert_int_equal(process_stop(feed, SIGINT), 130);
    process_stop(tap, SIGINT);
}

/* ---- tokens ---- */

static void test_minting(void **state)
{
    (void)state;
    ends(0, "farebox token mint --secret-file \"$SECRET\" --tenant acme --user bob "
            "--tier free --perm 'call:puppet.*' --ttl 1h --feature sso "
            "--billing-customer cus_1 >\"$DIR\"/bob && wc -l <\"$DIR\"/bob");
    assert_string_equal(output, "1\n");
    ends(0, "farebox call puppet echo 7 --token-file \"$DIR\"/bob");
    assert_string_equal(output, "7\n");
    ends(0, "farebox token show --token-file \"$DIR\"/bob");
    says("tenant       acme\n");
    says("user         bob\n");
    says("permissions  call:puppet.*\n");
    says("features     sso\n");
    says("billed as    cus_1\n");
    says("not verified");
    ends(0, "farebox token show - --secret-file \"$SECRET\" <\"$DIR\"/bob");
    says("\nverified\n");
    ends(0, "farebox -o json token show - <\"$DIR\"/bob");
    says("{\"header\":{");
    says("\"tenant_id\":\"acme\"");
    says("\"verified\":null}");
}

static void test_explaining(void **state)
{
    static const char explain[] = "farebox explain --token-file \"$OPERATOR\" puppet echo";
    (void)state;
    ends(0, "farebox call puppet echo '{\"n\":1}' --idempotency-key once");
    ends(0, "%s '{\"n\":1}' --as-token-file \"$FAREBOX_TOKEN_FILE\" --idempotency-key once",
         explain);
    says("ann of acme");
    says("the call would get the answer that was kept, ok\n");
    ends(0, "%s '{\"n\":2}' --as-token-file \"$FAREBOX_TOKEN_FILE\" --idempotency-key once",
         explain);
    says("the call would end as invalid_argument\n");
    ends(0, "%s --as-token-file \"$FAREBOX_TOKEN_FILE\" --idempotency-key twice", explain);
    says("the call would go to its service\n");
    ends(0,
         "%s --as-token-file \"$FAREBOX_TOKEN_FILE\" -o json | grep -cFf \"$FAREBOX_TOKEN_FILE\" "
         "|| :",
         explain);
    assert_string_equal(output, "0\n");
    ends(0, "sed 's/.$/x/' \"$FAREBOX_TOKEN_FILE\" | cut -c 2- | %s --as-token-file -", explain);
    says("the call would end as unauthenticated\n");
    says("\nidentity\n  defect: ");
    ends(0, "%s --tenant acme --perm call:other.*", explain);
    says("\nentitlement\n  permission: call:puppet.echo\n");
    says(" needs call:puppet.echo            -\n"); /* there is nothing to wait for */
    ends(64, "%s --perm bogus", explain);
    says("'bogus' is no permission");
    ends(65, "%s --tier gold", explain);
    says("tier: none of that name is configured");
    ends(65, "farebox limits ann --tenant acme --tier gold --token-file \"$OPERATOR\"");
    ends(77, "farebox explain puppet echo --as-token-file \"$FAREBOX_TOKEN_FILE\"");
}

/* ---- itself ---- */

static void test_help_and_manual(void **state)
{
    (void)state;
    ends(0, "farebox --help");
    says("\n  feed open PATTERN ");
    ends(0, "farebox token mint -h");
    says("--secret-file FILE");
    ends(0, "farebox --version && farebox version");
    ends(0, "! command -v groff >/dev/null || "
            "farebox manual | groff -man -Tutf8 -ww 2>&1 >/dev/null");
    assert_string_equal(output, "");
}

static void completes(const char *line, const char *wanted)
{
    ends(0,
         "bash -c 'source <(farebox completion bash); compopt() { :; }\n"
         "COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _farebox\n"
         "echo \"${COMPREPLY[*]}\"'",
         line);
    assert_string_equal(output, wanted);
}

static void test_completion(void **state)
{
    (void)state;
    completes("farebox se", "services sessions\n");
    completes("farebox token \"\"", "mint show revoke revoked keygen rotate\n");
    completes("farebox --url ipc : ///x -o json token m", "mint\n");
    completes("farebox token mint --status = s", "suspended\n");
    completes("farebox token mint --status s", "suspended\n");
    completes("farebox services show --wa", "--watch\n");
    completes("farebox completion \"\"", "bash zsh fish\n");
    ends(64, "farebox completion tcsh");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_services),
        cmocka_unit_test(test_more_services_than_an_answer_holds),
        cmocka_unit_test(test_removing_a_service),
        cmocka_unit_test(test_sessions_and_stats),
        cmocka_unit_test(test_watching),
        cmocka_unit_test(test_tapping),
        cmocka_unit_test(test_a_feed),
        cmocka_unit_test(test_minting),
        cmocka_unit_test(test_explaining),
        cmocka_unit_test(test_help_and_manual),
        cmocka_unit_test(test_completion),
    };
    return cmocka_run_group_tests(tests, inspect_set_up, inspect_tear_down);
}
