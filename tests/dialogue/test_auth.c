/* Logging in, from outside: a broker, the service that knows passwords, the gateway in front of it,
 * and people with good and bad intentions. */
#include "../testing.h"

#include "harness.h"
#include "http.h"

#include "base/clock.h"
#include "base/file.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define PASSWORD "correct horse"
#define ATTEMPTS 3
#define TOKEN_SIZE 4096

static struct place *place;
static struct process *gateway, *host;
static int port;
static char answer[65536], output[65536];
static const char *address_attempts;
static bool is_logged; /* each request, among what the gateway says */

/* ---- the stage ---- */

static void setting(char *out, const char *key, const char *value)
{
    snprintf(out, PLACE_PATH * 2, "auth.%s=%s", key, value);
}

static void start_host(void)
{
    static const char *const permissions[] = {"serve:*", "admin:tokens", NULL};
    char auth[256], echo[256], store[PLACE_PATH * 2], secret[PLACE_PATH * 2],
        addresses[PLACE_PATH * 2], folder[PLACE_PATH];
    build_path(auth, sizeof auth, "lib/farebox/auth.so");
    build_path(echo, sizeof echo, "lib/farebox/echo.so");
    snprintf(folder, sizeof folder, "%s/users", place->dir);
    setting(store, "store", folder);
    setting(secret, "secret-file", place->secret);
    setting(addresses, "address-attempts", address_attempts);
    char *token = place_token_file(place, "platform", "host", permissions);
    host =
        place_start(place, "farebox-host ready",
                    (const char *const[]){"farebox-host", "--url", place->url, "--token-file",
                                          token, "--set", store, "--set", secret, "--set",
                                          addresses, "--set", "auth.attempts=3", auth, echo, NULL});
    free(token);
}

static void start_gateway(void)
{
    static const char *const permissions[] = {"call:auth.*", NULL};
    char listen[32];
    char *token = place_token_file(place, "platform", "gateway", permissions);
    port = free_port();
    snprintf(listen, sizeof listen, "127.0.0.1:%d", port);
    gateway = place_start(
        place, "farebox-gateway ready",
        (const char *const[]){"farebox-gateway", "--url", place->url, "--token-file", token,
                              "--listen", listen, "--proxy-header", "X-Forwarded-For",
                              is_logged ? "--access-log" : NULL, "/dev/stdout", NULL});
    free(token);
}

static void token_file(const char *variable, const char *tenant, const char *user,
                       const char *const *permissions)
{
    char *path = place_token_file(place, tenant, user, permissions);
    setenv(variable, path, 1);
    free(path);
}

static int open_with(const char *addresses)
{
    address_attempts = addresses;
    place = place_create();
    place_start_broker(place, (const char *const[]){"--grace-ms", "300", NULL});
    start_host();
    start_gateway();
    setenv("FAREBOX_URL", place->url, 1);
    setenv("FAREBOX_DIR", place->dir, 1);
    token_file("OPERATOR", "platform", "root",
               (const char *const[]){"call:auth.*", "admin:users", "admin:tenants", NULL});
    token_file("ADMIN", "acme", "boss",
               (const char *const[]){"call:auth.*", "call:echo.*", "admin:acme/users", NULL});
    return 0;
}

static int open_place(void **state)
{
    (void)state;
    return open_with("1000");
}

static int open_strict_place(void **state)
{
    (void)state;
    return open_with("5");
}

static int open_logged_place(void **state)
{
    (void)state;
    is_logged = true;
    setenv("FAREBOX_LOG_LEVEL", "debug", 1);
    setenv("FAREBOX_GATEWAY_LOG_LEVEL", "debug", 1);
    return open_with("1000");
}

/* Where a disk can fail: what is over a limit is not written, and nobody dies of it. */
static int open_fragile_place(void **state)
{
    (void)signal(SIGXFSZ, SIG_IGN);
    return open_place(state);
}

static int close_place(void **state)
{
    (void)state;
    is_logged = false;
    (void)signal(SIGXFSZ, SIG_DFL);
    unsetenv("FAREBOX_LOG_LEVEL");
    unsetenv("FAREBOX_GATEWAY_LOG_LEVEL");
    place_destroy(place);
    return 0;
}

/* ---- doing ---- */

