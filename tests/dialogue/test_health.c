/* Services that are asked how they are, by a call and by HTTP, and what others see of it. */
#include "inspect.h"

#include "certificate.h"
#include "clinic.h"

#include <stdlib.h>

#define AS_OPERATOR " --token-file \"$OPERATOR\""
#define INTERVAL_MS 50u
#define TIMEOUT_MS 400u

static const char *const server[] = {"serve:*", NULL};

static void answer(void *arg, fbx_request *request)
{
    (void)arg;
    fbx_respond(request, fbx_request_payload(request), NULL);
}

static fbx_health as_told(void *arg)
{
    return (fbx_health)atomic_load((atomic_int *)arg);
}

static void restart_broker(const char *const *flags)
{
    assert_int_equal(place_stop_broker(place, SIGTERM), 0);
    place_start_broker(place, flags);
}

/* ---- what the inspector shows ---- */

static bool shows(void *arg)
{
    ends(0, "farebox services show orders" AS_OPERATOR);
    return strstr(output, arg) != NULL;
}

static void becomes(const char *words)
{
    if (!eventually(shows, (void *)(uintptr_t)words))
        fail_msg("never says '%s':\n%s", words, output);
}

static int orders(fbx_bus *bus)
{
    return call_text(bus, "orders", "get", "", NULL, 0);
}

/* ---- called ---- */

static void test_a_service_says_how_it_is(void **state)
{
    atomic_int health = FBX_HEALTHY;
    const fbx_service service = {.name = "orders",
                                 .handler = answer,
                                 .on_io_thread = true,
                                 .arg = &health,
                                 .on_health = as_told,
                                 .health_interval_ms = INTERVAL_MS};
    (void)state;
    restart_broker(
        (const char *const[]){"--health-least-ms", "20", "--skip-filter", "rate_limit", NULL});
    fbx_bus *shop = place_connect(place, "platform", "shop", server);
    fbx_bus *ann = place_connect(place, "acme", "ann", (const char *const[]){"call:*", NULL});
    assert_int_equal(fbx_serve(shop, &service), 0);
    struct process *table =
        START(NULL, "farebox", "services", "--watch", "100ms", "--token-file", getenv("OPERATOR"));
    struct process *json = START(NULL, "farebox", "-o", "json", "services", "--watch", "100ms",
                                 "--token-file", getenv("OPERATOR"));
    assert_int_equal(orders(ann), FBX_OK); /* it has waited for the first check */
    becomes("state         ready\n");
    atomic_store(&health, FBX_DEGRADED);
    assert_true(line_with(table, "degraded"));
    assert_true(line_with(json, "\"state\":\"degraded\""));
    assert_int_equal(orders(ann), FBX_OK);
    atomic_store(&health, FBX_UNHEALTHY);
    assert_true(line_with(table, "down"));
    assert_true(line_with(json, "\"state\":\"down\""));
    becomes("it says that it fails");
    becomes("state         down\n");
    assert_int_equal(orders(ann), FBX_UNAVAILABLE);
    atomic_store(&health, FBX_HEALTHY);
    becomes("state         ready\n");
    assert_int_equal(orders(ann), FBX_OK);
    process_stop(table, SIGINT);
    process_stop(json, SIGINT);
    fbx_close(ann);
    fbx_close(shop);
}

/* A process that is stopped keeps its connection, and answers nothing. */
static void test_a_stopped_process_is_down_until_it_goes_on(void **state)
{
    char module[256];
    (void)state;
    restart_broker(
        (const char *const[]){"--health-least-ms", "20", "--skip-filter", "rate_limit", NULL});
    char *token = place_token_file(place, "platform", "host", server);
    build_path(module, sizeof module, "lib/farebox/echo.so");
    struct process *host = START("farebox-host ready", "farebox-host", "--url", place->url,
                                 "--token-file", token, "--health-interval-ms", "200", module);
    ends(0, "farebox services show echo" AS_OPERATOR);
    says("call");
    struct process *watch = START(NULL, "farebox", "services", "show", "echo", "--watch", "100ms",
                                  "--token-file", getenv("OPERATOR"));
    assert_true(line_with(watch, "ready"));
    process_freeze(host->pid);
    assert_true(line_with(watch, "no answer in time"));
    assert_true(line_with(watch, "down"));
    kill(host->pid, SIGCONT);
    assert_true(line_with(watch, "ready"));
    process_stop(watch, SIGINT);
    assert_int_equal(process_stop(host, SIGTERM), 0);
    free(token);
}

