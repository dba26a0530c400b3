/* Users, tenants, profiles and preferences, from outside: a broker, a host with the login service
 * and the user service, the gateway in front of them, and people who ask by HTTP. */
#include "../testing.h"

#include "harness.h"
#include "http.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define PASSWORD "correct horse"
#define TOKEN_SIZE 4096
#define UPGRADE_URL "https://example.org/up"
#define FLAGS_MAX 40

static struct place *place;
static struct process *host, *gateway;
static int port, health_port;
static char answer[262144];
static char *root, *boss; /* tokens: of who may everything, and of acme's administrator */

/* ---- the stage ---- */

static void start_broker(void)
{
    char allowed[32];
    snprintf(allowed, sizeof allowed, "127.0.0.1:%d", health_port);
    place_start_broker(place, (const char *const[]){"--grace-ms", "300", "--health-least-ms", "20",
                                                    "--health-allow", allowed, "--call-depth", "1",
                                                    "--upgrade-url", UPGRADE_URL, NULL});
}

/* With the login service, unless a test is that. */
static void start_host_with(bool auth_too)
{
    static const char *const permissions[] = {"serve:*", "admin:tokens", "call:auth.*",
                                              "publish:*/user.changed", NULL};
    char auth[256] = "", service[256], set[5][PLACE_PATH * 2];
    if (auth_too)
        build_path(auth, sizeof auth, "lib/farebox/auth.so");
    build_path(service, sizeof service, "lib/farebox/user-service.so");
    snprintf(set[0], sizeof set[0], "auth.store=%s/auth", place->dir);
    snprintf(set[1], sizeof set[1], "auth.secret-file=%s", place->secret);
    snprintf(set[2], sizeof set[2], "user-service.store=%s/users", place->dir);
    snprintf(set[3], sizeof set[3], "user-service.health-listen=127.0.0.1:%d", health_port);
    snprintf(set[4], sizeof set[4], "user-service.health-endpoint=http://127.0.0.1:%d/health",
             health_port);
    char *token = place_token_file(place, "platform", "host", permissions);
    const char *argv[FLAGS_MAX] = {
        "farebox-host", "--url", place->url, "--token-file", token, "--health-interval-ms", "200"};
    size_t n = 7;
    for (size_t i = auth_too ? 0 : 2; i < sizeof set / sizeof *set; i++) {
        argv[n++] = "--set";
        argv[n++] = set[i];
    }
    argv[n++] = service;
    if (auth_too)
        argv[n++] = auth;
    host = place_start(place, "farebox-host ready", argv);
    free(token);
}

static void start_host(void)
{
    start_host_with(true);
}

static bool is_there(void *arg)
{
    (void)arg;
    return http_once(port, "GET /readyz", NULL, NULL, answer, sizeof answer) == 200;
}

static void start_gateway(void)
{
    static const char *const routes[] = {
        "POST /api/users user-service.create-user status=201",
        "GET /api/users user-service.list-users query=tenant,after idempotent",
        "GET /api/users/{user} user-service.show-user query=tenant idempotent",
        "DELETE /api/users/{user} user-service.delete-user query=tenant",
        "GET /api/users/{user}/profile user-service.profile query=tenant idempotent",
        "PATCH /api/users/{user}/profile user-service.set-profile query=tenant",
        "GET /api/subscription user-service.subscription idempotent",
    };
    static const char *const permissions[] = {"call:auth.*", NULL};
    char listen[32];
    char *token = place_token_file(place, "platform", "gateway", permissions);
    port = free_port();
    snprintf(listen, sizeof listen, "127.0.0.1:%d", port);
    const char *argv[FLAGS_MAX] = {"farebox-gateway", "--url", place->url, "--token-file", token,
                                   "--listen",        listen};
    size_t n = 7;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        argv[n++] = "--route";
        argv[n++] = routes[i];
    }
    gateway = place_start(place, "farebox-gateway ready", argv);
    free(token);
    assert_true(eventually(is_there, NULL));
}

static int open_place(void **state)
{
    (void)state;
    place = place_create();
    health_port = free_port();
    start_broker();
    start_host();
    start_gateway();
    root = place_token(place, "platform", "root", "enterprise",
                       (const char *const[]){"call:user-service.*", "admin:users", "admin:tenants",
                                             "admin:registry", NULL});
    boss =
        place_token(place, "acme", "boss", "enterprise",
                    (const char *const[]){"call:user-service.*", "admin:acme/users",
                                          "subscribe:user.changed", "publish:user.changed", NULL});
    return 0;
}

static int close_place(void **state)
{
    (void)state;
    free(root);
    free(boss);
    place_destroy(place);
    return 0;
}

/* ---- doing ---- */

static int ask(const char *request, const char *token, const char *body)
{
    return http_once(port, request, token, body, answer, sizeof answer);
}