static void runs(int wanted, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line of shell with the build's programs at hand, and its exit status. */
static void runs(int wanted, const char *format, ...)
{
    char line[2048], bin[256], whole[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    build_path(bin, sizeof bin, "bin");
    snprintf(whole, sizeof whole, "PATH=%s:$PATH; %s", bin, line);
    int status = place_run(place, output, sizeof output,
                           (const char *const[]){"/bin/sh", "-c", whole, NULL});
    if (status != wanted)
        fail_msg("%s: exit status %d, not %d\n%s", line, status, wanted, output);
}

static void create(const char *tenant, const char *user)
{
    runs(0,
         "printf '" PASSWORD "' | farebox users create %s %s --perm 'call:echo.*' --perm "
         "'call:auth.*' --token-file \"$OPERATOR\"",
         tenant, user);
}

static int ask(const char *request, const char *token, const char *body)
{
    return http_once(port, request, token, body, answer, sizeof answer);
}

static void says(const char *text)
{
    if (!strstr(answer, text))
        fail_msg("no \"%s\" in: %s", text, answer);
}

/* Whoever asks the login service is the gateway: its limits are no client's, and of the tenants it
 * shows that of who has logged in. */
static void shows(const char *tenant, const char *tier)
{
    char headers[256];
    assert_null(strcasestr(answer, "\r\nRateLimit"));
    assert_null(strcasestr(answer, "\r\nX-RateLimit"));
    assert_null(strcasestr(answer, "\r\nX-Quota"));
    snprintf(headers, sizeof headers, "X-Tenant-Id: %s\r\nX-Subscription-Tier: %s\r\n", tenant,
             tier);
    if (*tenant) {
        says(headers);
    } else {
        assert_null(strcasestr(answer, "\r\nX-Tenant-Id"));
        assert_null(strcasestr(answer, "\r\nX-Subscription-Tier"));
    }
}

static int log_in(const char *tenant, const char *user, const char *password)
{
    char body[1024];
    snprintf(body, sizeof body, "{\"tenant\":\"%s\",\"user\":\"%s\",\"password\":\"%s\"}", tenant,
             user, password);
    return ask("POST /v1/auth/login", NULL, body);
}

/* A text of the last answer. */
static void take(const char *name, char out[TOKEN_SIZE])
{
    char start[64];
    snprintf(start, sizeof start, "\"%s\":\"", name);
    const char *text = strstr(answer, start);
    if (!text)
        fail_msg("no %s in: %s", name, answer);
    text += strlen(start);
    snprintf(out, TOKEN_SIZE, "%.*s", (int)strcspn(text, "\""), text);
}

static void log_in_well(const char *tenant, const char *user, char token[TOKEN_SIZE],
                        char refresh[TOKEN_SIZE])
{
    if (log_in(tenant, user, PASSWORD) != 200)
        fail_msg("%s/%s: %s", tenant, user, answer);
    take("token", token);
    take("refresh_token", refresh);
}

static int call_with(const char *token)
{
    return ask("POST /v1/call/echo/echo", token, "1");
}

static int refresh_with(const char *refresh)
{
    char body[TOKEN_SIZE + 64];
    snprintf(body, sizeof body, "{\"refresh_token\":\"%s\"}", refresh);
    return ask("POST /v1/auth/refresh", NULL, body);
}

/* ---- the tests ---- */

static void a_login_gives_a_token_that_counts(void **state)
{
    char token[TOKEN_SIZE], refresh[TOKEN_SIZE];
    (void)state;
    runs(0, "farebox tenants create acme --tier pro --feature sso --billing-customer cus_7 "
            "--token-file \"$OPERATOR\"");
    create("acme", "ann");
    assert_null(strstr(output, PASSWORD));
    log_in_well("acme", "ann", token, refresh);
    says("\"token_type\":\"Bearer\"");
    says("\"expires_in\":86400");
    says("\"subscription_tier\":\"pro\"");
    says("\"subscription_status\":\"active\"");
    says("\"permissions\":[\"call:echo.*\",\"call:auth.*\"");
    says("\"billing_customer_id\":\"cus_7\"");
    says("\"sso\"");
    shows("acme", "pro");
    assert_int_equal(call_with(token), 200);
    says("X-Subscription-Tier: pro\r\n");
    assert_int_equal(ask("POST /v1/call/ghost/get", token, "1"), 404);
    assert_int_equal(ask("POST /v1/publish/news", token, "1"), 403);
    runs(0, "printf '" PASSWORD "\\n' | farebox login acme ann --token-file \"$ADMIN\" > "
            "\"$FAREBOX_DIR\"/ann.token && farebox call echo echo 7 --token-file "
            "\"$FAREBOX_DIR\"/ann.token");
    assert_non_null(strstr(output, "7"));
    runs(77, "printf 'wrong password' | farebox login acme ann --token-file \"$ADMIN\"");
    runs(77, "printf 'x' | farebox login beta bob --token-file \"$ADMIN\"");
    assert_non_null(strstr(output, "tenant"));
}

static void a_refresh_token_is_good_once(void **state)
{
    char first[TOKEN_SIZE], second[TOKEN_SIZE], oldest[TOKEN_SIZE], token[TOKEN_SIZE],
        other[TOKEN_SIZE], other_refresh[TOKEN_SIZE];
    (void)state;
    create("acme", "ann");
    log_in_well("acme", "ann", other, other_refresh);
    log_in_well("acme", "ann", oldest, first);
    assert_int_equal(refresh_with(first), 200);
    shows("acme", "free");
    take("token", token);
    take("refresh_token", second);
    assert_string_not_equal(first, second);
    assert_int_equal(call_with(token), 200);
    assert_int_equal(refresh_with(first), 401); /* two have it */
    assert_int_equal(refresh_with(second), 401);
    assert_int_equal(call_with(token), 401);
    assert_int_equal(call_with(oldest), 401);
    assert_int_equal(call_with(other), 200);
    assert_int_equal(refresh_with(other_refresh), 200);
    assert_int_equal(refresh_with("AAAA"), 401);
    shows("", "");
}

static void a_logout_ends_the_login(void **state)
{
    char token[TOKEN_SIZE], refresh[TOKEN_SIZE], body[TOKEN_SIZE + 64];
    (void)state;
    create("acme", "ann");
    for (int with_refresh = 0; with_refresh < 2; with_refresh++) {
        log_in_well("acme", "ann", token, refresh);
        snprintf(body, sizeof body, "{\"refresh_token\":\"%s\"}", refresh);
        assert_int_equal(ask("POST /v1/auth/logout", token, with_refresh ? body : "{}"), 200);
        assert_int_equal(call_with(token), 401);
        assert_int_equal(refresh_with(refresh), 401);
    }
}

/* A login that was refreshed has several tokens, of which each ends it. */
static void a_logout_ends_all_tokens_of_the_login(void **state)
{
    char tokens[3][TOKEN_SIZE], other[TOKEN_SIZE], other_refresh[TOKEN_SIZE], refresh[TOKEN_SIZE];
    (void)state;
    create("acme", "ann");
    log_in_well("acme", "ann", other, other_refresh);
    for (unsigned with = 0; with < 3; with++) {
        log_in_well("acme", "ann", tokens[0], refresh);
        for (unsigned i = 1; i < 3; i++) {
            assert_int_equal(refresh_with(refresh), 200);
            take("token", tokens[i]);
            take("refresh_token", refresh);
        }
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(call_with(tokens[i]), 200);
        assert_int_equal(ask("POST /v1/auth/logout", tokens[with], "{}"), 200);
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(call_with(tokens[i]), 401);
        assert_int_equal(refresh_with(refresh), 401);
    }
    assert_int_equal(call_with(other), 200);
    assert_int_equal(refresh_with(other_refresh), 200);
}

/* As `farebox token revoke` does, which the service hears nothing of. */
static void a_token_that_the_broker_took_back_ends_its_login(void **state)
{
    char first[TOKEN_SIZE], second[TOKEN_SIZE], refresh[TOKEN_SIZE];
    (void)state;
    create("acme", "ann");
    log_in_well("acme", "ann", first, refresh);
    assert_int_equal(refresh_with(refresh), 200);
    take("token", second);
    take("refresh_token", refresh);
    assert_int_equal(ask("POST /v1/call/bus.tokens/logout", first, "{}"), 200);
    assert_int_equal(call_with(second), 401);
    assert_int_equal(refresh_with(refresh), 401);
    runs(0, "farebox users show acme ann -o json --token-file \"$OPERATOR\"");
    assert_non_null(strstr(output, "\"logins\":0"));
}

/* Otherwise what was to end would be good again with the subscription. */
static void a_suspended_user_can_end_what_they_have(void **state)
{
    char one[TOKEN_SIZE], one_refresh[TOKEN_SIZE], other[TOKEN_SIZE], other_refresh[TOKEN_SIZE],
        body[TOKEN_SIZE + 64];
    (void)state;
    runs(0, "farebox tenants create acme --tier pro --token-file \"$OPERATOR\"");
    create("acme", "ann");
    log_in_well("acme", "ann", one, one_refresh);
    log_in_well("acme", "ann", other, other_refresh);
    runs(0, "farebox tenants suspend acme --token-file \"$OPERATOR\"");
    assert_int_equal(call_with(one), 403);
    assert_int_equal(ask("POST /v1/auth/logout", one, "{}"), 403);
    assert_int_equal(ask("POST /v1/call/bus.tokens/logout", one, "{}"), 200);
    snprintf(body, sizeof body, "{\"refresh_token\":\"%s\"}", other_refresh);
    assert_int_equal(ask("POST /v1/auth/logout", NULL, body), 200);
    runs(0, "farebox tenants resume acme --token-file \"$OPERATOR\"");
    assert_int_equal(call_with(one), 401);
    assert_int_equal(call_with(other), 401);
    assert_int_equal(refresh_with(one_refresh), 401);
    assert_int_equal(refresh_with(other_refresh), 401);
}

/* Also within one second, whose tokens are told apart by nothing else. */
static void another_password_ends_what_the_old_one_gave(void **state)
{
    char token[TOKEN_SIZE], refresh[TOKEN_SIZE];
    (void)state;
    create("acme", "ann");
    log_in_well("acme", "ann", token, refresh);
    assert_int_equal(ask("POST /v1/auth/password", token,
                         "{\"old\":\"not this one\",\"new\":\"battery staple\"}"),
                     401);
    assert_int_equal(
        ask("POST /v1/auth/password", token, "{\"old\":\"" PASSWORD "\",\"new\":\"short\"}"), 400);
    assert_int_equal(ask("POST /v1/auth/password", token,
                         "{\"old\":\"" PASSWORD "\",\"new\":\"battery staple\"}"),
                     200);
    assert_int_equal(call_with(token), 401);
    assert_int_equal(refresh_with(refresh), 401);
    assert_int_equal(log_in("acme", "ann", PASSWORD), 401);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(log_in("acme", "ann", "battery staple"), 200);
        take("token", token);
        assert_int_equal(call_with(token), 200);
        runs(0, "printf 'battery staple' | farebox users update acme ann --password --token-file "
                "\"$OPERATOR\"");
        assert_int_equal(call_with(token), 401);
    }
}

static void a_locked_account_is_one_with_a_wrong_password(void **state)
{
    (void)state;
    create("acme", "ann");
    create("beta", "ann");
    create("acme", "bob");
    for (int i = 0; i < ATTEMPTS; i++)
        assert_int_equal(log_in("acme", "ann", "wrong password"), 401);
    assert_int_equal(log_in("acme", "ann", PASSWORD), 401);
    assert_int_equal(log_in("beta", "ann", PASSWORD), 200);
    assert_int_equal(log_in("acme", "bob", PASSWORD), 200);
    runs(0, "farebox users show acme ann -o json --token-file \"$OPERATOR\"");
    assert_non_null(strstr(output, "\"locked\":true"));
    runs(0, "printf '" PASSWORD "' | farebox users update acme ann --password --token-file "
            "\"$OPERATOR\"");
    assert_int_equal(log_in("acme", "ann", PASSWORD), 200);
}

static int ask_from(const char *addresses, const char *request, const char *body)
{
    struct http http = http_dial(port);
    char headers[256];
    snprintf(headers, sizeof headers, "X-Forwarded-For: %s\r\n", addresses);
    http_ask(&http, request, NULL, headers, body);
    int status = http_answer(&http, answer, sizeof answer);
    http_hang_up(&http);
    return status;
}

static int log_in_from(const char *addresses, const char *user, const char *password)
{
    char body[256];
    snprintf(body, sizeof body, "{\"tenant\":\"acme\",\"user\":\"%s\",\"password\":\"%s\"}", user,
             password);
    return ask_from(addresses, "POST /v1/auth/login", body);
}

/* What is left of a lock of 300 s that began a moment ago. */
static void says_when_the_lock_ends(void)
{
    const char *seconds = strstr(answer, "\r\nRetry-After: ");
    const char *ms = strstr(answer, "\"retry_after_ms\":");
    assert_non_null(seconds);
    assert_non_null(ms);
    assert_in_range(strtoul(seconds + strlen("\r\nRetry-After: "), NULL, 10), 200, 300);
    assert_in_range(strtoul(ms + strlen("\"retry_after_ms\":"), NULL, 10), 200000, 300000);
}

/* Whatever else they say they are. A refresh guesses nothing. */
static void an_address_has_only_so_many_attempts(void **state)
{
    char addresses[64], refresh[TOKEN_SIZE], body[TOKEN_SIZE + 64];
    (void)state;
    create("acme", "ann");
    assert_int_equal(log_in_from("198.51.100.1", "ann", PASSWORD), 200);
    take("refresh_token", refresh);
    snprintf(body, sizeof body, "{\"refresh_token\":\"%s\"}", refresh);
    for (int i = 0; i < 5; i++) {
        snprintf(addresses, sizeof addresses, "192.0.2.%d, 198.51.100.1", i);
        assert_int_equal(log_in_from(addresses, "nobody", "wrong password"), 401);
    }
    assert_int_equal(log_in_from("198.51.100.1", "ann", PASSWORD), 429);
    says("\"code\":\"rate_limited\"");
    says_when_the_lock_ends();
    assert_int_equal(ask_from("198.51.100.1", "POST /v1/auth/refresh", body), 200);
    assert_int_equal(log_in_from("198.51.100.2", "ann", PASSWORD), 200);
    assert_int_equal(log_in("acme", "ann", PASSWORD), 200);
}

/* A cookie that was set, as the browser sends it back. */
static void take_cookie(const char *name, char out[TOKEN_SIZE])
{
    char start[64];
    snprintf(start, sizeof start, "Set-Cookie: %s=", name);
    const char *text = strstr(answer, start);
    if (!text)
        fail_msg("no cookie %s in: %s", name, answer);
    text += strlen("Set-Cookie: ");
    assert_non_null(strstr(text, "HttpOnly"));
    snprintf(out, TOKEN_SIZE, "%.*s", (int)strcspn(text, ";\r"), text);
}

/* As a page does whose scripts never see a token. */
static int ask_with(const char *request, const char *cookie, const char *body)
{
    struct http http = http_dial(port);
    char headers[TOKEN_SIZE + 128];
    snprintf(headers, sizeof headers, "Cookie: %s\r\nSec-Fetch-Site: same-origin\r\n", cookie);
    http_ask(&http, request, NULL, headers, body);
    int status = http_answer(&http, answer, sizeof answer);
    http_hang_up(&http);
    return status;
}

static void a_page_lives_on_cookies(void **state)
{
    char token[TOKEN_SIZE], refresh[TOKEN_SIZE], used[TOKEN_SIZE];
    (void)state;
    create("acme", "ann");
    assert_int_equal(ask("POST /v1/auth/login", NULL,
                         "{\"tenant\":\"acme\",\"user\":\"ann\",\"password\":\"" PASSWORD
                         "\",\"cookie\":true}"),
                     200);
    assert_null(strstr(answer, "_token\":\""));
    assert_null(strstr(answer, "\"token\":"));
    says("\"user_id\":\"ann\"");
    shows("acme", "free");
    take_cookie("farebox_token", token);
    take_cookie("farebox_refresh", used);
    assert_int_equal(ask_with("POST /v1/call/echo/echo", token, "1"), 200);
    assert_int_equal(ask_with("POST /v1/auth/refresh", used, "{}"), 200);
    take_cookie("farebox_token", token);
    take_cookie("farebox_refresh", refresh);
    assert_int_equal(ask_with("POST /v1/call/echo/echo", token, "1"), 200);
    assert_int_equal(ask_with("POST /v1/auth/logout", token, "{}"), 200);
    says("Max-Age=0");
    assert_int_equal(ask_with("POST /v1/call/echo/echo", token, "1"), 401);
    assert_int_equal(ask_with("POST /v1/auth/refresh", refresh, "{}"), 401);
}

/* Whose token ended while nobody looked. */
static void a_page_signs_out_without_its_token(void **state)
{
    char token[TOKEN_SIZE], refresh[TOKEN_SIZE], other[TOKEN_SIZE], other_refresh[TOKEN_SIZE];
    (void)state;
    create("acme", "ann");
    log_in_well("acme", "ann", other, other_refresh);
    assert_int_equal(ask("POST /v1/auth/login", NULL,
                         "{\"tenant\":\"acme\",\"user\":\"ann\",\"password\":\"" PASSWORD
                         "\",\"cookie\":true}"),
                     200);
    take_cookie("farebox_token", token);
    take_cookie("farebox_refresh", refresh);
    assert_int_equal(ask_with("POST /v1/auth/logout", refresh, "{}"), 200);
    says("Set-Cookie: farebox_token=; Path=/; Max-Age=0");
    says("Set-Cookie: farebox_refresh=; Path=/v1/auth; Max-Age=0");
    assert_int_equal(ask_with("POST /v1/call/echo/echo", token, "1"), 401);
    assert_int_equal(ask_with("POST /v1/auth/refresh", refresh, "{}"), 401);
    assert_int_equal(ask_with("POST /v1/auth/logout", refresh, "{}"), 401);
    assert_int_equal(call_with(other), 200);
    assert_int_equal(refresh_with(other_refresh), 200);
}

/* Whatever the service says of it, or whether there is one; and whatever a page shows, the gateway
 * stays who it is. */
static void a_page_that_signs_out_keeps_no_cookies(void **state)
{
    char token[TOKEN_SIZE], refresh[TOKEN_SIZE], body[TOKEN_SIZE + 64];
    (void)state;
    assert_int_equal(ask_with("POST /v1/auth/logout", "farebox_refresh=AAAA", "{}"), 401);
    says("Set-Cookie: farebox_refresh=; Path=/v1/auth; Max-Age=0");
    create("platform", "gateway");
    log_in_well("platform", "gateway", token, refresh);
    (void)snprintf(body, sizeof body, "{\"refresh_token\":\"%s\"}", refresh);
    assert_int_equal(ask("POST /v1/auth/logout", NULL, body), 200);
    assert_int_equal(ask("POST /v1/auth/logout", NULL, body), 401);
    assert_int_equal(call_with(token), 401);
    log_in_well("platform", "gateway", token, refresh);
    (void)process_stop(host, SIGKILL);
    assert_int_not_equal(ask_with("POST /v1/auth/logout", "farebox_refresh=AAAA", "{}"), 200);
    says("Set-Cookie: farebox_refresh=; Path=/v1/auth; Max-Age=0");
}

/* ---- what cannot be told apart ---- */

enum { UNKNOWN, WRONG, LOCKED, DISABLED, EXPIRED, KINDS };
static const char *const users[KINDS] = {"nobody", "wrong", "locked", "disabled", "expired"};
static const char *const tenants[KINDS] = {"acme", "acme", "acme", "acme", "beta"};
#define ROUNDS 5

static bool alike(const uint64_t least[KINDS])
{
    uint64_t low = least[0], high = least[0];
    for (int kind = 1; kind < KINDS; kind++) {
        low = least[kind] < low ? least[kind] : low;
        high = least[kind] > high ? least[kind] : high;
    }
    return high <= 2 * low;
}

/* Without what differs from answer to answer. */
static void keep_body(char out[1024])
{
    const char *body = strstr(answer, "\r\n\r\n"), *id = strstr(answer, "\"request_id\":\"");
    assert_non_null(body);
    assert_non_null(id);
    id += strlen("\"request_id\":\"");
    snprintf(out, 1024, "%.*s%s", (int)(id - body), body, id + strcspn(id, "\""));
}

static void refuse_each(uint64_t least[KINDS])
{
    static char first[1024];
    for (int kind = 0; kind < KINDS; kind++) {
        char body[1024];
        bool right = kind == LOCKED || kind == DISABLED;
        uint64_t began = clock_mono_ns();
        assert_int_equal(log_in(tenants[kind], users[kind], right ? PASSWORD : "wrong password"),
                         401);
        uint64_t took = clock_mono_ns() - began;
        least[kind] = took < least[kind] ? took : least[kind];
        keep_body(body);
        if (!first[0])
            snprintf(first, sizeof first, "%s", body);
        assert_string_equal(body, first);
    }
}

/* Wrong passwords would lock the others, too, and then it is the locked alone that are compared. A
 * right one is forgiven what was before it, and shows that it counts. */
static void nobody_else_is_locked(void)
{
    assert_int_equal(log_in("acme", "wrong", PASSWORD), 200);
    assert_int_equal(log_in("beta", "expired", PASSWORD), 403);
}

/* Each takes as long as a password's check does, which is a hundred times as long as all else. How
 * near the medians are to each other is measured where nothing else runs: bench/login. */
static void refused_logins_are_all_alike(void **state)
{
    uint64_t least[KINDS] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    (void)state;
    for (int kind = WRONG; kind < KINDS; kind++)
        create(tenants[kind], users[kind]);
    runs(0, "farebox users update acme disabled --disable --token-file \"$OPERATOR\"");
    runs(0, "farebox tenants create beta --tier pro --status expired --token-file \"$OPERATOR\"");
    assert_int_equal(log_in("beta", "expired", PASSWORD), 403);
    says("\"code\":\"subscription_expired\"");
    for (int i = 0; i < ATTEMPTS; i++)
        assert_int_equal(log_in("acme", "locked", "wrong password"), 401);
    for (int round = 0; round < ROUNDS; round++) {
        refuse_each(least);
        nobody_else_is_locked();
    }
    for (int kind = 0; kind < KINDS; kind++)
        print_message("%s: %u us\n", users[kind], (unsigned)(least[kind] / 1000));
    assert_true(alike(least));
}

/* ---- administration ---- */

static void admins_of_a_tenant_stay_in_it(void **state)
{
    char token[TOKEN_SIZE], refresh[TOKEN_SIZE];
    (void)state;
#define AS_ADMIN " --token-file \"$ADMIN\""
    create("acme", "ann");
    create("beta", "bob");
    runs(0, "printf '" PASSWORD "' | farebox users create platform chief --perm admin:users "
            "--token-file \"$OPERATOR\"");
    runs(0, "printf '" PASSWORD "' | farebox users create acme chief --perm admin:users "
            "--token-file \"$OPERATOR\"");
    runs(65, "printf '" PASSWORD "' | farebox users create bus eve --token-file \"$OPERATOR\"");
    runs(77, "farebox users show beta bob" AS_ADMIN);
    runs(77, "farebox users list --tenant beta" AS_ADMIN);
    runs(77, "printf '" PASSWORD "' | farebox users create beta eve" AS_ADMIN);
    runs(77, "printf '" PASSWORD "' | farebox users create acme eve --perm admin:users" AS_ADMIN);
    runs(77, "printf '" PASSWORD "' | farebox users create acme eve --perm 'serve:*'" AS_ADMIN);
    runs(77, "farebox users update acme ann --perm 'call:*'" AS_ADMIN);
    runs(77, "printf '" PASSWORD "' | farebox users update acme chief --password" AS_ADMIN);
    runs(77, "farebox users delete acme chief" AS_ADMIN);
    log_in_well("acme", "ann", token, refresh);
    assert_int_equal(ask("POST /v1/call/auth/list", token, "{}"), 403);
    runs(0, "printf '" PASSWORD "' | farebox users create acme eve --perm 'call:echo.*'" AS_ADMIN);
    runs(65, "printf '" PASSWORD "' | farebox users create acme eve" AS_ADMIN);
    runs(0, "farebox users -o json" AS_ADMIN);
    assert_non_null(strstr(output, "\"user\":\"ann\""));
    assert_non_null(strstr(output, "\"user\":\"eve\""));
    assert_null(strstr(output, "bob"));
    assert_null(strstr(output, "argon2"));
}

static void what_an_admin_takes_is_gone_at_once(void **state)
{
    char token[TOKEN_SIZE], refresh[TOKEN_SIZE];
    (void)state;
    create("acme", "ann");
    log_in_well("acme", "ann", token, refresh);
    runs(0, "farebox users update acme ann --perm 'call:auth.*' --token-file \"$OPERATOR\"");
    assert_int_equal(call_with(token), 401);
    assert_int_equal(refresh_with(refresh), 200);
    take("token", token);
    take("refresh_token", refresh);
    assert_int_equal(call_with(token), 403);
    runs(0, "farebox users update acme ann --disable --token-file \"$OPERATOR\"");
    assert_int_equal(call_with(token), 401);
    assert_int_equal(refresh_with(refresh), 401);
    assert_int_equal(log_in("acme", "ann", PASSWORD), 401);
    runs(0, "farebox users update acme ann --enable --perm 'call:*' --token-file \"$OPERATOR\"");
    log_in_well("acme", "ann", token, refresh);
    assert_int_equal(call_with(token), 200);
    runs(0, "farebox users delete acme ann --token-file \"$OPERATOR\"");
    assert_int_equal(call_with(token), 401);
    assert_int_equal(refresh_with(refresh), 401);
    create("acme", "ann");
    log_in_well("acme", "ann", token, refresh);
    assert_int_equal(call_with(token), 200);
}

/* ---- the worst ---- */

static bool serves_again(void *arg)
{
    return refresh_with(arg) == 200;
}

static void what_was_told_outlives_a_kill(void **state)
{
    char token[TOKEN_SIZE], refresh[TOKEN_SIZE], next[TOKEN_SIZE];
    (void)state;
    create("acme", "ann");
    log_in_well("acme", "ann", token, refresh);
    assert_int_equal(refresh_with(refresh), 200);
    take("refresh_token", next);
    (void)process_stop(host, SIGKILL);
    start_host();
    assert_true(eventually(serves_again, next));
    assert_int_equal(refresh_with(refresh), 401);
}

/* Nothing the host writes gets on disk, until it is healed. */
static void break_disk(bool broken)
{
    struct rlimit limit;
    assert_int_equal(prlimit(host->pid, RLIMIT_FSIZE, NULL, &limit), 0);
    limit.rlim_cur = broken ? 4096 : limit.rlim_max;
    assert_int_equal(prlimit(host->pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

static void restart_host(void)
{
    (void)process_stop(host, SIGKILL);
    start_host();
}

static bool has_logins(void *wanted)
{
    char bin[256], line[1024];
    build_path(bin, sizeof bin, "bin/farebox");
    snprintf(line, sizeof line,
             "%s users show acme ann -o json --token-file \"$OPERATOR\" | grep -qF '\"logins\":%s'",
             bin, (const char *)wanted);
    return place_run(place, output, sizeof output,
                     (const char *const[]){"/bin/sh", "-c", line, NULL}) == 0;
}

struct leaving {
    char token[TOKEN_SIZE], refresh[TOKEN_SIZE], body[TOKEN_SIZE + 64];
};

static void log_in_to_leave(struct leaving *leaving)
{
    log_in_well("acme", "ann", leaving->token, leaving->refresh);
    snprintf(leaving->body, sizeof leaving->body, "{\"refresh_token\":\"%s\"}", leaving->refresh);
}

/* Asked again after a failure it says so again, until it is true. */
static void a_logout_is_on_disk_or_fails(void **state)
{
    struct leaving own, other;
    (void)state;
    create("acme", "ann");
    log_in_to_leave(&own);
    log_in_to_leave(&other);
    break_disk(true);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(ask("POST /v1/auth/logout", own.token, other.body), 503);
        assert_int_equal(call_with(other.token), 401);
    }
    for (int again = 0; again < 2; again++)
        assert_int_equal(ask("POST /v1/auth/logout", own.token, "{}"), 503);
    restart_host();
    assert_true(eventually(has_logins, "2"));
    break_disk(true);
    for (int again = 0; again < 2; again++)
        assert_int_equal(ask("POST /v1/auth/logout", own.token, "{}"), 503);
    break_disk(false);
    assert_int_equal(ask("POST /v1/auth/logout", own.token, "{}"), 200);
    assert_int_equal(call_with(own.token), 401);
    restart_host();
    assert_true(eventually(has_logins, "1"));
}

/* As the gateway ends it for a page whose token is gone. */
static void a_logout_by_refresh_token_is_on_disk_or_fails(void **state)
{
    struct leaving own;
    (void)state;
    create("acme", "ann");
    log_in_to_leave(&own);
    break_disk(true);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(ask("POST /v1/auth/logout", NULL, own.body), 503);
        assert_int_equal(call_with(own.token), 401);
    }
    restart_host();
    assert_true(eventually(has_logins, "1"));
    assert_int_equal(ask("POST /v1/auth/logout", NULL, own.body), 200);
    restart_host();
    assert_true(eventually(has_logins, "0"));
}

static void a_reused_refresh_token_ends_its_login_on_disk_or_fails(void **state)
{
    char token[TOKEN_SIZE], used[TOKEN_SIZE];
    (void)state;
    create("acme", "ann");
    log_in_well("acme", "ann", token, used);
    assert_int_equal(refresh_with(used), 200);
    break_disk(true);
    assert_int_equal(refresh_with(used), 503);
    assert_int_equal(call_with(token), 401);
    restart_host();
    assert_true(eventually(has_logins, "1"));
    assert_int_equal(refresh_with(used), 401);
    restart_host();
    assert_true(eventually(has_logins, "0"));
}

/* Ends it, and reads all that it wrote, of which `wanted` is a part. */
static void ends_silent_about(struct process *process, const char *wanted,
                              const char *const *secrets)
{
    char line[8192];
    bool found = false;
    assert_int_equal(kill(process->pid, SIGTERM), 0);
    while (process_line(process, "", line, sizeof line)) {
        found = found || strstr(line, wanted);
        for (size_t i = 0; secrets[i]; i++)
            if (strstr(line, secrets[i]))
                fail_msg("a secret in: %s", line);
    }
    assert_true(found);
    assert_int_equal(process_stop(process, 0), 0);
}

/* Everybody on the machine may read these. */
static void command_line_is_silent_about(const struct process *process, const char *const *secrets)
{
    char path[64];
    struct buf line = {0};
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)process->pid);
    assert_int_equal(file_read(&line, path, 1u << 20), 0);
    assert_true(line.len > 0);
    for (size_t i = 0; secrets[i]; i++)
        assert_null(memmem(line.data, line.len, secrets[i], strlen(secrets[i])));
    buf_finish(&line);
}

