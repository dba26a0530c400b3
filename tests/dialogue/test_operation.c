/* What an operator does: encrypt, check, reload, rotate the secret. */
#include "certificate.h"
#include "harness.h"

#include "../testing.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *const all[] = {"call:*", "publish:*", "subscribe:*", "serve:*", "admin:*", NULL};

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int connect_tls(struct place *place, const char *url, const char *ca_file,
                       const char *server_name, fbx_bus **bus)
{
    char *token = place_token(place, "acme", "ann", "pro", all);
    fbx_options options = {.url = url,
                           .token = token,
                           .tls_ca_file = ca_file,
                           .tls_server_name = server_name,
                           .connect_timeout_ms = 3000};
    int rc = fbx_connect(bus, &options);
    free(token);
    return rc;
}

static void tls_encrypts_and_is_verified(void **state)
{
    (void)state;
    char url[64], cert[PLACE_PATH], key[PLACE_PATH], foreign[PLACE_PATH];
    struct place *place = place_create(), *other = place_create();
    certificate_make(place, "cert", "127.0.0.1");
    certificate_make(other, "cert", "127.0.0.1");
    snprintf(url, sizeof url, "tls+tcp://127.0.0.1:%d", free_port());
    snprintf(cert, sizeof cert, "%s/cert.pem", place->dir);
    snprintf(key, sizeof key, "%s/cert.key", place->dir);
    snprintf(foreign, sizeof foreign, "%s/cert.pem", other->dir);
    const char *flags[] = {"--listen", url, "--tls-cert-file", cert, "--tls-key-file", key, NULL};
    place_start_broker(place, flags);

    fbx_bus *bus = NULL;
    assert_int_equal(connect_tls(place, url, cert, NULL, &bus), 0);
    assert_int_equal(fbx_ping(bus, 5000), 0);
    fbx_close(bus);
    bus = NULL;
    assert_int_not_equal(connect_tls(place, url, foreign, NULL, &bus), 0);
    assert_null(bus);
    place_destroy(other);
    place_destroy(place);
}

/* Somebody else's certificate is not the broker's, whoever signed it. */
static void tls_looks_at_the_name(void **state)
{
    (void)state;
    char url[64], cert[PLACE_PATH], key[PLACE_PATH];
    struct place *place = place_create();
    certificate_make(place, "cert", "bus.example");
    snprintf(url, sizeof url, "tls+tcp://127.0.0.1:%d", free_port());
    snprintf(cert, sizeof cert, "%s/cert.pem", place->dir);
    snprintf(key, sizeof key, "%s/cert.key", place->dir);
    const char *flags[] = {"--listen", url, "--tls-cert-file", cert, "--tls-key-file", key, NULL};
    place_start_broker(place, flags);

    fbx_bus *bus = NULL;
    assert_int_not_equal(connect_tls(place, url, cert, NULL, &bus), 0);
    assert_null(bus);
    assert_int_equal(connect_tls(place, url, cert, "bus.example", &bus), 0);
    assert_int_equal(fbx_ping(bus, 5000), 0);
    fbx_close(bus);
    place_destroy(place);
}

/* ---- configuration ---- */

static int check_config(struct place *place, const char *text, char *out, size_t size)
{
    char path[PLACE_PATH];
    snprintf(path, sizeof path, "%s/broker.yaml", place->dir);
    write_text(path, text);
    const char *argv[] = {"fareboxd", "--check-config", "--config", path, NULL};
    return place_run(place, out, size, argv);
}

static void a_configuration_is_checked_before_it_is_used(void **state)
{
    (void)state;
    static const char good[] = "listen: [\"%s\"]\ndata: %s\njwt-secret-file: %s\n";
    static const char bad[] = "listen: [\"%s\"]\ndata: %s\njwt-secret-file: %s\ngrace-ms: many\n";
    char text[1024], out[2048];
    struct place *place = place_create();
    place_start_broker(place, NULL);
    snprintf(text, sizeof text, good, place->url, place->data, place->secret);
    assert_int_equal(check_config(place, text, out, sizeof out), 0);
    snprintf(text, sizeof text, bad, place->url, place->data, place->secret);
    assert_int_equal(check_config(place, text, out, sizeof out), 78);
    assert_non_null(strstr(out, "broker.yaml"));
    place_destroy(place);
}

