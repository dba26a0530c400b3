/* Everything that can be wrong with a command line, its input, its output and its token: one
 * clear line on standard error and a status of sysexits. */
#include "inspect.h"
#include "token/token.h"

#include <stdlib.h>
#include <time.h>

/* ---- the line ---- */

static void test_mistakes(void **state)
{
    (void)state;
    ends(64, "farebox");
    ends(64, "farebox frobnicate");
    says("unknown command 'frobnicate' (see farebox --help)");
    ends(64, "farebox call puppet");
    says("(see farebox call --help)");
    ends(65, "farebox call puppet echo '{'");
    says("not JSON");
    ends(66, "farebox ping --token-file /no/such/file");
    says("/no/such/file");
    ends(64, "FAREBOX_TOKEN_FILE= farebox ping");
    ends(64, "FAREBOX_URL= farebox ping");
    ends(69, "farebox call no-such-service get");
    says("service_not_found");
    ends(74, "farebox version >/dev/full");
    ends(64, "farebox usage export --source 'two words'");
    says("--source is no URI reference");
    ends(64, "farebox usage export --source \"$(printf 'caf\\377')\"");
    ends(64, "farebox usage export --source 100%%");
    ends(64, "farebox -o json call puppet");
    says("{\"error\":\"usage\"");
}

/* ---- the way to the broker ---- */

static void test_no_way_to_the_broker(void **state)
{
    (void)state;
    ends(69, "farebox ping --url ipc://\"$DIR\"/nobody --timeout 1h");
    says("/nobody: nothing listens");
    ends(64, "farebox ping --url carrier-pigeon:coop");
    says("carrier-pigeon:coop");
    ends(64, "farebox ping --url tls+tcp://127.0.0.1:1");
    says("--tls-ca");
    ends(66, "farebox ping --url tls+tcp://127.0.0.1:1 --tls-ca /no/such/ca");
    says("cannot read /no/such/ca: No such file");
    ends(64, "farebox ping --url tls+tcp://127.0.0.1:1 --tls-ca \"$SECRET\"");
    says("it holds no certificate");
    ends(64, "farebox ping --timeout 100d");
    says("49 days");
    ends(64, "farebox ping --timeout soon");
}

/* ---- the input ---- */

static void test_payloads(void **state)
{
    (void)state;
    static const char big[] = "head -c 1048580 /dev/zero | tr '\\0' 5 | sed 's/.*/\"&\"/'";
    ends(65, "farebox call puppet echo - </dev/null");
    says("not JSON");
    ends(66, "farebox call puppet echo - <&-");
    says("cannot read standard input");
    ends(65, "%s | farebox call puppet echo -", big);
    says("too large: 1048585 bytes");
    ends(65, "%s | farebox pub a.b -", big);
    says("too large: 1048585 bytes");
    ends(65, "head -c 70000000 /dev/zero | farebox pub a.b -");
    says("too large");
}

/* ---- the token ---- */

static void test_refusals(void **state)
{
    (void)state;
    ends(77, "farebox call puppet echo --token-file \"$NOBODY\"");
    says("farebox: permission_denied: ");
    says("call:puppet.echo");
    says("(request ");
    ends(77, "farebox -o json call puppet echo --token-file \"$NOBODY\"");
    says("{\"error\":\"permission_denied\",\"message\":");
    says("\"exit_status\":77");
    ends(77, "farebox pub orders.created --token-file \"$NOBODY\"");
    says("permission_denied");
    ends(77, "farebox sub orders.created --token-file \"$NOBODY\"");
    says("permission_denied");
    ends(77, "farebox call puppet echo --tenant globex");
    says("tenant_mismatch");
    ends(77, "farebox ping --token not.a.token");
    says("unauthenticated");
    ends(77, "farebox sessions");
}