static void metrics_are_silent_about(const char *const *secrets)
{
    char *token = place_token(place, "platform", "monitor", "enterprise",
                              (const char *const[]){"admin:stats", NULL});
    assert_int_equal(ask("GET /metrics", token, NULL), 200);
    for (size_t i = 0; secrets[i]; i++)
        assert_null(strstr(answer, secrets[i]));
    free(token);
}

/* What somebody sees who watches the bus go by, and may see everything but what is in it. */
struct watch {
    fbx_bus *bus;
    pthread_mutex_t lock;
    struct buf seen;
};

static void see(void *arg, fbx_bytes part, uint32_t index)
{
    struct watch *watch = arg;
    (void)index;
    pthread_mutex_lock(&watch->lock);
    buf_append(&watch->seen, part.data, part.len);
    pthread_mutex_unlock(&watch->lock);
}

static void on_end(void *arg, const fbx_reply *reply)
{
    (void)arg;
    (void)reply;
}

static void watch_begin(struct watch *watch)
{
    static const char *const permissions[] = {"call:*", "publish:>", "admin:tap", NULL};
    fbx_call_options parts = {.on_part = see, .timeout_ms = UINT32_MAX};
    *watch = (struct watch){.lock = PTHREAD_MUTEX_INITIALIZER};
    watch->bus = place_connect(place, "platform", "watcher", permissions);
    assert_int_equal(fbx_call_async(watch->bus, "bus.tap", "watch", (fbx_bytes){"\x80", 1}, &parts,
                                    on_end, watch, NULL),
                     0);
    assert_int_equal(call_text(watch->bus, "bus.me", "show", "\x80", NULL, 0), FBX_OK);
}