/* A method of the service. */
static int call(const char *method, const char *token, const char *body)
{
    char request[96];
    snprintf(request, sizeof request, "POST /v1/call/user-service/%s", method);
    return ask(request, token, body);
}

static void says(const char *text)
{
    if (!strstr(answer, text))
        fail_msg("no \"%s\" in: %s", text, answer);
}

static void says_not(const char *text)
{
    if (strstr(answer, text))
        fail_msg("\"%s\" in: %s", text, answer);
}

static void is(int status, int wanted)
{
    if (status != wanted)
        fail_msg("%d, not %d: %s", status, wanted, answer);
}

/* By whoever may everything. */
static void create(const char *tenant, const char *user, const char *more)
{
    char body[1024];
    snprintf(body, sizeof body,
             "{\"tenant\":\"%s\",\"user\":\"%s\",\"password\":\"" PASSWORD
             "\",\"permissions\":[\"call:user-service.*\"]%s}",
             tenant, user, more);
    is(call("create-user", root, body), 200);
}

static int log_in(const char *tenant, const char *user, char token[TOKEN_SIZE])
{
    char body[256];
    snprintf(body, sizeof body, "{\"tenant\":\"%s\",\"user\":\"%s\",\"password\":\"" PASSWORD "\"}",
             tenant, user);
    int status = ask("POST /v1/auth/login", NULL, body);
    const char *text = strstr(answer, "\"token\":\"");
    if (status == 200 && text)
        snprintf(token, TOKEN_SIZE, "%.*s", (int)strcspn(text + 9, "\""), text + 9);
    return status;
}

/* ---- users ---- */

static void a_user_lives_from_creation_to_deletion(void **state)
{
    char token[TOKEN_SIZE];
    (void)state;
    is(ask("POST /api/users", boss,
           "{\"user\":\"ann\",\"password\":\"" PASSWORD "\",\"permissions\":"
           "[\"call:user-service.*\"],\"name\":\"Ann O'Neill\",\"email\":\"ann@example.com\"}"),
       201);
    says("\"profile\":{\"name\":\"Ann O'Neill\",\"email\":\"ann@example.com\"");
    says_not(PASSWORD);
    says_not("argon2");
    is(ask("POST /api/users", boss, "{\"user\":\"ann\",\"password\":\"" PASSWORD "\"}"), 409);
    is(log_in("acme", "ann", token), 200);
    is(ask("PATCH /api/users/ann/profile", token,
           "{\"locale\":\"de-CH\",\"timezone\":\"Europe/Zurich\",\"email\":\"\"}"),
       200);
    is(ask("GET /api/users/ann/profile", boss, NULL), 200);
    says("\"name\":\"Ann O'Neill\",\"email\":\"\",\"locale\":\"de-CH\",\"timezone\":"
         "\"Europe/Zurich\"");
    is(ask("GET /api/users/ann", boss, NULL), 200);
    says("\"user\":\"ann\",\"permissions\":[\"call:user-service.*\"]");
    says("\"timezone\":\"Europe/Zurich\"");
    is(call("update-user", boss, "{\"user\":\"ann\",\"disabled\":true}"), 200);
    says("\"disabled\":true");
    is(log_in("acme", "ann", token), 401);
    is(ask("DELETE /api/users/ann", boss, NULL), 200);
    is(ask("GET /api/users/ann", boss, NULL), 400);
    is(ask("DELETE /api/users/ann", boss, NULL), 400);
    says("\"reason\":\"no_such_user\"");
    is(ask("GET /api/users/ann/profile", boss, NULL), 200);
    says("\"changed_ms\":0,\"name\":\"\"");
}

/* A profile may outlive an account, or be there before one. */
static void a_new_user_has_nothing_of_an_old_one(void **state)
{
    char *zoe = place_token(place, "acme", "zoe", "enterprise",
                            (const char *const[]){"call:user-service.*", NULL});
    (void)state;
    is(call("set-profile", zoe, "{\"name\":\"Zoe\",\"email\":\"zoe@example.com\"}"), 200);
    is(call("set-preferences", zoe, "{\"channels\":{\"email\":false}}"), 200);
    create("acme", "zoe", "");
    says("\"profile\":{\"name\":\"\",\"email\":\"\"");
    is(call("preferences", boss, "{\"user\":\"zoe\"}"), 200);
    says("\"email\":true");
    free(zoe);
}

static void a_list_comes_in_pages(void **state)
{
    (void)state;
    create("acme", "ann", ",\"name\":\"Ann\"");
    create("acme", "bob", ",\"name\":\"Bob\"");
    create("acme", "cleo", "");
    create("beta", "dan", "");
    is(ask("GET /api/users", boss, NULL), 200);
    says("\"user\":\"ann\"");
    says("\"profile\":{\"name\":\"Bob\"");
    says("\"user\":\"cleo\"");
    says("\"next\":\"\"");
    says_not("dan");
    is(ask("GET /api/users?after=bob", boss, NULL), 200);
    says_not("\"user\":\"bob\"");
    says("\"user\":\"cleo\"");
    is(ask("GET /api/users?tenant=beta", root, NULL), 200);
    says("\"user\":\"dan\"");
    says_not("ann");
}