/* ---- by HTTP ---- */

static int serve_endpoint(fbx_bus *bus, const char *host, int port)
{
    char url[96];
    snprintf(url, sizeof url, "http://%s:%d/health", host, port);
    const fbx_service service = {.name = "orders",
                                 .handler = answer,
                                 .on_io_thread = true,
                                 .health_endpoint = url,
                                 .health_interval_ms = INTERVAL_MS,
                                 .health_timeout_ms = TIMEOUT_MS};
    return fbx_serve(bus, &service);
}

static void write_config(const char *path, const char *format, int port)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fprintf(file, "skip-filter: [rate_limit]\nhealth-least-ms: %u\nhealth-allow:\n  - ",
                        INTERVAL_MS) > 0);
    assert_true(fprintf(file, format, port) > 0);
    assert_int_equal(fclose(file), 0);
}

static void start_allowing(char *path, size_t size, const char *format, int port)
{
    snprintf(path, size, "%s/health.yaml", place->dir);
    write_config(path, format, port);
    restart_broker((const char *const[]){"--config", path, NULL});
}

static void test_an_endpoint_is_asked(void **state)
{
    static const struct step {
        enum clinic_answer answer;
        const char *health, *reason;
    } steps[] = {
        {CLINIC_PASS, "state         ready\n", ""},
        {CLINIC_FAIL, "state         down\n", "its status is no success"},
        {CLINIC_PASS, "state         ready\n", ""},
        {CLINIC_WARN, "state         degraded\n", "it warns"},
        {CLINIC_REDIRECT, "state         down\n", "it redirects"},
        {CLINIC_PASS, "state         ready\n", ""},
        {CLINIC_ENDLESS, "state         degraded\n", "its answer is too long to be read"},
        {CLINIC_PASS, "state         ready\n", ""},
        {CLINIC_OBJECT, "state         degraded\n", "its answer is too long to be read"},
        {CLINIC_PAGE, "state         ready\n", ""},
        {CLINIC_SILENT, "state         down\n", "no answer in time"},
        {CLINIC_PASS, "state         ready\n", ""},
    };
    char path[PLACE_PATH];
    struct clinic clinic, elsewhere;
    (void)state;
    clinic_open(&elsewhere, CLINIC_PASS);
    clinic_open(&clinic, CLINIC_PASS);
    clinic.elsewhere = elsewhere.port;
    start_allowing(path, sizeof path, "127.0.0.0/8\n", 0);
    fbx_bus *shop = place_connect(place, "platform", "shop", server);
    assert_int_equal(serve_endpoint(shop, "127.0.0.1", clinic.port), 0);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        atomic_store(&clinic.answer, steps[i].answer);
        becomes(steps[i].reason);
        becomes(steps[i].health);
    }
    assert_int_equal(atomic_load(&elsewhere.visits), 0);
    fbx_close(shop);
    clinic_close(&clinic);
    clinic_close(&elsewhere);
}

/* Whatever the URL calls it: what is not in the list is never connected to. */
static void test_what_is_not_allowed_is_not_touched(void **state)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "0x7f000001",
                                        "[::ffff:127.0.0.1]", "127.1"};
    char path[PLACE_PATH];
    struct clinic clinic;
    (void)state;
    clinic_open(&clinic, CLINIC_PASS);
    start_allowing(path, sizeof path, "10.0.0.0/8\n", 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        fbx_bus *shop = place_connect(place, "platform", "shop", server);
        assert_int_equal(serve_endpoint(shop, names[i], clinic.port), 0);
        becomes("its address is not in health-allow");
        becomes("state         down\n");
        fbx_close(shop);
    }
    assert_int_equal(atomic_load(&clinic.visits), 0);

    fbx_bus *shop = place_connect(place, "platform", "shop", server);
    assert_int_equal(serve_endpoint(shop, "127.0.0.1", clinic.port), 0);
    becomes("its address is not in health-allow");
    write_config(path, "127.0.0.1:%d\n", clinic.port);
    kill(place->broker.pid, SIGHUP);
    becomes("state         ready\n");
    write_config(path, "127.0.0.1:%d\n", clinic.port == 1 ? 2 : clinic.port - 1);
    kill(place->broker.pid, SIGHUP);
    becomes("state         down\n");
    fbx_close(shop);
    clinic_close(&clinic);
}