static bool has_seen(struct watch *watch, const char *text)
{
    pthread_mutex_lock(&watch->lock);
    bool has = watch->seen.len > 0 && memmem(watch->seen.data, watch->seen.len, text, strlen(text));
    pthread_mutex_unlock(&watch->lock);
    return has;
}

static bool has_seen_the_end(void *watch)
{
    return has_seen(watch, "the.end");
}

static void watch_ends_silent_about(struct watch *watch, const char *const *secrets)
{
    fbx_publish_options confirmed = {.confirm = true};
    static const char payload[] = "canary-event";
    assert_int_equal(
        fbx_publish(watch->bus, "the.end", (fbx_bytes){payload, strlen(payload)}, &confirmed), 0);
    assert_true(eventually(has_seen_the_end, watch));
    assert_true(has_seen(watch, "nothing"));
    for (size_t i = 0; secrets[i]; i++)
        if (has_seen(watch, secrets[i]))
            fail_msg("a secret was seen: %s", secrets[i]);
    fbx_close(watch->bus);
    buf_finish(&watch->seen);
}

/* In the body, in the query, in a header, in a trace, as a token, and in what a service sends back.
 */
static void call_with_a_canary(const char *token)
{
    struct http http = http_dial(port);
    http_ask(&http, "POST /v1/call/echo/echo", token, "tracestate: canary-state=1\r\n",
             "\"canary-payload\"");
    assert_int_equal(http_answer(&http, answer, sizeof answer), 200);
    assert_int_equal(ask("POST /v1/call/echo/fail", token, "{\"message\":\"canary-message\"}"),
                     500);
    assert_int_equal(ask("POST /v1/publish/news", token, "\"canary-event\""), 403);
    assert_int_equal(ask("POST /v1/call/echo/echo", token, "\"canary-payload\""), 200);
    assert_int_equal(ask("POST /v1/call/echo/nothing", token, "\"canary-payload\""), 404);
    assert_int_equal(ask("POST /v1/call/echo/echo", "canary-token", "1"), 401);
    assert_int_equal(ask("GET /v1/me?token=canary-query", token, NULL), 400);
    http_ask(&http, "POST /v1/call/echo/echo", token, "X-Any: canary-header\r\n",
             "{\"canary-broken");
    assert_int_equal(http_answer(&http, answer, sizeof answer), 400);
    http_hang_up(&http);
}