static void preferences_are_a_users_own(void **state)
{
    char token[TOKEN_SIZE];
    (void)state;
    create("acme", "ann", "");
    is(log_in("acme", "ann", token), 200);
    is(call("preferences", token, "{}"), 200);
    says("\"channels\":{\"in_app\":true,\"email\":true,\"webhook\":true},\"kinds\":{}");
    is(call("set-preferences", token,
            "{\"channels\":{\"email\":false},\"kinds\":{\"quota\":{\"email\":true}}}"),
       200);
    is(call("set-preferences", boss, "{\"user\":\"ann\",\"channels\":{\"webhook\":false}}"), 200);
    is(call("preferences", token, NULL), 200);
    says("\"channels\":{\"in_app\":true,\"email\":false,\"webhook\":false},"
         "\"kinds\":{\"quota\":{\"email\":true}}");
}

/* ---- who may ---- */

static void admins_stay_in_their_tenant(void **state)
{
    static const struct {
        const char *method, *body;
    } rows[] = {
        {"create-user", "{\"tenant\":\"beta\",\"user\":\"eve\",\"password\":\"" PASSWORD "\"}"},
        {"show-user", "{\"tenant\":\"beta\",\"user\":\"bob\"}"},
        {"list-users", "{\"tenant\":\"beta\"}"},
        {"update-user", "{\"tenant\":\"beta\",\"user\":\"bob\",\"disabled\":true}"},
        {"delete-user", "{\"tenant\":\"beta\",\"user\":\"bob\"}"},
        {"profile", "{\"tenant\":\"beta\",\"user\":\"bob\"}"},
        {"set-profile", "{\"tenant\":\"beta\",\"user\":\"bob\",\"name\":\"x\"}"},
        {"preferences", "{\"tenant\":\"beta\",\"user\":\"bob\"}"},
        {"set-preferences", "{\"tenant\":\"beta\",\"user\":\"bob\",\"channels\":{}}"},
        {"create-tenant", "{\"tenant\":\"gamma\",\"tier\":\"enterprise\"}"},
        {"show-tenant", "{\"tenant\":\"beta\"}"},
        {"list-tenants", "{}"},
        {"update-tenant", "{\"tenant\":\"acme\",\"tier\":\"enterprise\"}"},
        {"suspend-tenant", "{\"tenant\":\"beta\"}"},
        {"resume-tenant", "{\"tenant\":\"acme\"}"},
        {"delete-tenant", "{\"tenant\":\"acme\"}"},
    };
    (void)state;
    is(call("create-tenant", root, "{\"tenant\":\"acme\",\"tier\":\"pro\"}"), 200);
    is(call("create-tenant", root, "{\"tenant\":\"beta\",\"tier\":\"pro\"}"), 200);
    create("beta", "bob", ",\"name\":\"Bob\"");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (call(rows[i].method, boss, rows[i].body) != 403)
            fail_msg("%s %s: %s", rows[i].method, rows[i].body, answer);
    }
    is(call("list-tenants", boss, "{}"), 403);
    says("\"permission\":\"admin:tenants\""); /* what the broker said of it */
    is(call("create-user", boss,
            "{\"user\":\"eve\",\"password\":\"" PASSWORD "\",\"permissions\":[\"admin:users\"]}"),
       403);
    is(call("set-profile", boss, "{\"user\":\"nobody\",\"name\":\"x\"}"), 400);
    is(call("set-preferences", boss, "{\"user\":\"nobody\",\"channels\":{\"email\":false}}"), 400);
    is(call("profile", boss, "{\"user\":\"nobody\"}"), 200);
    says("\"changed_ms\":0,\"name\":\"\"");
    is(call("preferences", boss, "{\"user\":\"nobody\"}"), 200);
    says("\"changed_ms\":0");
    is(call("show-user", root, "{\"tenant\":\"beta\",\"user\":\"bob\"}"), 200);
    says("\"disabled\":false");
    says("\"name\":\"Bob\"");
    is(call("list-tenants", root, NULL), 200);
    says("\"tenant\":\"acme\"");
    says_not("gamma");
}

static void users_are_their_own(void **state)
{
    static const char *const others[] = {"{\"user\":\"bob\"}",
                                         "{\"tenant\":\"beta\",\"user\":\"ann\"}"};
    static const char *const methods[] = {"profile",         "set-profile", "preferences",
                                          "set-preferences", "show-user",   "delete-user"};
    char token[TOKEN_SIZE];
    (void)state;
    create("acme", "ann", "");
    create("acme", "bob", "");
    create("beta", "ann", "");
    is(log_in("acme", "ann", token), 200);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        for (size_t j = 0; j < sizeof others / sizeof *others; j++)
            if (call(methods[i], token, others[j]) != 403)
                fail_msg("%s %s: %s", methods[i], others[j], answer);
    is(call("list-users", token, "{}"), 403);
    is(call("profile", token, "{\"tenant\":\"acme\",\"user\":\"ann\"}"), 200);
}

