#include "base/log_writer.h"

#include "base/clock.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RING_BYTES (256u * 1024u)
#define EVENTS 32u /* counted apart; any others together */
#define LAST_WORDS_S 1

/* Lines of one event in the second that goes on. */
struct tally {
    const char *event;
    uint64_t second;
    unsigned lines;
};

/* Of the process, as standard error is. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool running, ending;
    size_t start, len;        /* of what waits in the ring */
    uint64_t lost, confessed; /* lines since it was last said, and in which second that was */
    struct tally tallies[EVENTS];
    char ring[RING_BYTES];
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* ---- lines come in ---- */

static uint64_t second_now(void)
{
    return clock_mono_ns() / NS_PER_SEC;
}

static struct tally *tally_of(const char *event)
{
    size_t i = 0;
    while (i + 1 < EVENTS && writer.tallies[i].event && writer.tallies[i].event != event)
        i++;
    writer.tallies[i].event = event;
    return &writer.tallies[i];
}

/* What strangers can cause as fast as they can send must not crowd out everything else. */
static bool is_flood(const char *event)
{
    struct tally *tally = tally_of(event);
    uint64_t second = second_now();
    if (tally->second != second)
        *tally = (struct tally){.event = event, .second = second};
    return ++tally->lines > LOG_EVENT_PER_SECOND;
}

static void put(const char *line, size_t len)
{
    size_t at = (writer.start + writer.len) % RING_BYTES;
    size_t first = len < RING_BYTES - at ? len : RING_BYTES - at;
    memcpy(writer.ring + at, line, first);
    memcpy(writer.ring, line + first, len - first);
    writer.len += len;
}

void log_emit(const char *event, const char *line, size_t len)
{
    pthread_mutex_lock(&writer.lock);
    bool running = writer.running;
    if (running) {
        if (is_flood(event) || writer.len + len > RING_BYTES)
            writer.lost++;
        else
            put(line, len);
        pthread_cond_signal(&writer.changed);
    }
    pthread_mutex_unlock(&writer.lock);
    if (!running)
        (void)!write(STDERR_FILENO, line, len);
}

/* ---- and go out ---- */

static size_t take(char *line)
{
    size_t len = 0;
    do {
        line[len] = writer.ring[writer.start];
        writer.start = (writer.start + 1) % RING_BYTES;
        writer.len--;
    } while (line[len++] != '\n');
    return len;
}

/* Behind whatever waited, and once a second, or saying it would be a flood as well. */
static bool must_confess(void)
{
    return writer.lost > 0 && writer.len == 0 &&
           (writer.ending || writer.confessed != second_now());
}

static void confess(void)
{
    char count[24];
    (void)snprintf(count, sizeof count, "%" PRIu64, writer.lost);
    writer.lost = 0;
    writer.confessed = second_now();
    pthread_mutex_unlock(&writer.lock);
    log_event(LOG_WARN, "log.lines_lost", "count", count, NULL);
    pthread_mutex_lock(&writer.lock);
}

static void write_one(void)
{
    char line[LOG_LINE_BYTES];
    size_t len = take(line);
    pthread_mutex_unlock(&writer.lock);
    (void)!write(STDERR_FILENO, line, len);
    pthread_mutex_lock(&writer.lock);
}

static void await_more(void)
{
    struct timespec until;
    if (writer.lost == 0) {
        pthread_cond_wait(&writer.changed, &writer.lock);
        return;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    pthread_cond_timedwait(&writer.changed, &writer.lock, &until);
}

static void *write_lines(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&writer.lock);
    while (!writer.ending || writer.len > 0 || writer.lost > 0) {
        if (must_confess())
            confess();
        else if (writer.len > 0)
            write_one();
        else
            await_more();
    }
    writer.running = false;
    pthread_mutex_unlock(&writer.lock);
    return NULL;
}

int log_start_writer(void)
{
    pthread_mutex_lock(&writer.lock);
    int rc = pthread_create(&writer.thread, NULL, write_lines, NULL);
    writer.running = rc == 0;
    writer.ending = false;
    pthread_mutex_unlock(&writer.lock);
    return -rc;
}

void log_stop_writer(void)
{
    struct timespec give_up;
    pthread_mutex_lock(&writer.lock);
    bool running = writer.running;
    writer.ending = true;
    pthread_cond_signal(&writer.changed);
    pthread_mutex_unlock(&writer.lock);
    if (!running)
        return;
    clock_gettime(CLOCK_REALTIME, &give_up);
    give_up.tv_sec += LAST_WORDS_S;
    (void)pthread_timedjoin_np(writer.thread, NULL, &give_up);
}
