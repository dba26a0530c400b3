/* Health endpoints whose names change their mind: what counts is the address that is connected to.
 */
#include "../testing.h"

#include "probe.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NAME "clinic.example"
#define OURS "127.0.0.1"
#define FORBIDDEN "127.0.0.2"
#define METADATA "169.254.169.254"
#define PATIENCE_MS 30000

/* ---- names ---- */

static const char *const *resolved; /* what the name stands for at the moment, NULL-terminated */

typedef int resolver(const char *, const char *, const struct addrinfo *, struct addrinfo **);
__attribute__((visibility("default"))) resolver getaddrinfo;

/* In place of the system's, which reads the addresses. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    resolver *real;
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &symbol, sizeof real);
    if (!name || strcmp(name, NAME) != 0)
        return real(name, service, hints, out);
    for (size_t i = 0; resolved[i]; i++) {
        int error = real(resolved[i], service, hints, out);
        if (error != 0)
            return error;
        while (*out)
            out = &(*out)->ai_next;
    }
    return 0;
}

/* ---- the endpoints ---- */

static int listen_at(const char *address, in_port_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = *port};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(inet_pton(AF_INET, address, &at.sin_addr), 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = at.sin_port;
    return fd;
}

/* True: somebody had connected. They are answered. */
static bool answer(int listening)
{
    static const char well[] = "HTTP/1.1 204 No Content\r\n\r\n";
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return false;
    assert_int_equal(write(fd, well, strlen(well)), (ssize_t)strlen(well));
    close(fd);
    return true;
}

/* ---- asking ---- */

static enum health_outcome outcome;
static const char *reason;

static void wake(void *arg)
{
    (void)eventfd_write(*(int *)arg, 1);
}

static void take(struct core *core, uint64_t id, enum health_outcome is, const char *why)
{
    (void)core;
    assert_int_equal(id, 1);
    outcome = is;
    reason = why;
}

/* With a prober of its own, which has no names at hand. `entry`: an address that is allowed, or
 * NAME with whatever port it has. */
static void ask(const char *entry, const char *const *addresses)
{
    char url[64], allowed[64], why[ALLOW_WHY_BYTES], *texts[] = {allowed};
    struct allow_list list;
    in_port_t port = 0;
    int ours = listen_at(OURS, &port), forbidden = listen_at(FORBIDDEN, &port);
    int woken = eventfd(0, EFD_CLOEXEC);
    struct pollfd waits[] = {{.fd = woken, .events = POLLIN}, {.fd = ours, .events = POLLIN}};
    snprintf(url, sizeof url, "http://" NAME ":%d/", ntohs(port));
    snprintf(allowed, sizeof allowed, "%s", entry);
    if (strcmp(entry, NAME) == 0)
        snprintf(allowed, sizeof allowed, NAME ":%d", ntohs(port));
    assert_int_equal(allow_read(&list, texts, 1, why), 0);
    resolved = addresses;
    reason = NULL;
    struct prober *prober = prober_create(wake, &woken);
    prober_allow(prober, &list, "");
    prober_ask(prober, 1, url, PATIENCE_MS);
    while (!reason) {
        assert_true(poll(waits, 2, PATIENCE_MS) > 0);
        if (waits[1].revents)
            assert_true(answer(ours));
        prober_take(prober, take, NULL);
    }
    assert_false(answer(forbidden));
    prober_destroy(prober);
    close(woken);
    close(ours);
    close(forbidden);
}

static void is_refused(void)
{
    assert_int_equal(outcome, HEALTH_FAIL);
    assert_string_equal(reason, "its address is not in health-allow");
}

#define ADDRESSES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void a_name_that_changes_its_mind_gains_nothing(void **state)
{
    (void)state;
    ask(OURS, ADDRESSES(OURS));
    assert_int_equal(outcome, HEALTH_PASS);
    ask(OURS, ADDRESSES(FORBIDDEN));
    is_refused();
}

static void of_several_addresses_only_the_allowed_are_connected_to(void **state)
{
    (void)state;
    ask(OURS, ADDRESSES(FORBIDDEN, OURS));
    assert_int_equal(outcome, HEALTH_PASS);
    ask(OURS, ADDRESSES(FORBIDDEN, METADATA));
    is_refused();
}

/* The name itself is in the list, and whoever keeps it says where it leads. */
static void no_name_leads_to_metadata_services(void **state)
{
    (void)state;
    ask(NAME, ADDRESSES(OURS));
    assert_int_equal(outcome, HEALTH_PASS);
    ask(NAME, ADDRESSES(METADATA));
    is_refused();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_that_changes_its_mind_gains_nothing),
        cmocka_unit_test(of_several_addresses_only_the_allowed_are_connected_to),
        cmocka_unit_test(no_name_leads_to_metadata_services),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
