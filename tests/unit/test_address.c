/* Where to listen, as people write it. */
#include "../testing.h"

#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>

static void addresses_are_read(void **state)
{
    union address address;
    (void)state;
    assert_int_equal(address_parse(&address, "127.0.0.1:8009"), 0);
    assert_int_equal(address.v4.sin_family, AF_INET);
    assert_int_equal(ntohl(address.v4.sin_addr.s_addr), INADDR_LOOPBACK);
    assert_int_equal(ntohs(address.v4.sin_port), 8009);
    assert_int_equal(address_parse(&address, "[::1]:65535"), 0);
    assert_int_equal(address.v6.sin6_family, AF_INET6);
    assert_true(IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr));
    assert_int_equal(ntohs(address.v6.sin6_port), 65535);
}

static void whatever_else_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        ":8009",
        "8009",
        "127.0.0.1",
        "127.0.0.1:",
        "::1:8009",
        "[::1]",
        "[::1:8009",
        "127.0.0.1:8o",
        "127.0.0.1:65536",
        "localhost:8009",
        "[127.0.0.1]:8009",
        "127.0.0.1:8009 ",
        "127.1:8009",
    };
    union address address;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (address_parse(&address, bad[i]) != -EINVAL)
            fail_msg("\"%s\" is taken", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read),
        cmocka_unit_test(whatever_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