static void test_without_a_list_nothing_is_asked(void **state)
{
    struct clinic clinic;
    (void)state;
    clinic_open(&clinic, CLINIC_PASS);
    restart_broker(NULL);
    fbx_bus *shop = place_connect(place, "platform", "shop", server);
    assert_int_equal(serve_endpoint(shop, "127.0.0.1", clinic.port), FBX_EREFUSED);
    assert_non_null(strstr(fbx_last_error(), "health-allow"));
    fbx_close(shop);
    assert_int_equal(atomic_load(&clinic.visits), 0);
    clinic_close(&clinic);
}

/* ---- by HTTPS ---- */

/* One with that certificate, which tells its port. */
static int start_secure_clinic(const char *certificate)
{
    char cert[PLACE_PATH], key[PLACE_PATH], line[128];
    snprintf(cert, sizeof cert, "%s/%s.pem", place->dir, certificate);
    snprintf(key, sizeof key, "%s/%s.key", place->dir, certificate);
    struct process *clinic = START(NULL, "/usr/bin/openssl", "s_server", "-www", "-accept",
                                   "127.0.0.1:0", "-cert", cert, "-key", key);
    assert_true(process_line(clinic, "ACCEPT", line, sizeof line));
    return (int)strtol(strrchr(line, ':') + 1, NULL, 10);
}

/* A timeout is at most the interval: the system's certificates take a while to read. */
static void serve_secure_endpoint(fbx_bus *bus, int port)
{
    char url[96];
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", port);
    const fbx_service service = {.name = "orders",
                                 .handler = answer,
                                 .on_io_thread = true,
                                 .health_endpoint = url,
                                 .health_interval_ms = TIMEOUT_MS,
                                 .health_rise = 1,
                                 .health_fall = 1};
    assert_int_equal(fbx_serve(bus, &service), 0);
}

static void trust(const char *path, const char *certificate)
{
    char allowed[2 * PLACE_PATH];
    snprintf(allowed, sizeof allowed, "127.0.0.1\nhealth-ca-file: %s/%s.pem\n", place->dir,
             certificate);
    write_config(path, allowed, 0);
    kill(place->broker.pid, SIGHUP);
}

static void test_an_endpoint_shows_a_certificate(void **state)
{
    char path[PLACE_PATH];
    (void)state;
    certificate_make(place, "ours", "127.0.0.1");
    certificate_make(place, "other", "127.0.0.1");
    certificate_make(place, "elsewhere", "example.org");
    start_allowing(path, sizeof path, "127.0.0.1\n", 0);
    fbx_bus *shop = place_connect(place, "platform", "shop", server);
    serve_secure_endpoint(shop, start_secure_clinic("ours"));
    becomes("its certificate is not trusted"); /* by the system */
    becomes("state         down\n");
    trust(path, "ours");
    becomes("state         ready\n");
    trust(path, "other");
    becomes("its certificate is not trusted");
    becomes("state         down\n");
    ends(0, "cat \"$DIR\"/elsewhere.pem \"$DIR\"/ours.pem >\"$DIR\"/both.pem");
    trust(path, "both");
    becomes("state         ready\n");
    ends(0, "echo none >\"$DIR\"/both.pem");
    becomes("health-ca-file cannot be read");
    becomes("state         down\n");
    ends(0, "cat \"$DIR\"/elsewhere.pem \"$DIR\"/ours.pem >\"$DIR\"/both.pem");
    becomes("state         ready\n");
    fbx_close(shop);

    shop = place_connect(place, "platform", "shop", server);
    serve_secure_endpoint(shop, start_secure_clinic("elsewhere"));
    becomes("its certificate is not trusted"); /* it is another's */
    becomes("state         down\n");
    fbx_close(shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_service_says_how_it_is),
        cmocka_unit_test(test_a_stopped_process_is_down_until_it_goes_on),
        cmocka_unit_test(test_an_endpoint_is_asked),
        cmocka_unit_test(test_what_is_not_allowed_is_not_touched),
        cmocka_unit_test(test_without_a_list_nothing_is_asked),
        cmocka_unit_test(test_an_endpoint_shows_a_certificate),
    };
    return cmocka_run_group_tests(tests, inspect_set_up, inspect_tear_down);
}
