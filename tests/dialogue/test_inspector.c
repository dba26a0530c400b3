/* The inspector as a user meets it: command lines in, text and exit statuses out. */
#include "../testing.h"

#include "harness.h"
#include "wire/status.h"

#include <limits.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct place *place;
static fbx_bus *host;
static char output[1 << 20];
static sem_t started, cancelled;

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

/* Runs a line of shell; what it wrote, errors included, is in `output`. */
static int sh(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int sh(const char *format, ...)
{
    char line[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    const char *const argv[] = {"/bin/sh", "-c", line, NULL};
    return place_run(place, output, sizeof output, argv);
}

static void says(const char *wanted)
{
    if (!strstr(output, wanted))
        fail_msg("no \"%s\" in:\n%s", wanted, output);
}

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

static int set_up(void **state)
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

static int tear_down(void **state)
{
    (void)state;
    fbx_close(host);
    place_destroy(place);
    return 0;
}

/* ---- calls ---- */

static void test_ping(void **state)
{
    (void)state;
    assert_int_equal(sh("farebox ping"), 0);
    says("pong in ");
    assert_int_equal(sh("farebox ping --token-file \"$NOBODY\" -o json"), 0);
    says("{\"ping\":1,\"rtt_us\":");
}

static void test_a_call_shows_its_reply(void **state)
{
    (void)state;
    assert_int_equal(sh("farebox call puppet echo '{\"a\":[1,-2,2.5,null,\"caf\xc3\xa9\"]}'"), 0);
    assert_string_equal(output, "{\"a\": [1, -2, 2.5, null, \"caf\xc3\xa9\"]}\n");
    assert_int_equal(sh("farebox -o json call puppet echo '{\"a\": [1, true]}'"), 0);
    assert_string_equal(output, "{\"a\":[1,true]}\n");
    assert_int_equal(sh("farebox call puppet echo"), 0);
    assert_string_equal(output, "{}\n");
    assert_int_equal(sh("echo '\"from a pipe\"' | farebox call puppet echo -"), 0);
    assert_string_equal(output, "\"from a pipe\"\n");
}

static void test_replies_that_are_not_messagepack(void **state)
{
    (void)state;
    assert_int_equal(sh("farebox -o json call puppet json"), 0);
    assert_string_equal(output, "{\"a\":[1]}\n");
    assert_int_equal(sh("farebox call puppet bytes"), 0);
    assert_string_equal(output, "\"AP8K\"\n");
    assert_int_equal(sh("farebox call puppet bytes --raw | od -An -tx1"), 0);
    assert_string_equal(output, " 00 ff 0a\n");
}

static void test_parts_come_line_by_line(void **state)
{
    (void)state;
    assert_int_equal(sh("farebox call puppet stream --stream"), 0);
    assert_string_equal(output, "0\n1\n2\n\"end\"\n");
    assert_int_equal(sh("farebox call puppet stream --stream --raw"), 64);
}

/* Numbers as they are documented, not as the table says today. */
static void test_each_outcome_has_its_exit_status(void **state)
{
    (void)state;
    static const int wanted[STATUS_COUNT] = {
        [STATUS_INVALID_ARGUMENT] = 65,  [STATUS_CONFLICT] = 65,
        [STATUS_TOO_LARGE] = 65,         [STATUS_SERVICE_NOT_FOUND] = 69,
        [STATUS_METHOD_NOT_FOUND] = 69,  [STATUS_DEADLINE_EXCEEDED] = 69,
        [STATUS_INTERNAL] = 70,          [STATUS_RATE_LIMITED] = 75,
        [STATUS_OVERLOADED] = 75,        [STATUS_BREAKER_OPEN] = 75,
        [STATUS_OUTCOME_UNKNOWN] = 76,   [STATUS_UNAUTHENTICATED] = 77,
        [STATUS_PERMISSION_DENIED] = 77, [STATUS_SUBSCRIPTION_INSUFFICIENT] = 77,
        [STATUS_TENANT_MISMATCH] = 77,   [STATUS_SUBSCRIPTION_EXPIRED] = 77,
        [STATUS_QUOTA_EXCEEDED] = 77,
    };
    for (int status = 0; status < STATUS_COUNT; status++) {
        char error[80];
        if (!wanted[status])
            continue;
        assert_int_equal(sh("farebox call puppet fail '{\"status\":%d}'", status), wanted[status]);
        snprintf(error, sizeof error, "farebox: %s: on request", status_text((enum status)status));
        says(error);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    assert_int_equal(sh("farebox call puppet echo --token-file \"$NOBODY\""), 77);
    says("farebox: permission_denied: ");
    says("call:puppet.echo");
    says("(request ");
    assert_int_equal(sh("farebox -o json call puppet echo --token-file \"$NOBODY\""), 77);
    says("{\"error\":\"permission_denied\",\"message\":");
    says("\"exit_status\":77");
    assert_int_equal(sh("farebox pub orders.created --token-file \"$NOBODY\""), 77);
    says("permission_denied");
    assert_int_equal(sh("farebox sub orders.created --token-file \"$NOBODY\""), 77);
    says("permission_denied");
    assert_int_equal(sh("farebox call puppet echo --tenant globex"), 77);
    says("tenant_mismatch");
    assert_int_equal(sh("farebox ping --token not.a.token"), 77);
    says("unauthenticated");
    assert_int_equal(sh("farebox sessions"), 77);
}

static void test_mistakes(void **state)
{
    (void)state;
    assert_int_equal(sh("farebox"), 64);
    assert_int_equal(sh("farebox frobnicate"), 64);
    says("unknown command 'frobnicate' (see farebox --help)");
    assert_int_equal(sh("farebox call puppet"), 64);
    says("(see farebox call --help)");
    assert_int_equal(sh("farebox call puppet echo '{'"), 65);
    says("not JSON");
    assert_int_equal(sh("farebox ping --token-file /no/such/file"), 66);
    says("/no/such/file");
    assert_int_equal(sh("FAREBOX_TOKEN_FILE= farebox ping"), 64);
    assert_int_equal(sh("FAREBOX_URL= farebox ping"), 64);
    assert_int_equal(sh("farebox ping --url ipc://\"$DIR\"/nobody"), 69);
    assert_int_equal(sh("farebox ping --url carrier-pigeon:coop"), 64);
    says("carrier-pigeon:coop");
    assert_int_equal(sh("farebox call no-such-service get"), 69);
    says("service_not_found");
    assert_int_equal(sh("farebox version >/dev/full"), 74);
    assert_int_equal(sh("farebox -o json call puppet"), 64);
    says("{\"error\":\"usage\"");
}

static struct process *start(const char *ready, const char *const *argv)
{
    return place_start(place, ready, argv);
}

#define START(ready, ...) start(ready, (const char *const[]){__VA_ARGS__, NULL})

static void test_ctrl_c_cancels_at_the_service(void **state)
{
    (void)state;
    struct process *call = START(NULL, "farebox", "call", "puppet", "stall");
    sem_wait(&started);
    assert_int_equal(process_stop(call, SIGINT), 130);
    sem_wait(&cancelled);
}

static void test_a_deadline(void **state)
{
    (void)state;
    assert_int_equal(sh("farebox call puppet stall --timeout 50ms"), 69);
    says("deadline_exceeded");
    sem_wait(&started);
    sem_wait(&cancelled);
}

/* ---- events ---- */

static void test_events(void **state)
{
    (void)state;
    char line[512];
    struct process *table = START("farebox: subscribed", "farebox", "sub", "a.*", "--count", "2");
    struct process *json =
        START("{\"note\":\"subscribed\"", "farebox", "-o", "json", "sub", ">", "--count", "3");
    assert_int_equal(sh("farebox pub a.b '{\"n\":1}'"), 0);
    assert_string_equal(output, "");
    assert_int_equal(sh("farebox pub other '2'; farebox pub a.c"), 0);
    assert_true(process_line(table, "a.b", line, sizeof line));
    assert_string_equal(line, "a.b  {\"n\":1}");
    assert_true(process_line(table, "a.c", line, sizeof line));
    assert_string_equal(line, "a.c  {}");
    assert_true(process_line(json, "{\"topic\":\"a.b\",\"payload\":{\"n\":1},\"sequence\":", line,
                             sizeof line));
    assert_non_null(strstr(line, ",\"missed\":0}"));
    assert_true(process_line(json, "{\"topic\":\"other\",\"payload\":2,", line, sizeof line));
    assert_true(process_line(json, "{\"topic\":\"a.c\",", line, sizeof line));
    /* they have ended by themselves: a signal would come too late */
    assert_false(process_line(table, "", line, sizeof line));
    assert_int_equal(process_stop(table, 0), 0);
    assert_false(process_line(json, "", line, sizeof line));
    assert_int_equal(process_stop(json, 0), 0);
}

static void test_a_subscription_ends(void **state)
{
    (void)state;
    struct process *sub = START("farebox: subscribed", "farebox", "sub", ">");
    assert_int_equal(process_stop(sub, SIGINT), 130);
    sub = START("farebox: subscribed", "farebox", "sub", ">");
    assert_int_equal(process_stop(sub, SIGTERM), 130);
    assert_int_equal(sh("farebox sub quiet --timeout 50ms"), 0);
    assert_int_equal(sh("farebox sub quiet --timeout 50ms --count 2"), 69);
    says("only 0 of 2 events");
}

/* The reader leaves after the first line; nothing more is ever published, and yet the pipe ends. */
static void test_a_reader_that_leaves(void **state)
{
    (void)state;
    char line[128];
    struct process *pipe =
        START("farebox: subscribed", "/bin/bash", "-c",
              "{ farebox sub leave; echo \"ended $?\" >&2; } | head -n 1; echo over");
    assert_int_equal(sh("farebox pub leave 1"), 0);
    assert_true(process_line(pipe, "ended", line, sizeof line));
    assert_string_equal(line, "ended 0");
    assert_int_equal(process_stop(pipe, 0), 0);
}

/* The subscription is repeated in the new session, but nothing says when it has arrived. */
static bool is_heard(void *arg)
{
    struct process *sub = arg;
    struct pollfd ready = {.fd = sub->out, .events = POLLIN};
    char line[64];
    assert_int_equal(sh("farebox pub back 1"), 0);
    return poll(&ready, 1, 0) == 1 && process_line(sub, "", line, sizeof line) &&
           strcmp(line, "back  1") == 0;
}

static void test_a_broker_that_comes_back(void **state)
{
    (void)state;
    char line[512];
    struct process *sub = START("farebox: subscribed", "farebox", "sub", "back", "--count", "1");
    place_stop_broker(place, SIGKILL);
    assert_true(process_line(sub, "farebox: connection lost", line, sizeof line));
    place_start_broker(place, NULL);
    assert_true(process_line(sub, "farebox: connected again", line, sizeof line));
    assert_true(eventually(is_heard, sub));
    assert_false(process_line(sub, "", line, sizeof line));
    assert_int_equal(process_stop(sub, 0), 0);
}

/* Whoever wrote to the FIFO last finds that its reader has gone. */
static void test_output_that_nobody_reads(void **state)
{
    (void)state;
    assert_int_equal(sh("cd \"$DIR\" && mkfifo gone && { (exec <gone) & exec 3>gone; wait; "
                        "farebox version >&3; }"),
                     0);
    assert_string_equal(output, "");
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

/* ---- looking around ---- */

static void test_services(void **state)
{
    (void)state;
    assert_int_equal(sh("farebox services"), 0);
    says("SERVICE ");
    says("\npuppet ");
    assert_int_equal(sh("farebox services --token-file \"$NOBODY\""), 0);
    assert_string_equal(output, "no services\n");
    assert_int_equal(sh("farebox -o json services"), 0);
    says("\"name\":\"puppet\"");
    assert_int_equal(sh("farebox services show puppet --token-file \"$OPERATOR\""), 0);
    says("version       1.2\n");
    says("echo fail stream json bytes stall\n");
    says("\nINSTANCE ");
    assert_int_equal(sh("farebox services show nonesuch --token-file \"$OPERATOR\""), 69);
    says("service_not_found");
}

static void test_sessions_and_stats(void **state)
{
    (void)state;
    assert_int_equal(sh("farebox sessions --token-file \"$OPERATOR\""), 0);
    says("host ");
    says(" puppet\n");
    assert_int_equal(sh("farebox stats --token-file \"$OPERATOR\""), 0);
    says("\nFILTER ");
    says("\nentitlement ");
    says("\npermission_denied ");
    assert_int_equal(sh("farebox -o json stats --token-file \"$OPERATOR\""), 0);
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

static bool tapped(void *arg)
{
    struct process *tap = arg;
    struct stat info;
    char path[PLACE_PATH];
    (void)tap;
    snprintf(path, sizeof path, "%s/tapped", place->dir);
    assert_int_equal(sh("farebox call puppet echo '{\"seen\":true}'"), 0);
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
    assert_int_equal(sh("cat \"$DIR\"/tapped"), 0);
    says("  call  acme  ann  puppet.echo  ok  ");
    says("{\"seen\":true}");
}

static bool line_with(struct process *process, const char *text)
{
    char line[512];
    while (process_line(process, "", line, sizeof line))
        if (strstr(line, text))
            return true;
    return false;
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
    assert_int_equal(sh("farebox token mint --secret-file \"$SECRET\" --tenant acme --user bob "
                        "--tier free --perm 'call:puppet.*' --ttl 1h --feature sso "
                        "--billing-customer cus_1 >\"$DIR\"/bob && wc -l <\"$DIR\"/bob"),
                     0);
    assert_string_equal(output, "1\n");
    assert_int_equal(sh("farebox call puppet echo 7 --token-file \"$DIR\"/bob"), 0);
    assert_string_equal(output, "7\n");
    assert_int_equal(sh("farebox token show --token-file \"$DIR\"/bob"), 0);
    says("tenant       acme\n");
    says("user         bob\n");
    says("permissions  call:puppet.*\n");
    says("cus_1");
    says("not verified");
    assert_int_equal(sh("farebox token show - --secret-file \"$SECRET\" <\"$DIR\"/bob"), 0);
    says("\nverified\n");
    assert_int_equal(sh("farebox -o json token show - <\"$DIR\"/bob"), 0);
    says("{\"header\":{");
    says("\"tenant_id\":\"acme\"");
    says("\"verified\":null}");
}

static void test_tokens_that_are_refused(void **state)
{
    (void)state;
    static const char mint[] = "farebox token mint --secret-file \"$SECRET\" --tenant acme "
                               "--user bob --tier free";
    assert_int_equal(sh("printf %%s short >\"$DIR\"/short; farebox token mint --secret-file "
                        "\"$DIR\"/short --tenant a --user b --tier free"),
                     65);
    says("shorter than 32 bytes");
    assert_int_equal(sh("farebox token mint --secret-file /none --tenant a --user b --tier free"),
                     66);
    assert_int_equal(sh("farebox token mint --secret-file \"$SECRET\" --tenant a --user b"), 64);
    says("--tier is needed");
    assert_int_equal(sh("%s --perm cal:orders", mint), 64);
    says("'cal:orders' is no permission");
    assert_int_equal(sh("%s --tier gold", mint), 64);
    assert_int_equal(sh("%s --tenant Acme", mint), 64);
    assert_int_equal(sh("echo not-a-token | farebox token show -"), 65);
    assert_int_equal(sh("printf %%32s x >\"$DIR\"/other; farebox token mint --secret-file "
                        "\"$DIR\"/other --tenant acme --user bob --tier free | "
                        "farebox token show - --secret-file \"$SECRET\""),
                     77);
    says("tenant       acme\n");
    says("the broker would refuse this token");
}

/* ---- itself ---- */

static void test_help_and_manual(void **state)
{
    (void)state;
    assert_int_equal(sh("farebox --help"), 0);
    says("\n  feed open PATTERN ");
    assert_int_equal(sh("farebox token mint -h"), 0);
    says("--secret-file FILE");
    assert_int_equal(sh("farebox --version && farebox version"), 0);
    assert_int_equal(sh("! command -v groff >/dev/null || "
                        "farebox manual | groff -man -Tutf8 -ww 2>&1 >/dev/null"),
                     0);
    assert_string_equal(output, "");
}

static void completes(const char *line, const char *wanted)
{
    assert_int_equal(sh("bash -c 'source <(farebox completion bash); compopt() { :; }\n"
                        "COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _farebox\n"
                        "echo \"${COMPREPLY[*]}\"'",
                        line),
                     0);
    assert_string_equal(output, wanted);
}

static void test_completion(void **state)
{
    (void)state;
    completes("farebox se", "services sessions\n");
    completes("farebox token \"\"", "mint show\n");
    completes("farebox --url ipc : ///x -o json token m", "mint\n");
    completes("farebox token mint --tier = e", "enterprise\n");
    completes("farebox token mint --tier e", "enterprise\n");
    completes("farebox services show --wa", "--watch\n");
    completes("farebox completion \"\"", "bash zsh fish\n");
    assert_int_equal(sh("farebox completion tcsh"), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_a_call_shows_its_reply),
        cmocka_unit_test(test_replies_that_are_not_messagepack),
        cmocka_unit_test(test_parts_come_line_by_line),
        cmocka_unit_test(test_each_outcome_has_its_exit_status),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_ctrl_c_cancels_at_the_service),
        cmocka_unit_test(test_a_deadline),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_a_subscription_ends),
        cmocka_unit_test(test_a_reader_that_leaves),
        cmocka_unit_test(test_output_that_nobody_reads),
        cmocka_unit_test(test_a_token_on_the_command_line_is_hidden),
        cmocka_unit_test(test_services),
        cmocka_unit_test(test_sessions_and_stats),
        cmocka_unit_test(test_watching),
        cmocka_unit_test(test_tapping),
        cmocka_unit_test(test_a_feed),
        cmocka_unit_test(test_minting),
        cmocka_unit_test(test_tokens_that_are_refused),
        cmocka_unit_test(test_help_and_manual),
        cmocka_unit_test(test_completion),
        cmocka_unit_test(test_a_broker_that_comes_back),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
