/* Which addresses may be reached. */
#include "../testing.h"

#include "policy/allow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static bool admits(const char *entry, const char *name, const char *address, uint16_t port)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct allow_list list;
    char why[ALLOW_WHY_BYTES] = "", *texts[] = {(char *)(uintptr_t)entry};
    if (allow_read(&list, texts, entry[0] ? 1 : 0, why) < 0)
        fail_msg("%s", why);
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
        memcpy(&storage, &v4, sizeof v4);
    else if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1)
        memcpy(&storage, &v6, sizeof v6);
    else
        storage.ss_family = AF_UNIX;
    return allow_admits(&list, name, (const struct sockaddr *)&storage);
}

static void test_who_is_admitted(void **unused)
{
    static const struct row {
        const char *entry, *name, *address;
        uint16_t port;
        bool admitted;
    } table[] = {
        {"", "a.example", "127.0.0.1", 80, false},
        {"10.1.0.0/16", "x", "10.1.255.255", 1, true},
        {"10.1.0.0/16", "x", "10.2.0.0", 1, false},
        {"10.1.0.0/12", "x", "10.15.0.1", 1, true},
        {"10.1.0.0/12", "x", "10.16.0.1", 1, false},
        {"10.1.2.3", "x", "10.1.2.3", 9, true},
        {"10.1.2.3", "x", "10.1.2.2", 9, false},
        {"0.0.0.0/0", "x", "169.254.169.254", 80, true}, /* named as an address: listed */
        {"0.0.0.0/0", "x", "fd00::1", 80, false},
        {"10.1.2.3:8080", "x", "10.1.2.3", 8080, true},
        {"10.1.2.3:8080", "x", "10.1.2.3", 8081, false},
        {"10.0.0.0/8", "x", "::ffff:10.9.9.9", 80, true}, /* the same address in other clothes */
        {"127.0.0.1:80", "x", "::ffff:127.0.0.1", 80, true},
        {"fd00::/8", "x", "fdff::1", 80, true},
        {"fd00::/8", "x", "fe00::1", 80, false},
        {"::/0", "x", "fe80::1", 80, true},
        {"[fd00::1]:80", "x", "fd00::1", 80, true},
        {"[fd00::1]:80", "x", "fd00::1", 81, false},
        {"fd00::1", "x", "fd00::1", 81, true},
        {"Orders.Internal:80", "orders.internal", "10.0.0.1", 80, true},
        {"orders.internal:80", "ORDERS.internal", "127.0.0.1", 80, true},
        {"orders.internal:80", "orders.internal", "10.0.0.1", 81, false},
        {"orders.internal:80", "orders.internal.evil", "10.0.0.1", 80, false},
        {"orders.internal:80", "10.0.0.1", "10.0.0.1", 80, false},
        /* What a name must not lead to, whoever answers for it. */
        {"orders.internal:80", "orders.internal", "169.254.169.254", 80, false},
        {"orders.internal:80", "orders.internal", "::ffff:169.254.169.254", 80, false},
        {"orders.internal:80", "orders.internal", "fe80::1", 80, false},
        {"orders.internal:80", "orders.internal", "fd00:ec2::254", 80, false},
        {"orders.internal:80", "orders.internal", "0.0.0.0", 80, false},
        {"orders.internal:80", "orders.internal", "::", 80, false},
        {"orders.internal:80", "orders.internal", "224.0.0.1", 80, false},
        {"orders.internal:80", "orders.internal", "255.255.255.255", 80, false},
        {"orders.internal:80", "orders.internal", "ff02::1", 80, false},
        {"0.0.0.0/0", "x", "/run/socket", 0, false},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct row *row = &table[i];
        if (admits(row->entry, row->name, row->address, row->port) != row->admitted)
            fail_msg("[%s]: %s at %s port %u", row->entry, row->name, row->address, row->port);
    }
}

static void test_what_makes_no_sense(void **unused)
{
    static const char *const bad[] = {
        "",
        "orders",
        "orders:",
        "orders:0",
        "orders:65536",
        "orders:8o",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "fd00::/129",
        "10.0.0/8",
        "a b:80",
        "http://a:80",
        "a/b:80",
        "[fd00::1]",
        "[fd00::1:80",
        "fd00::1]:80",
        "*:80",
        "user@a:80",
        ":80",
        "10.0.0.0/8:80",
        "[10.0.0.1]:80",
        "10.0.0.0/ 8",
    };
    struct allow_list list = {.n = 77};
    char why[ALLOW_WHY_BYTES];
    (void)unused;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *texts[] = {(char *)(uintptr_t)bad[i]};
        if (allow_read(&list, texts, 1, why) != -EINVAL)
            fail_msg("\"%s\" is taken", bad[i]);
        assert_int_equal(list.n, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_admitted),
        cmocka_unit_test(test_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
