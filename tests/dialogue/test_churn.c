/* Connections that come and go in every unfriendly way. The broker keeps
 * listening, and its descriptors return to where they were. Without libs/shim a
 * single connect-and-close deafens an ipc listener, and pipes that close under load
 * are never given back. */
#include "harness.h"

#include "../testing.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *const all[] = {"call:*", "publish:*", "subscribe:*", "serve:*", "admin:*", NULL};

#define CONNECTIONS 200
#define CLIENTS 20

/* ---- raw connections ---- */

static int dial_ipc(const struct place *place)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/bus", place->dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static int dial_tcp(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* A close that the other side sees as a reset. */
static void reset(int fd)
{
    struct linger now = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

/* ---- the broker's descriptors ---- */

static size_t descriptors_of(pid_t pid)
{
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

struct baseline {
    pid_t pid;
    size_t descriptors;
};

static bool back_at(void *arg)
{
    const struct baseline *baseline = arg;
    return descriptors_of(baseline->pid) <= baseline->descriptors;
}

static void must_return_to(struct baseline *baseline)
{
    if (!eventually(back_at, baseline))
        fail_msg("%zu descriptors, %zu before", descriptors_of(baseline->pid),
                 baseline->descriptors);
}

static void must_still_answer(struct place *place)
{
    fbx_bus *bus = place_connect(place, "acme", "ann", all);
    assert_int_equal(fbx_ping(bus, 5000), 0);
    fbx_close(bus);
}

/* ---- the tests ---- */

static void connect_and_close_on_ipc(void **state)
{
    (void)state;
    struct place *place = place_create();
    place_start_broker(place, NULL);
    must_still_answer(place);
    struct baseline baseline = {place->broker.pid, descriptors_of(place->broker.pid)};
    for (int i = 0; i < CONNECTIONS; i++)
        close(dial_ipc(place));
    must_still_answer(place);
    must_return_to(&baseline);
    place_destroy(place);
}

static void connect_and_reset_on_tcp(void **state)
{
    (void)state;
    char url[64];
    int port = free_port();
    struct place *place = place_create();
    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", port);
    const char *flags[] = {"--listen", url, NULL};
    place_start_broker(place, flags);
    must_still_answer(place);
    struct baseline baseline = {place->broker.pid, descriptors_of(place->broker.pid)};
    for (int i = 0; i < CONNECTIONS; i++) {
        int fd = dial_tcp(port);
        shutdown(fd, SHUT_WR);
        reset(fd);
    }
    close(dial_tcp(port));
    must_return_to(&baseline);
    snprintf(place->url, sizeof place->url, "%s", url);
    must_still_answer(place);
    place_destroy(place);
}

/* Each is killed in the middle of its load. */
static void clients_killed_under_load(void **state)
{
    (void)state;
    char module[PATH_MAX];
    struct place *place = place_create();
    place_start_broker(place, NULL);
    char *token = place_token_file(place, "acme", "ann", all);
    build_path(module, sizeof module, "lib/farebox/echo.so");
    const char *host[] = {"farebox-host", "--url", place->url, "--token-file", token, module, NULL};
    place_start(place, "farebox-host ready", host);
    must_still_answer(place);
    struct baseline baseline = {place->broker.pid, descriptors_of(place->broker.pid)};
    for (int i = 0; i < CLIENTS; i++) {
        const char *client[] = {"farebox", "--url", place->url, "--token-file",
                                token,     "sub",   ">",        NULL};
        struct process *process = place_start(place, "farebox: subscribed", client);
        fbx_bus *bus = place_connect(place, "acme", "ann", all);
        for (int n = 0; n < 100; n++)
            assert_int_equal(fbx_publish(bus, "load.test", (fbx_bytes){"x", 1}, NULL), 0);
        process_stop(process, SIGKILL);
        fbx_close(bus);
    }
    must_return_to(&baseline);
    must_still_answer(place);
    assert_int_equal(place_stop_broker(place, SIGTERM), 0);
    free(token);
    place_destroy(place);
}

static void a_second_broker_on_the_same_data_is_refused(void **state)
{
    (void)state;
    char out[1024], url[PLACE_PATH];
    struct place *place = place_create();
    place_start_broker(place, NULL);
    snprintf(url, sizeof url, "ipc://%s/other", place->dir);
    const char *other_url[] = {"fareboxd",  "--listen",          url,           "--data",
                               place->data, "--jwt-secret-file", place->secret, NULL};
    assert_int_not_equal(place_run(place, out, sizeof out, other_url), 0);
    assert_non_null(strstr(out, "fareboxd: "));
    must_still_answer(place);
    place_destroy(place);
}

static void a_second_broker_on_the_same_url_is_refused(void **state)
{
    (void)state;
    char out[1024], data[PLACE_PATH];
    struct place *place = place_create();
    place_start_broker(place, NULL);
    snprintf(data, sizeof data, "%s/other", place->dir);
    const char *other_data[] = {"fareboxd", "--listen",          place->url,    "--data",
                                data,       "--jwt-secret-file", place->secret, NULL};
    assert_int_not_equal(place_run(place, out, sizeof out, other_data), 0);
    assert_non_null(strstr(out, "cannot listen on"));
    must_still_answer(place);
    place_destroy(place);
}

static bool hung_up(void *arg)
{
    char byte[64];
    ssize_t got = recv(*(int *)arg, byte, sizeof byte, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN);
}

/* Says nothing at all, or shakes hands and then says nothing. */
static void silent_connections_are_closed(void **state)
{
    (void)state;
    static const unsigned char handshake[] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
    static const char *const flags[] = {"--silent-pipe-ms", "500", NULL};
    struct place *place = place_create();
    place_start_broker(place, flags);
    int mute = dial_ipc(place), polite = dial_ipc(place);
    assert_int_equal(write(polite, handshake, sizeof handshake), (ssize_t)sizeof handshake);
    assert_true(eventually(hung_up, &polite));
    assert_true(eventually(hung_up, &mute));
    close(mute);
    close(polite);
    must_still_answer(place);
    place_destroy(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect_and_close_on_ipc),
        cmocka_unit_test(connect_and_reset_on_tcp),
        cmocka_unit_test(clients_killed_under_load),
        cmocka_unit_test(a_second_broker_on_the_same_data_is_refused),
        cmocka_unit_test(a_second_broker_on_the_same_url_is_refused),
        cmocka_unit_test(silent_connections_are_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