static void a_short_secret_is_refused(void **state)
{
    (void)state;
    char out[1024];
    struct place *place = place_create();
    write_text(place->secret, "only thirty-one bytes, not more");
    const char *argv[] = {"fareboxd",  "--listen",          place->url,    "--data",
                          place->data, "--jwt-secret-file", place->secret, NULL};
    assert_int_equal(place_run(place, out, sizeof out, argv), 78);
    assert_non_null(strstr(out, "32"));
    place_destroy(place);
}

/* ---- reload ---- */

static bool old_token_refused(void *arg)
{
    struct place *place = ((void **)arg)[0];
    fbx_options options = {.url = place->url, .token = ((void **)arg)[1]};
    fbx_bus *bus = NULL;
    int rc = fbx_connect(&bus, &options);
    fbx_close(bus);
    return rc == FBX_EREFUSED;
}

/* The next line of the log about such an event. */
static void await_event(struct place *place, const char *event, char *line, size_t size)
{
    do
        assert_true(process_line(&place->broker, "ts=", line, size));
    while (!strstr(line, event));
}

/* Sends SIGHUP and waits for the line that says how it went. */
static void reload(struct place *place, char *line, size_t size)
{
    kill(place->broker.pid, SIGHUP);
    await_event(place, "event=reload.", line, size);
}

static void a_rotated_secret_is_in_force_after_sighup(void **state)
{
    (void)state;
    char line[1024];
    struct place *place = place_create();
    place_start_broker(place, NULL);
    char *old = place_token(place, "acme", "ann", "pro", all);
    void *old_one[] = {place, old};
    assert_false(old_token_refused(old_one));
    fbx_bus *bus = place_connect(place, "acme", "ann", all);
    reload(place, line, sizeof line);
    assert_non_null(strstr(line, "event=reload.done"));
    assert_non_null(strstr(line, "secret=same"));
    write_text(place->secret, "another secret of more than thirty-two bytes\n");
    reload(place, line, sizeof line);
    assert_non_null(strstr(line, "secret=rotated"));
    assert_true(old_token_refused(old_one));
    assert_int_equal(fbx_ping(bus, 5000), 0); /* what is open goes on */
    fbx_close(bus);
    free(old);
    place_destroy(place);
}

static bool too_large_now(void *arg)
{
    char payload[4096] = "";
    fbx_reply *reply = NULL;
    assert_int_equal(
        fbx_call(arg, "nobody", "x", (fbx_bytes){payload, sizeof payload}, NULL, &reply), 0);
    bool yes = fbx_reply_status(reply) == FBX_TOO_LARGE;
    fbx_reply_free(reply);
    return yes;
}

static void a_bad_file_changes_nothing_a_good_one_does(void **state)
{
    (void)state;
    char path[PLACE_PATH], text[1024];
    struct place *place = place_create();
    snprintf(path, sizeof path, "%s/broker.yaml", place->dir);
    write_text(path, "max-payload-bytes: 65536\n");
    const char *flags[] = {"--config", path, NULL};
    place_start_broker(place, flags);
    fbx_bus *bus = place_connect(place, "acme", "ann", all);
    assert_false(too_large_now(bus));
    write_text(path, "max-payload-bytes: 1024\nno-such-setting: 1\n");
    reload(place, text, sizeof text);
    assert_non_null(strstr(text, "event=reload.refused"));
    assert_false(too_large_now(bus));
    write_text(path, "max-payload-bytes: 1024\n");
    reload(place, text, sizeof text);
    assert_non_null(strstr(text, "changed=max-payload-bytes"));
    assert_true(too_large_now(bus));
    write_text(path, "");
    write_text(place->secret, "too short");
    reload(place, text, sizeof text);
    assert_non_null(strstr(text, "event=reload.refused"));
    assert_true(too_large_now(bus));
    fbx_close(bus);
    place_destroy(place);
}