/* Calls the service in the name of whoever calls it: so deep that it gets nowhere itself. */
static void delete_nested(void *arg, fbx_request *request)
{
    const fbx_call_options options = {.parent = request};
    fbx_reply *reply = NULL;
    (void)arg;
    (void)fbx_call(fbx_request_bus(request), "user-service", "delete-user",
                   fbx_request_payload(request), &options, &reply);
    fbx_refuse_as(request, reply);
    fbx_reply_free(reply);
}

/* Whether there is an account was not heard then, nor who may delete it. */
static void a_profile_outlives_a_refusal_to_delete_its_account(void **state)
{
    static const char *const may_call[] = {"call:shop.*", "call:user-service.*", NULL};
    static const char *const may_all[] = {"call:shop.*", "call:user-service.*", "admin:users",
                                          NULL};
    const fbx_service service = {.name = "shop", .handler = delete_nested};
    fbx_bus *shop =
        place_connect(place, "platform", "shop", (const char *const[]){"serve:shop", NULL});
    char *callers[] = {place_token(place, "acme", "bob", "enterprise", may_call),
                       place_token(place, "platform", "op", "enterprise", may_all)};
    (void)state;
    assert_int_equal(fbx_serve(shop, &service), 0);
    create("acme", "ann", ",\"name\":\"Ann\"");
    for (size_t i = 0; i < sizeof callers / sizeof *callers; i++) {
        is(ask("POST /v1/call/shop/delete", callers[i], "{\"tenant\":\"acme\",\"user\":\"ann\"}"),
           400);
        says("nested too deep");
        is(call("show-user", root, "{\"tenant\":\"acme\",\"user\":\"ann\"}"), 200);
        says("\"name\":\"Ann\"");
        free(callers[i]);
    }
    fbx_close(shop);
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *method, *body, *says;
    } rows[] = {
        {"create-user", "{}", "user: is required"},
        {"create-user", "{\"user\":\"a b\",\"password\":\"" PASSWORD "\"}", "user: "},
        {"create-user", "{\"user\":\"eve\"}", "password: is required"},
        {"create-user", "{\"user\":\"eve\",\"password\":\"short\"}", "password: "},
        {"create-user", "{\"user\":\"eve\",\"password\":\"" PASSWORD "\",\"email\":\"eve\"}",
         "email: "},
        {"create-user", "{\"tenant\":\"bus\",\"user\":\"eve\",\"password\":\"" PASSWORD "\"}",
         "tenant: "},
        {"create-user", "{\"user\":\"eve\",\"mail\":\"eve@example.com\"}", "mail: "},
        {"show-user", "{\"user\":7}", "user: must be text"},
        {"show-user", "{\"user\":\"nobody\"}", "user: there is none"},
        {"delete-user", "{\"user\":\"nobody\"}", "user: there is none"},
        {"set-profile", "{\"name\":\"a\\nb\"}", "name: "},
        {"set-profile", "{\"email\":\"a@b@c\"}", "email: "},
        {"set-profile", "{\"locale\":\"german\\u0000\"}", "locale: "},
        {"set-profile", "{\"timezone\":\"../UTC\"}", "timezone: "},
        {"set-preferences", "{\"channels\":{\"sms\":true}}", "channels: "},
        {"set-preferences", "{\"kinds\":{\"QUOTA\":{}}}", "kinds: "},
        {"subscription", "{\"tenant\":\"acme\"}", "tenant: "},
        {"suspend-tenant", "{}", "tenant: is required"},
        {"delete-tenant", "{\"tenant\":\"A\"}", "tenant: "},
        {"create-tenant", "{\"tenant\":\"bus\"}", "tenant: "},
        {"create-tenant", "{\"tenant\":\"gamma\",\"tier\":\"golden\"}", "tier: "},
        {"profile", "[]", "payload: "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        is(call(rows[i].method, root, rows[i].body), 400);
        says(rows[i].says);
    }
    is(call("frobnicate", root, "{}"), 404);
}

/* ---- what is told ---- */

static struct http listen_as(const char *token)
{
    struct http http = http_dial(port);
    char line[256];
    http_ask(&http, "GET /v1/subscribe?topic=user.changed", token, "", NULL);
    assert_true(http_line(&http, "data: {\"resumed\":false}", line, sizeof line));
    return http;
}

static void hears(struct http *http, const char *wanted)
{
    char line[1024];
    assert_true(http_line(http, "data: ", line, sizeof line));
    if (!strstr(line, wanted))
        fail_msg("no \"%s\" in: %s", wanted, line);
    assert_null(strstr(line, "example.com"));
    assert_null(strstr(line, PASSWORD));
}