static void no_secret_is_logged(void **state)
{
    char token[TOKEN_SIZE], refresh[TOKEN_SIZE], later[TOKEN_SIZE], key[128] = "";
    const char *const secrets[] = {PASSWORD, "canary-", "battery staple", token, refresh,
                                   later,    key,       "$argon2",        NULL};
    struct buf secret = {0};
    struct watch watch;
    (void)state;
    assert_int_equal(file_read(&secret, place->secret, sizeof key - 1), 0);
    memcpy(key, secret.data, secret.len);
    key[strcspn(key, "\n")] = '\0';
    buf_finish(&secret);
    create("acme", "ann");
    log_in_well("acme", "ann", token, refresh);
    assert_int_equal(log_in("acme", "canary-user", "canary-password"), 401);
    assert_int_equal(log_in("acme", "ann", "canary-password"), 401);
    assert_int_equal(ask("POST /v1/auth/password", token,
                         "{\"old\":\"" PASSWORD "\",\"new\":\"battery staple\"}"),
                     200);
    assert_int_equal(refresh_with(refresh), 401);
    assert_int_equal(log_in("acme", "ann", "battery staple"), 200);
    take("token", later);
    watch_begin(&watch);
    call_with_a_canary(later);
    watch_ends_silent_about(&watch, secrets);
    metrics_are_silent_about(secrets);
    command_line_is_silent_about(gateway, secrets);
    command_line_is_silent_about(host, secrets);
    command_line_is_silent_about(&place->broker, secrets);
    ends_silent_about(gateway, "\"path\":\"/v1/me\"", secrets);
    ends_silent_about(host, "event=auth.login", secrets);
    ends_silent_about(&place->broker, "level=debug event=session.ended", secrets);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_place, close_place)
