#include "wait.h"

#include "base/clock.h"
#include "exits.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* An eventfd, because a signal handler may write to it. */
static atomic_int bell = -1;
static volatile sig_atomic_t interrupted;

void wait_wake(void)
{
    /* Can only fail when the bell already rings. */
    if (eventfd_write(bell, 1) != 0)
        return;
}

static void on_signal(int number)
{
    (void)number;
    if (interrupted)
        _exit(EXIT_INTERRUPTED);
    interrupted = 1;
    wait_wake();
}

void wait_arm(void)
{
    if (bell >= 0)
        return;
    bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* Reported once, yet remembered by the handler. */
static int signal_is_news(void)
{
    static int told;
    if (!interrupted || told)
        return 0;
    told = 1;
    return 1;
}

static int left_ms(uint64_t start_ns, uint64_t ms)
{
    if (ms == WAIT_FOR_EVER)
        return -1;
    uint64_t gone = (clock_mono_ns() - start_ns) / NS_PER_MS;
    uint64_t left = gone < ms ? ms - gone : 0;
    return left < INT32_MAX ? (int)left : INT32_MAX;
}

enum wait_end wait_ms(uint64_t ms)
{
    uint64_t start = clock_mono_ns();
    for (;;) {
        /* No events asked of the output: an error or a hang-up is told all the same. */
        struct pollfd fds[] = {{.fd = bell, .events = POLLIN}, {.fd = STDOUT_FILENO, .events = 0}};
        int left = left_ms(start, ms);
        int ready = poll(fds, 2, left);
        if (signal_is_news())
            return WAIT_INTERRUPTED;
        if (ready > 0 && fds[0].revents & POLLIN) {
            eventfd_t count;
            if (eventfd_read(bell, &count) == 0)
                return WAIT_WOKEN;
        }
        if (ready > 0 && fds[1].revents)
            return WAIT_DEAF;
        if (left == 0)
            return WAIT_TIMEOUT;
    }
}

uint64_t wait_until(uint64_t ms)
{
    return ms == WAIT_FOR_EVER ? 0 : clock_mono_ns() + ms * NS_PER_MS;
}

uint64_t wait_left(uint64_t until)
{
    uint64_t now = clock_mono_ns();
    if (until == 0)
        return WAIT_FOR_EVER;
    return until > now ? (until - now + NS_PER_MS - 1) / NS_PER_MS : 0;
}