/* Also of what somebody of another tenant has done. */
static void each_change_is_told_in_its_tenant(void **state)
{
    char *eve =
        place_token(place, "beta", "eve", "enterprise",
                    (const char *const[]){"subscribe:user.changed", "publish:user.changed", NULL});
    struct http acme = listen_as(boss), beta = listen_as(eve);
    (void)state;
    create("acme", "ann", ",\"email\":\"ann@example.com\"");
    is(call("set-profile", boss, "{\"user\":\"ann\",\"email\":\"a@example.com\"}"), 200);
    is(call("set-preferences", boss, "{\"user\":\"ann\",\"channels\":{\"email\":false}}"), 200);
    is(call("update-user", boss, "{\"user\":\"ann\",\"disabled\":true}"), 200);
    is(call("delete-user", boss, "{\"user\":\"ann\"}"), 200);
    create("beta", "bob", "");
    is(ask("POST /v1/publish/user.changed", boss, "\"no more\""), 202);
    is(ask("POST /v1/publish/user.changed", eve, "\"no more\""), 202);
    hears(&acme, "\"what\":\"created\",\"tenant\":\"acme\",\"user\":\"ann\",\"by_tenant\":"
                 "\"platform\",\"by_user\":\"root\"");
    hears(&acme, "\"what\":\"profile\",\"tenant\":\"acme\",\"user\":\"ann\",\"by_tenant\":"
                 "\"acme\",\"by_user\":\"boss\"");
    hears(&acme, "\"what\":\"preferences\"");
    hears(&acme, "\"what\":\"updated\"");
    hears(&acme, "\"what\":\"deleted\"");
    hears(&acme, "\"no more\"");
    hears(&beta, "\"what\":\"created\",\"tenant\":\"beta\",\"user\":\"bob\"");
    hears(&beta, "\"no more\"");
    http_hang_up(&acme);
    http_hang_up(&beta);
    free(eve);
}

/* Ends it, and reads all that it wrote. */
static void the_log_tells_of_changes_and_no_secrets(void **state)
{
    static const char *const secrets[] = {PASSWORD, "example.com", "O'Neill", NULL};
    char line[8192];
    bool created = false, profile = false, tenant = false;
    (void)state;
    is(call("create-tenant", root, "{\"tenant\":\"acme\",\"tier\":\"pro\"}"), 200);
    create("acme", "ann", ",\"email\":\"ann@example.com\",\"name\":\"O'Neill\"");
    is(call("set-profile", boss, "{\"user\":\"ann\",\"email\":\"a@example.com\"}"), 200);
    is(call("set-profile", boss, "{\"user\":\"ann\",\"email\":\"<x@example.com>\"}"), 400);
    assert_int_equal(kill(host->pid, SIGTERM), 0);
    while (process_line(host, "", line, sizeof line)) {
        bool of_user = strstr(line, "event=users.user") && strstr(line, "tenant=acme user=ann");
        created = created || (of_user && strstr(line, "what=created") &&
                              strstr(line, "by_tenant=platform by_user=root"));
        profile =
            profile || (of_user && strstr(line, "what=profile") && strstr(line, "by_user=boss"));
        tenant = tenant || strstr(line, "event=users.tenant");
        for (size_t i = 0; secrets[i]; i++)
            if (strstr(line, secrets[i]))
                fail_msg("a secret in: %s", line);
    }
    assert_true(created && profile && tenant);
    assert_int_equal(process_stop(host, 0), 0);
}

/* ---- tenants ---- */

static void a_subscription_is_as_its_tenant_is_now(void **state)
{
    char token[TOKEN_SIZE];
    (void)state;
    is(call("create-tenant", root,
            "{\"tenant\":\"acme\",\"tier\":\"pro\",\"expires_ms\":99999999999999,\"features\":"
            "[\"sso\"],\"billing_customer\":\"cus_7\"}"),
       200);
    create("acme", "ann", "");
    is(log_in("acme", "ann", token), 200);
    is(ask("GET /api/subscription", token, NULL), 200);
    says("\"tenant\":\"acme\",\"user\":\"ann\",\"tier\":\"pro\",\"status\":\"active\",\"ends_ms\":"
         "99999999999999,\"billing_customer\":\"cus_7\",\"features\":[\"sso\"],\"limits\":{");
    is(call("update-tenant", root, "{\"tenant\":\"acme\",\"tier\":\"enterprise\"}"), 200);
    is(ask("GET /api/subscription", token, NULL), 200);
    says("\"tier\":\"enterprise\"");
    is(call("suspend-tenant", root, "{\"tenant\":\"acme\"}"), 200);
    is(ask("GET /api/subscription", token, NULL), 403);
    says("\"code\":\"subscription_expired\"");
    is(call("resume-tenant", root, "{\"tenant\":\"acme\"}"), 200);
    is(ask("GET /api/subscription", token, NULL), 200);
    is(call("show-tenant", root, "{\"tenant\":\"acme\"}"), 200);
    says("\"status\":\"active\"");
}

