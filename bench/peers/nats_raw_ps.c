/* nats_raw_ps.c - publish/subscribe with the NATS protocol spoken by hand: what the server can
 * do with ideal clients. */
#include "../measure/child.h"
#include "../measure/fail.h"
#include "../measure/fanout.h"
#include "base/clock.h"
#include "base/mem.h"
#include "shared/nats_wire.h"
#include "shared/peer.h"

#include <sys/epoll.h>

#define TEXT(literal) ((struct nats_text){literal, sizeof literal - 1})
#define SUBJECT TEXT("bench.feed")
#define NOTHING ((struct nats_text){NULL, 0})
#define HELD_BACK (64u * 1024) /* bytes before a write, as a buffering client would */

struct feed {
    const struct bench_options *options;
    struct fanout *fanout;
    struct hist hist;
    int epoll;
};

static struct stream *dial(const struct bench_options *options, int epoll)
{
    return nats_dial(epoll, peer_port(options->url), options->user, options->password);
}

/* ---- the publisher ---- */

static void answer_pings(struct stream *stream)
{
    struct nats_message message;
    for (enum nats_kind kind; (kind = nats_take(stream, &message)) != NATS_MORE;)
        if (kind == NATS_PING)
            stream_put(stream, "PONG\r\n");
}

static void push(void *arg)
{
    struct stream *stream = arg;
    struct epoll_event event;
    stream_flush(stream);
    while (stream_pending(stream) && !stream->dead) {
        epoll_wait(stream->epoll, &event, 1, 1000);
        stream_fill(stream);
        answer_pings(stream);
        stream_flush(stream);
    }
}

static bool publish(void *arg, const void *body, size_t size)
{
    struct stream *stream = arg;
    nats_publish(stream, SUBJECT, NOTHING, (struct nats_text){body, size}, NULL);
    if (stream_pending(stream) > HELD_BACK)
        push(stream);
    return !stream->dead;
}

static void run_publisher(int fd, void *arg)
{
    const struct feed *feed = arg;
    struct stream *stream = dial(feed->options, epoll_create1(EPOLL_CLOEXEC));
    void *body = mem_zalloc(feed->options->size);
    child_ready(fd);
    fanout_publish(feed->fanout, feed->options, body,
                   &(struct fanout_publisher){stream, publish, push});
    child_wait_parent(fd);
}

/* ---- the subscribers ---- */

static void subscribe(struct feed *feed)
{
    struct nats_message message;
    for (unsigned i = 0; i < feed->options->subs; i++) {
        struct stream *stream = dial(feed->options, feed->epoll);
        stream->owner = &feed->fanout->seen[i];
        stream_put(stream, "SUB bench.feed 1\r\nPING\r\n");
        push(stream);
        while (nats_take(stream, &message) == NATS_MORE) { /* the PONG: it is in place */
            struct epoll_event event;
            epoll_wait(feed->epoll, &event, 1, 1000);
            stream_fill(stream);
        }
    }
}

static void on_input(struct feed *feed, struct stream *stream, uint64_t now)
{
    size_t index = (size_t)((struct fanout_seen *)stream->owner - feed->fanout->seen);
    struct nats_message message;
    uint64_t arrived = 0;
    if (!stream_fill(stream) && stream->dead)
        fail_with("NATS disconnected subscriber %zu", index);
    for (enum nats_kind kind; (kind = nats_take(stream, &message)) != NATS_MORE;) {
        if (kind == NATS_PING)
            stream_put(stream, "PONG\r\n");
        if (kind != NATS_MESSAGE)
            continue;
        arrived++;
        uint64_t sent = fanout_sent(message.body.data, message.body.len);
        if (index == 0)
            hist_add(&feed->hist, now > sent ? now - sent : 0);
    }
    stream_flush(stream);
    if (arrived)
        fanout_saw(feed->fanout, index, arrived, now);
}

static void drive(struct feed *feed)
{
    uint64_t now = clock_mono_ns();
    uint64_t limit = now + (uint64_t)((feed->options->seconds + FANOUT_PATIENCE_S) * 1e9);
    while (now < limit && !fanout_is_over(feed->fanout, feed->options, now)) {
        struct epoll_event events[64];
        int n = epoll_wait(feed->epoll, events, 64, 100);
        now = clock_mono_ns();
        for (int i = 0; i < n; i++)
            on_input(feed, events[i].data.ptr, now);
    }
}

int main(int argc, char **argv)
{
    struct bench_options options;
    struct meter meter;
    peer_options(&options, argc, argv, 65536,
                 "[options]\nNATS publish/subscribe by raw sockets.\n");
    peer_raise_descriptors();
    struct feed feed = {.options = &options, .fanout = fanout_create()};
    struct child publisher = child_start(run_publisher, &feed);
    feed.epoll = epoll_create1(EPOLL_CLOEXEC);
    subscribe(&feed);
    child_wait_ready(&publisher);
    fanout_start(feed.fanout, &meter, &options, publisher.pid);
    drive(&feed);
    fanout_report("nats-raw", &options, feed.fanout, &meter, &feed.hist);
    child_stop(&publisher);
    return 0;
}
