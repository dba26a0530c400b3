/* What becomes of a connection whose client goes on sending to nobody. */
#include "../testing.h"

#include "../../gateway/clients.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOW (7 * NS_PER_SEC)
#define LATE (NOW + LINGER_MS * NS_PER_MS)
#define PATIENCE_MS 10000

static struct lingering linger;

static int open_one(void **state)
{
    (void)state;
    return linger_init(&linger);
}

static int close_it(void **state)
{
    (void)state;
    linger_finish(&linger);
    return 0;
}

/* Returns the client's end, to which a byte was sent. */
static int connect_both(int *ours)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int theirs = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(door, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(door, 1), 0);
    assert_int_equal(getsockname(door, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(connect(theirs, (struct sockaddr *)&address, len), 0);
    *ours = accept(door, NULL, NULL);
    assert_true(*ours >= 0);
    assert_int_equal(send(*ours, "!", 1, 0), 1);
    close(door);
    return theirs;
}

/* The same; the gateway's lingers. */
static int ended(void)
{
    int ours, theirs = connect_both(&ours);
    linger_add(&linger, ours, NOW);
    close(ours);
    return theirs;
}

static void say(int theirs)
{
    (void)send(theirs, "12345", 5, MSG_NOSIGNAL);
}

static void run_once(uint64_t now)
{
    struct pollfd fd = {.fd = linger.epoll, .events = POLLIN};
    assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
    linger_run(&linger, now);
}

/* Has it been reset? Its own half is open: nothing else says that it is hung up. */
static bool is_reset(int theirs, int patience_ms)
{
    struct pollfd fd = {.fd = theirs, .events = 0};
    return poll(&fd, 1, patience_ms) == 1 && (fd.revents & (POLLERR | POLLHUP));
}

static void what_was_said_can_be_read_while_it_sends(void **state)
{
    char bytes[8];
    int theirs = ended();
    (void)state;
    for (int i = 0; i < 3; i++) {
        say(theirs);
        run_once(LATE - 1);
    }
    assert_false(is_reset(theirs, 0));
    assert_int_equal(recv(theirs, bytes, sizeof bytes, MSG_DONTWAIT), 1);
    assert_int_equal(recv(theirs, bytes, sizeof bytes, MSG_DONTWAIT), 0); /* and no more comes */
    close(theirs);
    run_once(NOW);
    for (unsigned i = 0; i < LINGER_MOST; i++)
        assert_int_equal(linger.all[i].until, 0);
}

static void it_does_not_for_ever(void **state)
{
    int theirs = ended();
    (void)state;
    linger_run(&linger, LATE);
    say(theirs);
    assert_true(is_reset(theirs, PATIENCE_MS));
    close(theirs);
}

/* Whoever is silent and stays wakes nobody: its time is looked at with that of those who are slow.
 */
static void a_silent_one_is_ended_in_time(void **state)
{
    const struct patience patience = {NS_PER_SEC, NS_PER_SEC};
    struct clients clients;
    int ours, theirs = connect_both(&ours);
    (void)state;
    assert_int_equal(clients_init(&clients), 0);
    struct client *client = clients_add(&clients, ours, false, 1024);
    client->unread = true;
    clients_remove(&clients, client);
    close(ours);
    clients_hurry(&clients, &patience, clock_mono_ns());
    say(theirs);
    assert_false(is_reset(theirs, 0));
    clients_take_departures(&clients);
    clients_hurry(&clients, &patience, clock_mono_ns() + LINGER_MS * NS_PER_MS);
    say(theirs);
    assert_true(is_reset(theirs, PATIENCE_MS));
    clients_finish(&clients);
    close(theirs);
}

static void only_so_many_do(void **state)
{
    int theirs[LINGER_MOST + 1];
    (void)state;
    for (unsigned i = 0; i <= LINGER_MOST; i++)
        theirs[i] = ended();
    say(theirs[0]);
    say(theirs[LINGER_MOST]);
    assert_true(is_reset(theirs[LINGER_MOST], PATIENCE_MS));
    assert_false(is_reset(theirs[0], 0));
    close(theirs[0]); /* then there is room for another */
    while (linger.all[0].until > 0)
        run_once(NOW);
    int another = ended();
    say(another);
    run_once(NOW);
    assert_false(is_reset(another, 0));
    close(another);
    for (unsigned i = 1; i <= LINGER_MOST; i++)
        close(theirs[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_one, close_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_said_can_be_read_while_it_sends),
        TEST(it_does_not_for_ever),
        TEST(a_silent_one_is_ended_in_time),
        TEST(only_so_many_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
