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

/* Runs a line of shell, which must end with this exit status; what it wrote, errors included, is
 * in `output`. */
static void ends(int wanted, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void ends(int wanted, const char *format, ...)
{
    char line[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    const char *const argv[] = {"/bin/sh", "-c", line, NULL};
    int status = place_run(place, output, sizeof output, argv);
    if (status != wanted)
        fail_msg("%s: exit status %d, not %d\n%s", line, status, wanted, output);
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
    ends(0, "farebox ping");
    says("pong in ");
    ends(0, "farebox ping --token-file \"$NOBODY\" -o json");
    says("{\"ping\":1,\"rtt_us\":");
}

static void test_a_call_shows_its_reply(void **state)
{
    (void)state;
    ends(0, "farebox call puppet echo '{\"a\":[1,-2,2.5,null,\"caf\xc3\xa9\"]}'");
    assert_string_equal(output, "{\"a\": [1, -2, 2.5, null, \"caf\xc3\xa9\"]}\n");
    ends(0, "farebox -o json call puppet echo '{\"a\": [1, true]}'");
    assert_string_equal(output, "{\"a\":[1,true]}\n");
    ends(0, "farebox call puppet echo");
    assert_string_equal(output, "{}\n");
    ends(0, "echo '\"from a pipe\"' | farebox call puppet echo -");
    assert_string_equal(output, "\"from a pipe\"\n");
}

static void test_replies_that_are_not_messagepack(void **state)
{
    (void)state;
    ends(0, "farebox -o json call puppet json");
    assert_string_equal(output, "{\"a\":[1]}\n");
    ends(0, "farebox call puppet bytes");
    assert_string_equal(output, "\"AP8K\"\n");
    ends(0, "farebox call puppet bytes --raw | od -An -tx1");
    assert_string_equal(output, " 00 ff 0a\n");
}

static void test_parts_come_line_by_line(void **state)
{
    (void)state;
    ends(0, "farebox call puppet stream --stream");
    assert_string_equal(output, "0\n1\n2\n\"end\"\n");
    ends(64, "farebox call puppet stream --stream --raw");
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
        ends(wanted[status], "farebox call puppet fail '{\"status\":%d}'", status);
        snprintf(error, sizeof error, "farebox: %s: on request", status_text((enum status)status));
        says(error);
    }
}

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
    ends(69, "farebox ping --url ipc://\"$DIR\"/nobody");
    ends(64, "farebox ping --url carrier-pigeon:coop");
    says("carrier-pigeon:coop");
    ends(69, "farebox call no-such-service get");
    says("service_not_found");
    ends(74, "farebox version >/dev/full");
    ends(64, "farebox -o json call puppet");
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
    ends(69, "farebox call puppet stall --timeout 50ms");
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
    ends(0, "farebox pub a.b '{\"n\":1}'");
    assert_string_equal(output, "");
    ends(0, "farebox pub other '2'; farebox pub a.c");
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
    ends(0, "farebox sub quiet --timeout 50ms");
    ends(69, "farebox sub quiet --timeout 50ms --count 2");
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
    ends(0, "farebox pub leave 1");
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
    ends(0, "farebox pub back 1");
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
    ends(0, "cd \"$DIR\" && mkfifo gone && { (exec <gone) & exec 3>gone; wait; "
            "farebox version >&3; }");
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
    ends(0, "farebox services");
    says("SERVICE ");
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

static void test_sessions_and_stats(void **state)
{
    (void)state;
    ends(0, "farebox sessions --token-file \"$OPERATOR\"");
    says("host ");
    says(" puppet\n");
    ends(0, "farebox stats --token-file \"$OPERATOR\"");
    says("\nstore commits ");
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
    ends(64, "%s --tier gold", mint);
    ends(64, "%s --tenant Acme", mint);
    ends(65, "echo not-a-token | farebox token show -");
    ends(77, "printf %%32s x >\"$DIR\"/other; farebox token mint --secret-file "
             "\"$DIR\"/other --tenant acme --user bob --tier free | "
             "farebox token show - --secret-file \"$SECRET\"");
    says("tenant       acme\n");
    says("the broker would refuse this token");
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
    completes("farebox token \"\"", "mint show\n");
    completes("farebox --url ipc : ///x -o json token m", "mint\n");
    completes("farebox token mint --tier = e", "enterprise\n");
    completes("farebox token mint --tier e", "enterprise\n");
    completes("farebox services show --wa", "--watch\n");
    completes("farebox completion \"\"", "bash zsh fish\n");
    ends(64, "farebox completion tcsh");
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