static void test_tokens_that_are_refused(void **state)
{
    (void)state;
    static const char mint[] = "farebox token mint --secret-file \"$SECRET\" --tenant acme "
                               "--user bob --tier free";
    ends(65, "printf %%s short >\"$DIR\"/short; farebox token mint --secret-file "
             "\"$DIR\"/short --tenant a --user b --tier free");
    says("shorter than 32 bytes");
    ends(66, "farebox token mint --secret-file /none --tenant a --user b --tier free");
    ends(64, "farebox token mint --secret-file \"$SECRET\" --tenant a --user b");
    says("--tier is needed");
    ends(64, "%s --perm cal:orders", mint);
    says("'cal:orders' is no permission");
    ends(64, "%s --tier Gold", mint);
    ends(64, "%s --tenant Acme", mint);
    ends(64, "%s --tenant bus", mint);
    says("'bus' is no tenant's name: 1 to 63 of a-z, 0-9, _ and -, not beginning with _ or -");
    ends(65, "echo not-a-token | farebox token show -");
    ends(77, "printf %%32s x >\"$DIR\"/other; farebox token mint --secret-file "
             "\"$DIR\"/other --tenant acme --user bob --tier free | "
             "farebox token show - --secret-file \"$SECRET\"");
    says("tenant       acme\n");
    says("the broker would refuse this token");
}

static void test_a_token_on_the_command_line_is_hidden(void **state)
{
    (void)state;
    char path[64], line[4096] = "";
    char *token =
        place_token(place, "acme", "ann", "pro", (const char *const[]){"subscribe:>", NULL});
    struct process *sub = START("farebox: subscribed", "farebox", "sub", ">", "--token", token);
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)sub->pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(line, 1, sizeof line, file);
    (void)fclose(file);
    assert_true(len > strlen(token));
    assert_null(memmem(line, len, token, strlen(token)));
    assert_non_null(memmem(line, len, "***", 3));
    process_stop(sub, SIGINT);
    free(token);
}

static void test_tokens_that_are_none(void **state)
{
    (void)state;
    ends(64, "farebox ping --token ''");
    says("--token needs a value");
    ends(65, "farebox ping --token-file /dev/null");
    says("/dev/null holds no token");
    ends(65, "farebox ping --token-file /dev/zero");
    says("too large: /dev/zero");
    ends(66, "farebox ping --token-file /");
    says("cannot read /: Is a directory");
}

static void test_a_token_that_has_expired(void **state)
{
    (void)state;
    int64_t then = (int64_t)time(NULL) - 7200;
    const struct token_claims claims = {.tenant = (char *)(uintptr_t) "acme",
                                        .user = (char *)(uintptr_t) "ann",
                                        .tier = (char *)(uintptr_t) "pro",
                                        .subscription_status = (char *)(uintptr_t) "active",
                                        .issued_s = then,
                                        .expires_s = then + 3600};
    char *token = token_mint(place->key, &claims, then);
    assert_non_null(token);
    ends(77, "farebox ping --token '%s'", token);
    says("farebox: unauthenticated: no valid token");
    ends(77, "farebox token show --token '%s' --secret-file \"$SECRET\"", token);
    says("the broker would refuse this token: ");
    free(token);
}

/* ---- the output ---- */

/* Its number would else become the connection's. */
static void test_output_that_is_closed(void **state)
{
    (void)state;
    ends(74, "farebox ping >&-");
    says("cannot write: Bad file descriptor");
    ends(74, "farebox call puppet echo 1 >&- 2>&- <&-");
    assert_string_equal(output, "");
}

/* Whoever wrote to the FIFO last finds that its reader has gone. */
static void test_output_that_nobody_reads(void **state)
{
    (void)state;
    ends(0, "cd \"$DIR\" && mkfifo gone && { (exec <gone) & exec 3>gone; wait; "
            "farebox version >&3; }");
    assert_string_equal(output, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_no_way_to_the_broker),
        cmocka_unit_test(test_payloads),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_tokens_that_are_refused),
        cmocka_unit_test(test_a_token_on_the_command_line_is_hidden),
        cmocka_unit_test(test_tokens_that_are_none),
        cmocka_unit_test(test_a_token_that_has_expired),
        cmocka_unit_test(test_output_that_nobody_reads),
        cmocka_unit_test(test_output_that_is_closed),
    };
    return cmocka_run_group_tests(tests, inspect_set_up, inspect_tear_down);
}