#define FRAGILE(name) cmocka_unit_test_setup_teardown(name, open_fragile_place, close_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_login_gives_a_token_that_counts),
        TEST(a_refresh_token_is_good_once),
        TEST(a_logout_ends_the_login),
        TEST(a_logout_ends_all_tokens_of_the_login),
        TEST(a_token_that_the_broker_took_back_ends_its_login),
        TEST(a_suspended_user_can_end_what_they_have),
        TEST(another_password_ends_what_the_old_one_gave),
        TEST(a_locked_account_is_one_with_a_wrong_password),
        cmocka_unit_test_setup_teardown(an_address_has_only_so_many_attempts, open_strict_place,
                                        close_place),
        TEST(a_page_lives_on_cookies),
        TEST(a_page_signs_out_without_its_token),
        TEST(a_page_that_signs_out_keeps_no_cookies),
        TEST(refused_logins_are_all_alike),
        TEST(admins_of_a_tenant_stay_in_it),
        TEST(what_an_admin_takes_is_gone_at_once),
        TEST(what_was_told_outlives_a_kill),
        FRAGILE(a_logout_is_on_disk_or_fails),
        FRAGILE(a_logout_by_refresh_token_is_on_disk_or_fails),
        FRAGILE(a_reused_refresh_token_ends_its_login_on_disk_or_fails),
        cmocka_unit_test_setup_teardown(no_secret_is_logged, open_logged_place, close_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
