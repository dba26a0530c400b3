/* What the gateway's recv() knows of a connection: since when somebody has been sending a head, and
 * whether more is waited for. */
#include "../testing.h"

#include "../../gateway/strict.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD "GET / HTTP/1.1\r\nHost: x\r\n"

static int ours, theirs;

static int connect_both(void **state)
{
    int both[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, both), 0);
    ours = both[0];
    theirs = both[1];
    return 0;
}

static int hang_up(void **state)
{
    (void)state;
    strict_end(ours);
    strict_finish();
    close(ours);
    close(theirs);
    return 0;
}

/* Returns since when, once that has come. */
static uint64_t said(const char *text)
{
    char bytes[256];
    assert_int_equal(send(theirs, text, strlen(text), 0), strlen(text));
    (void)recv(ours, bytes, sizeof bytes, 0);
    return strict_since(ours);
}

static void each_head_has_its_own_time(void **state)
{
    (void)state;
    strict_begin(ours, false, 1024);
    assert_int_equal(strict_since(ours), 0);
    uint64_t first = said(HEAD);
    assert_true(first > 0);
    assert_int_equal(said("X: y\r\n"), first);
    uint64_t second = said("\r\nGET / HT"); /* a client that is never between requests */
    assert_true(second > first);
    assert_int_equal(said("TP/1.1\r\nHost: x\r\n"), second);
    assert_int_equal(said("\r\n"), 0);
}

/* Nothing of a handshake comes by here. */
static void a_handshake_has_begun_with_the_connection(void **state)
{
    (void)state;
    strict_begin(ours, true, 1024);
    assert_true(strict_since(ours) > 0);
}

static bool reads_on(const char *text, size_t most)
{
    char bytes[256];
    assert_int_equal(send(theirs, text, strlen(text), 0), strlen(text));
    assert_true(recv(ours, bytes, most, 0) > 0);
    return !strict_waits(ours, false);
}

/* What is held of a head is given when it is whole, and not more than is asked for. */
static void who_has_not_read_all_that_came_does_not_wait(void **state)
{
    char bytes[256];
    (void)state;
    strict_begin(ours, false, 1024);
    assert_true(reads_on(HEAD "Content-Length: 1\r\n\r\n", 8));
    assert_true(recv(ours, bytes, sizeof bytes, 0) > 0);
    assert_true(strict_waits(ours, false));
}

/* What stands for the request with the defect is whole. */
static void who_has_read_of_a_defect_does_not_wait(void **state)
{
    (void)state;
    strict_begin(ours, false, 1024);
    assert_true(reads_on(HEAD "\n", 256));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, connect_both, hang_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_head_has_its_own_time),
        TEST(a_handshake_has_begun_with_the_connection),
        TEST(who_has_not_read_all_that_came_does_not_wait),
        TEST(who_has_read_of_a_defect_does_not_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