static int refresh(const char *refresh_token)
{
    char body[256];
    snprintf(body, sizeof body, "{\"refresh_token\":\"%s\"}", refresh_token);
    return ask("POST /v1/auth/refresh", NULL, body);
}

static void log_in_to_refresh(const char *tenant, const char *user, char refresh_token[128])
{
    char token[TOKEN_SIZE];
    is(log_in(tenant, user, token), 200);
    const char *text = strstr(answer, "\"refresh_token\":\"");
    assert_non_null(text);
    text += strlen("\"refresh_token\":\"");
    snprintf(refresh_token, 128, "%.*s", (int)strcspn(text, "\""), text);
}

/* Of nobody's terms. */
static void says_no_terms(void)
{
    static const char *const words[] = {"current_tier", "subscription_status", "upgrade_url",
                                        "tenant_id",    "enterprise",          "free",
                                        "\"tier\"",     "\"limit\"",           "suspended"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        says_not(words[i]);
}

static void says_terms(const char *status, const char *tier)
{
    char terms[256];
    snprintf(terms, sizeof terms,
             "\"retryable\":false,\"subscription_status\":\"%s\",\"current_tier\":\"%s\","
             "\"upgrade_url\":\"" UPGRADE_URL "\"}",
             status, tier);
    says("\"code\":\"subscription_expired\"");
    says(terms);
}

/* As any other call is, and nobody hears of it who does not know the password. */
static void a_login_is_refused_with_the_terms_of_its_tenant(void **state)
{
    char token[TOKEN_SIZE], refresh_token[128];
    (void)state;
    is(call("create-tenant", root, "{\"tenant\":\"platform\",\"tier\":\"enterprise\"}"), 200);
    is(call("create-tenant", root, "{\"tenant\":\"acme\",\"tier\":\"pro\"}"), 200);
    create("acme", "ann", "");
    log_in_to_refresh("acme", "ann", refresh_token);
    is(call("suspend-tenant", root, "{\"tenant\":\"acme\"}"), 200);
    is(log_in("acme", "ann", token), 403);
    says("\"detail\":\"the subscription is suspended\"");
    says_terms("suspended", "pro");
    is(refresh(refresh_token), 403);
    says_terms("suspended", "pro");
    is(ask("POST /v1/auth/login", NULL,
           "{\"tenant\":\"acme\",\"user\":\"ann\",\"password\":\"wrong password\"}"),
       401);
    says_no_terms();
    is(refresh("AAAA"), 401);
    says_no_terms();
    is(call("resume-tenant", root, "{\"tenant\":\"acme\"}"), 200);
    is(call("update-tenant", root, "{\"tenant\":\"acme\",\"status\":\"expired\"}"), 200);
    is(log_in("acme", "ann", token), 403);
    says_terms("expired", "pro");
    is(call("update-tenant", root, "{\"tenant\":\"acme\",\"status\":\"active\"}"), 200);
    is(refresh(refresh_token), 200);
}

/* A method of bus.tenants, by somebody whom no suspension keeps from it. */
static void tenants(const char *method, const char *body)
{
    char request[64];
    snprintf(request, sizeof request, "POST /v1/call/bus.tenants/%s", method);
    is(ask(request, root, body), 200);
}

/* The broker refuses it before anybody knows who logs in. */
static void what_the_gateway_itself_is_refused_for_is_nobodys_business(void **state)
{
    static const char instead[] = "\"detail\":\"the gateway itself may not ask for that now\"";
    char token[TOKEN_SIZE];
    (void)state;
    tenants("create", "{\"tenant\":\"platform\",\"tier\":\"enterprise\"}");
    create("acme", "ann", "");
    tenants("suspend", "{\"tenant\":\"platform\"}");
    is(log_in("acme", "ann", token), 403);
    says("\"code\":\"subscription_expired\"");
    says(instead);
    says_no_terms();
    tenants("resume", "{\"tenant\":\"platform\"}");
    is(log_in("acme", "ann", token), 200);
    tenants("create",
            "{\"tenant\":\"platform\",\"user\":\"gateway\",\"per_minute\":1,\"burst\":1}");
    is(log_in("acme", "ann", token), 200);
    is(log_in("acme", "ann", token), 429);
    says(instead);
    says_no_terms();
}

/* Whoever asks for others says by the text alone, good or not, that it is not their own. */
static void nobody_ends_the_gateways_own_token(void **state)
{
    static const char empty[] = "{\"refresh_token\":\"\"}";
    char token[TOKEN_SIZE];
    (void)state;
    create("acme", "ann", "");
    is(ask("POST /v1/auth/logout", NULL, empty), 401);
    is(ask("POST /v1/auth/refresh", NULL, empty), 400);
    is(log_in("acme", "ann", token), 200);
    char *other = place_token(place, "platform", "other-gateway", "enterprise",
                              (const char *const[]){"call:auth.*", NULL});
    is(ask("POST /v1/call/auth/logout", other, empty), 401);
    is(ask("POST /v1/call/auth/refresh", other, empty), 401);
    is(ask("POST /v1/auth/logout", other, "{\"refresh_token\":5}"), 400);
    is(ask("GET /v1/me", other, NULL), 200);
    is(ask("POST /v1/call/bus.tokens/logout", other, NULL), 200);
    is(ask("GET /v1/me", other, NULL), 401);
    free(other);
}

/* Of its own terms for a login, of those of who asks for a refresh. */
static void refuse_in_detail(void *arg, fbx_request *request)
{
    static const char *const details[] = {"tenant_id", "acme",         "required_tier",
                                          "pro",       "current_tier", "free",
                                          "secret",    "canary",       NULL};
    bool is_own = strcmp(fbx_request_method(request), "login") == 0;
    (void)arg;
    fbx_refuse(request, &(fbx_refusal){.status = FBX_SUBSCRIPTION_INSUFFICIENT,
                                       .message = "canary of a message",
                                       .details = is_own ? details + 2 : details});
}

static void a_login_service_tells_whose_terms_it_tells(void **state)
{
    const fbx_service service = {.name = "auth", .handler = refuse_in_detail};
    char token[TOKEN_SIZE];
    (void)state;
    assert_int_equal(process_stop(host, SIGTERM), 0);
    fbx_bus *other =
        place_connect(place, "platform", "other", (const char *const[]){"serve:auth", NULL});
    assert_int_equal(fbx_serve(other, &service), 0);
    is(log_in("acme", "ann", token), 403);
    says_no_terms();
    says_not("pro\"");
    says_not("canary");
    is(refresh("AAAA"), 403);
    says("\"detail\":\"canary of a message\"");
    says("\"current_tier\":\"free\",\"required_tier\":\"pro\",\"error\":\"subscription_"
         "insufficient\","
         "\"message\":\"This feature requires pro subscription\"}");
    fbx_close(other);
}

static void a_tenant_with_users_stays(void **state)
{
    char *ann = place_token(place, "acme", "zoe", "enterprise",
                            (const char *const[]){"call:user-service.*", NULL});
    (void)state;
    is(call("create-tenant", root, "{\"tenant\":\"acme\",\"tier\":\"pro\"}"), 200);
    create("acme", "ann", "");
    is(call("set-profile", ann, "{\"name\":\"Zoe\"}"), 200); /* whose account is elsewhere */
    is(call("delete-tenant", root, "{\"tenant\":\"acme\"}"), 409);
    says("tenant: it has users");
    is(call("delete-user", root, "{\"tenant\":\"acme\",\"user\":\"ann\"}"), 200);
    is(call("delete-tenant", root, "{\"tenant\":\"acme\"}"), 200);
    is(call("show-tenant", root, "{\"tenant\":\"acme\"}"), 400);
    says("invalid_argument");
    is(call("show-user", root, "{\"tenant\":\"acme\",\"user\":\"nobody\"}"), 400);
    says("invalid_argument");
    is(call("profile", ann, NULL), 200);
    says("\"changed_ms\":0,\"name\":\"\"");
    is(call("set-profile", ann, "{\"name\":\"Zoe\"}"), 200);
    is(call("delete-user", root, "{\"tenant\":\"acme\",\"user\":\"zoe\"}"), 200);
    is(call("profile", ann, NULL), 200);
    says("\"changed_ms\":0,\"name\":\"\"");
    free(ann);
}

/* As a death leaves it between the two. */
static void profiles_of_a_tenant_that_is_gone_can_be_deleted(void **state)
{
    static const char *const half[][3] = {{"call:user-service.*", "admin:users", NULL},
                                          {"call:user-service.*", "admin:tenants", NULL}};
    char *zoe = place_token(place, "acme", "zoe", "enterprise",
                            (const char *const[]){"call:user-service.*", NULL});
    (void)state;
    is(call("create-tenant", root, "{\"tenant\":\"acme\",\"tier\":\"pro\"}"), 200);
    is(call("set-profile", zoe, "{\"name\":\"Zoe\"}"), 200);
    is(ask("POST /v1/call/bus.tenants/delete", root, "{\"tenant\":\"acme\"}"), 200);
    for (size_t i = 0; i < 2; i++) {
        char *token = place_token(place, "platform", "half", "enterprise", half[i]);
        is(call("delete-tenant", token, "{\"tenant\":\"acme\"}"), 403);
        free(token);
    }
    is(call("profile", zoe, NULL), 200);
    says("\"name\":\"Zoe\"");
    is(call("delete-tenant", root, "{\"tenant\":\"acme\"}"), 200);
    is(call("profile", zoe, NULL), 200);
    says("\"changed_ms\":0,\"name\":\"\"");
    is(call("delete-tenant", root, "{\"tenant\":\"acme\"}"), 400);
    says("there is no record of tenant acme");
    free(zoe);
}

/* ---- the worst ---- */

static bool serves_again(void *arg)
{
    return call("profile", arg, NULL) == 200;
}

static void what_was_answered_outlives_a_kill(void **state)
{
    char token[TOKEN_SIZE], body[64];
    (void)state;
    create("acme", "ann", "");
    is(log_in("acme", "ann", token), 200);
    for (int round = 0; round < 5; round++) {
        snprintf(body, sizeof body, "{\"name\":\"Ann %d\"}", round);
        is(call("set-profile", token, body), 200);
        (void)process_stop(host, SIGKILL);
        start_host();
        assert_true(eventually(serves_again, token));
        snprintf(body, sizeof body, "\"name\":\"Ann %d\"", round);
        says(body);
    }
}

/* auth, for a moment: nobody is there, and the user service dies as soon as somebody is. */
static void create_and_kill(void *arg, fbx_request *request)
{
    static const char *const details[] = {"reason", "no_such_user", NULL};
    (void)arg;
    if (strcmp(fbx_request_method(request), "create") == 0)
        (void)kill(host->pid, SIGKILL);
    fbx_refuse(request, &(fbx_refusal){.status = FBX_INVALID_ARGUMENT, .details = details});
}

static void a_death_while_a_user_is_created_leaves_them_nothing_of_an_old_one(void **state)
{
    char *zoe = place_token(place, "acme", "zoe", "enterprise",
                            (const char *const[]){"call:user-service.*", NULL});
    const fbx_service service = {.name = "auth", .handler = create_and_kill};
    fbx_bus *auth =
        place_connect(place, "platform", "auth", (const char *const[]){"serve:auth", NULL});
    (void)state;
    is(call("set-profile", zoe, "{\"name\":\"Zoe\"}"), 200);
    assert_int_equal(process_stop(host, SIGTERM), 0);
    start_host_with(false);
    assert_int_equal(fbx_serve(auth, &service), 0);
    assert_int_not_equal(call("create-user", root,
                              "{\"tenant\":\"acme\",\"user\":\"zoe\",\"password\":\"" PASSWORD
                              "\"}"),
                         200);
    (void)process_stop(host, 0);
    fbx_close(auth);
    start_host();
    assert_true(eventually(serves_again, zoe));
    says("\"changed_ms\":0,\"name\":\"\"");
    free(zoe);
}

/* ---- health ---- */

static bool is_shown_as(void *arg)
{
    return ask("POST /v1/call/bus.registry/show", root, "{\"name\":\"user-service\"}") == 200 &&
           strstr(answer, arg) != NULL;
}

static void becomes(const char *text)
{
    if (!eventually(is_shown_as, (void *)(uintptr_t)text))
        fail_msg("never says %s: %s", text, answer);
}

/* By the broker, which asks the endpoint. */
static void its_health_is_asked_by_http(void **state)
{
    (void)state;
    assert_int_equal(http_once(health_port, "GET /health", NULL, NULL, answer, sizeof answer), 200);
    says("Content-Type: application/health+json\r\n");
    says("\r\n\r\n{\"status\":\"pass\"}");
    becomes("\"check\":\"http\"");
    becomes("\"state\":\"ready\"");
    process_freeze(host->pid);
    becomes("\"state\":\"down\"");
    kill(host->pid, SIGCONT);
    becomes("\"state\":\"ready\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_place, close_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_user_lives_from_creation_to_deletion),
        TEST(a_new_user_has_nothing_of_an_old_one),
        TEST(a_list_comes_in_pages),
        TEST(preferences_are_a_users_own),
        TEST(admins_stay_in_their_tenant),
        TEST(users_are_their_own),
        TEST(a_profile_outlives_a_refusal_to_delete_its_account),
        TEST(what_is_wrong_is_named),
        TEST(each_change_is_told_in_its_tenant),
        TEST(the_log_tells_of_changes_and_no_secrets),
        TEST(a_subscription_is_as_its_tenant_is_now),
        TEST(a_login_is_refused_with_the_terms_of_its_tenant),
        TEST(what_the_gateway_itself_is_refused_for_is_nobodys_business),
        TEST(nobody_ends_the_gateways_own_token),
        TEST(a_login_service_tells_whose_terms_it_tells),
        TEST(a_tenant_with_users_stays),
        TEST(profiles_of_a_tenant_that_is_gone_can_be_deleted),
        TEST(what_was_answered_outlives_a_kill),
        TEST(a_death_while_a_user_is_created_leaves_them_nothing_of_an_old_one),
        TEST(its_health_is_asked_by_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