/* A quota that is gone with its tier is not gone in silence. */
static void records_of_a_tier_that_is_gone_are_told_of(void **state)
{
    (void)state;
    char path[PLACE_PATH], line[1024], out[1024];
    struct place *place = place_create();
    snprintf(path, sizeof path, "%s/broker.yaml", place->dir);
    write_text(path, "tier: [free, pro monthly=100, gold]\n");
    place_start_broker(place, (const char *const[]){"--config", path, NULL});
    char *token = place_token_file(place, "infra", "ops", (const char *const[]){"admin:*", NULL});
    const char *const tenants[] = {"acme", "bolt"};
    for (size_t i = 0; i < sizeof tenants / sizeof *tenants; i++) {
        const char *argv[] = {"farebox", "tenants",  "create",       tenants[i], "--tier", "pro",
                              "--url",   place->url, "--token-file", token,      NULL};
        assert_int_equal(place_run(place, out, sizeof out, argv), 0);
    }
    write_text(path, "tier: [free monthly=5, gold]\n");
    kill(place->broker.pid, SIGHUP);
    await_event(place, "event=", line, sizeof line);
    while (strstr(line, "event=audit."))
        await_event(place, "event=", line, sizeof line);
    assert_non_null(strstr(line, "level=warn event=tiers.not_configured"));
    assert_non_null(strstr(line, "tier=pro records=2 taken_for=free"));
    await_event(place, "event=", line, sizeof line); /* and of no other tier */
    assert_non_null(strstr(line, "event=reload.done"));
    free(token);
    place_destroy(place);
}

static void assert_told(int fd, const char *start)
{
    char said[128];
    ssize_t len = recv(fd, said, sizeof said - 1, 0);
    assert_true(len > 0);
    said[len] = '\0';
    if (strncmp(said, start, strlen(start)) != 0)
        fail_msg("\"%s\" where \"%s\" was due", said, start);
}

/* Whoever waits for the end of a reload waits for READY=1. */
static void the_service_manager_hears_of_reloads(void **state)
{
    (void)state;
    char line[1024];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = PLACE_PATIENCE_MS / 1000};
    struct place *place = place_create();
    snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", place->dir);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    place_start_broker(place, NULL);
    unsetenv("NOTIFY_SOCKET");
    assert_told(fd, "READY=1");
    reload(place, line, sizeof line);
    assert_told(fd, "RELOADING=1\nMONOTONIC_USEC=");
    assert_told(fd, "READY=1");
    write_text(place->secret, "too short");
    reload(place, line, sizeof line);
    assert_told(fd, "RELOADING=1\nMONOTONIC_USEC=");
    assert_told(fd, "READY=1");
    assert_int_equal(place_stop_broker(place, SIGTERM), 0);
    assert_told(fd, "STOPPING=1");
    close(fd);
    place_destroy(place);
}

/* ---- how it refuses to start ---- */

static void each_refusal_has_its_exit_code(void **state)
{
    (void)state;
    char out[1024], missing[PLACE_PATH], below[PLACE_PATH];
    struct place *place = place_create();
    snprintf(missing, sizeof missing, "%s/missing", place->dir);
    snprintf(below, sizeof below, "%s/secret/data", place->dir);
    const char *no_secret[] = {"fareboxd",  "--listen",          place->url, "--data",
                               place->data, "--jwt-secret-file", missing,    NULL};
    assert_int_equal(place_run(place, out, sizeof out, no_secret), 66);
    const char *no_file[] = {"fareboxd", "--config", missing, NULL};
    assert_int_equal(place_run(place, out, sizeof out, no_file), 66);
    const char *no_address[] = {"fareboxd",  "--listen",          "ipc:///nowhere/bus", "--data",
                                place->data, "--jwt-secret-file", place->secret,        NULL};
    assert_int_equal(place_run(place, out, sizeof out, no_address), 69);
    const char *no_folder[] = {"fareboxd", "--listen",          place->url,    "--data",
                               below,      "--jwt-secret-file", place->secret, NULL};
    assert_int_equal(place_run(place, out, sizeof out, no_folder), 73);
    const char *no_option[] = {"fareboxd", "--nonsense", NULL};
    assert_int_equal(place_run(place, out, sizeof out, no_option), 64);
    place_destroy(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_encrypts_and_is_verified),
        cmocka_unit_test(tls_looks_at_the_name),
        cmocka_unit_test(a_configuration_is_checked_before_it_is_used),
        cmocka_unit_test(a_short_secret_is_refused),
        cmocka_unit_test(a_rotated_secret_is_in_force_after_sighup),
        cmocka_unit_test(a_bad_file_changes_nothing_a_good_one_does),
        cmocka_unit_test(records_of_a_tier_that_is_gone_are_told_of),
        cmocka_unit_test(the_service_manager_hears_of_reloads),
        cmocka_unit_test(each_refusal_has_its_exit_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
