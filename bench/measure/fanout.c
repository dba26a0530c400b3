#include "fanout.h"

#include "base/clock.h"
#include "fail.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Looking at a hundred counters before each message would make the publisher the bottleneck. */
#define LOOK_EVERY 16u
#define SILENCE_NS (3 * NS_PER_SEC / 2)

struct fanout *fanout_create(void)
{
    void *shared = mmap(NULL, sizeof(struct fanout), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        fail_with("mmap: %s", strerror(errno));
    return shared;
}

static uint64_t slowest(const struct fanout *fanout, unsigned subs)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < subs; i++) {
        uint64_t count = atomic_load_explicit(&fanout->seen[i].count, memory_order_relaxed);
        least = count < least ? count : least;
    }
    return least;
}

static uint64_t delivered(const struct fanout *fanout, unsigned subs)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < subs; i++)
        sum += atomic_load_explicit(&fanout->seen[i].count, memory_order_relaxed);
    return sum;
}

static uint64_t last_delivery(const struct fanout *fanout, unsigned subs)
{
    uint64_t last = 0;
    for (unsigned i = 0; i < subs; i++) {
        uint64_t at = atomic_load_explicit(&fanout->seen[i].last_ns, memory_order_relaxed);
        last = at > last ? at : last;
    }
    return last;
}

/* Waits until the slowest is at most half a window behind: waking for each message would cost more
 * than it buys. A subscriber that lost messages never catches up: once nothing moves, go on. */
static void let_them_catch_up(const struct fanout *fanout, const struct bench_options *options,
                              uint64_t number, const struct fanout_publisher *publisher)
{
    if (publisher->flush)
        publisher->flush(publisher->arg);
    uint64_t seen = 0, moved = clock_mono_ns();
    for (;;) {
        uint64_t now = clock_mono_ns(), least = slowest(fanout, options->subs);
        if (least + options->window / 2 >= number || now > moved + SILENCE_NS)
            return;
        moved = least > seen ? now : moved;
        seen = least;
        usleep(20);
    }
}

void fanout_publish(struct fanout *fanout, const struct bench_options *options, void *body,
                    const struct fanout_publisher *publisher)
{
    while (!atomic_load(&fanout->go))
        usleep(200);
    uint64_t now = clock_mono_ns();
    uint64_t end = now + (uint64_t)(options->seconds * 1e9);
    uint64_t number = 0;
    atomic_store(&fanout->first_ns, now);
    for (; now < end; number++) {
        if (number % LOOK_EVERY == 0 && number >= options->window &&
            slowest(fanout, options->subs) + options->window < number)
            let_them_catch_up(fanout, options, number, publisher);
        now = clock_mono_ns();
        memcpy((char *)body + options->size - sizeof now, &now, sizeof now);
        if (!publisher->publish(publisher->arg, body, options->size)) {
            atomic_fetch_add(&fanout->errors, 1);
            break;
        }
    }
    if (publisher->flush)
        publisher->flush(publisher->arg);
    atomic_store(&fanout->last_ns, clock_mono_ns());
    atomic_store(&fanout->published, number);
    atomic_store(&fanout->done, 1);
}

uint64_t fanout_sent(const void *body, size_t size)
{
    uint64_t sent = 0;
    if (size >= sizeof sent)
        memcpy(&sent, (const char *)body + size - sizeof sent, sizeof sent);
    return sent;
}

bool fanout_is_over(const struct fanout *fanout, const struct bench_options *options, uint64_t now)
{
    if (!atomic_load(&fanout->done))
        return false;
    if (delivered(fanout, options->subs) >= atomic_load(&fanout->published) * options->subs)
        return true;
    uint64_t last = last_delivery(fanout, options->subs);
    uint64_t ended = atomic_load(&fanout->last_ns);
    return now > (last > ended ? last : ended) + SILENCE_NS;
}

void fanout_start(struct fanout *fanout, struct meter *meter, const struct bench_options *options,
                  pid_t publisher)
{
    meter_begin(meter, options, publisher);
    meter_read_cpu(meter);
    atomic_store(&fanout->go, 1);
}

void fanout_wait(struct fanout *fanout, const struct bench_options *options)
{
    uint64_t limit = clock_mono_ns() + (uint64_t)((options->seconds + FANOUT_PATIENCE_S) * 1e9);
    for (uint64_t now = 0; now < limit; now = clock_mono_ns()) {
        if (fanout_is_over(fanout, options, now))
            return;
        usleep(1000);
    }
}

void fanout_report(const char *peer, const struct bench_options *options,
                   const struct fanout *fanout, struct meter *meter, const struct hist *hist)
{
    meter_read_cpu(meter);
    uint64_t published = atomic_load(&fanout->published);
    uint64_t arrived = delivered(fanout, options->subs);
    uint64_t first = atomic_load(&fanout->first_ns);
    double publishing = (double)(atomic_load(&fanout->last_ns) - first) / 1e9;
    double delivering = (double)(last_delivery(fanout, options->subs) - first) / 1e9;
    if (arrived == 0)
        fail_with("nothing arrived");
    printf("peer=%s case=pubsub size=%u window=%u subs=%u rate=%.0f publish_rate=%.0f lost=%lld",
           options->label ? options->label : peer, options->size, options->window, options->subs,
           (double)arrived / delivering, (double)published / publishing,
           (long long)(published * options->subs - arrived));
    meter_print_quantiles(hist);
    printf(" errors=%llu", (unsigned long long)atomic_load(&fanout->errors));
    meter_print_cpu(meter, arrived);
    putchar('\n');
    fflush(stdout);
}
