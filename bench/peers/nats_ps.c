/* nats_ps.c - NATS publish/subscribe through its C client: one publisher process, the
 * subscribers' connections in this one, delivered by the library's shared pool of two threads (a
 * thread for each of a hundred subscriptions is slower), without its limit on pending messages. */
#include "../measure/child.h"
#include "../measure/fail.h"
#include "../measure/fanout.h"
#include "base/clock.h"
#include "base/mem.h"
#include "shared/peer.h"

#include <nats/nats.h>

#define SUBJECT "bench.feed"
#define DELIVERY_THREADS 2

struct feed {
    const struct bench_options *options;
    struct fanout *fanout;
    struct hist hist;
};

struct subscriber {
    struct feed *feed;
    size_t index;
};

static void must(natsStatus status, const char *what)
{
    if (status != NATS_OK)
        fail_with("%s: %s", what, natsStatus_GetText(status));
}

static natsConnection *dial(const struct bench_options *options)
{
    natsOptions *wanted = NULL;
    natsConnection *connection = NULL;
    must(natsOptions_Create(&wanted), "options");
    must(natsOptions_SetURL(wanted, options->url), "url");
    if (options->user)
        must(natsOptions_SetUserInfo(wanted, options->user, options->password), "user");
    must(natsOptions_UseGlobalMessageDelivery(wanted, true), "delivery");
    must(natsOptions_SetAllowReconnect(wanted, false), "reconnect");
    must(natsConnection_Connect(&connection, wanted), "connect");
    natsOptions_Destroy(wanted);
    return connection;
}

static bool publish(void *arg, const void *body, size_t size)
{
    return natsConnection_Publish(arg, SUBJECT, body, (int)size) == NATS_OK;
}

static void flush(void *arg)
{
    natsConnection_FlushTimeout(arg, 5000);
}

static void run_publisher(int fd, void *arg)
{
    const struct feed *feed = arg;
    void *body = mem_zalloc(feed->options->size);
    natsConnection *connection = dial(feed->options);
    child_ready(fd);
    fanout_publish(feed->fanout, feed->options, body,
                   &(struct fanout_publisher){connection, publish, flush});
    child_wait_parent(fd);
}

static void on_event(natsConnection *connection, natsSubscription *subscription, natsMsg *event,
                     void *arg)
{
    (void)connection;
    (void)subscription;
    const struct subscriber *subscriber = arg;
    struct feed *feed = subscriber->feed;
    uint64_t now = clock_mono_ns();
    uint64_t sent = fanout_sent(natsMsg_GetData(event), (size_t)natsMsg_GetDataLength(event));
    if (subscriber->index == 0)
        hist_add(&feed->hist, now > sent ? now - sent : 0);
    natsMsg_Destroy(event);
    fanout_saw(feed->fanout, subscriber->index, 1, now);
}

static void subscribe(struct feed *feed)
{
    unsigned subs = feed->options->subs;
    struct subscriber *subscribers = mem_zalloc(subs * sizeof *subscribers);
    must(nats_Open(-1), "open");
    must(nats_SetMessageDeliveryPoolSize(DELIVERY_THREADS), "pool");
    for (unsigned i = 0; i < subs; i++) {
        natsSubscription *subscription = NULL;
        natsConnection *connection = dial(feed->options);
        subscribers[i] = (struct subscriber){feed, i};
        must(
            natsConnection_Subscribe(&subscription, connection, SUBJECT, on_event, &subscribers[i]),
            "subscribe");
        must(natsSubscription_SetPendingLimits(subscription, -1, -1), "limits");
        must(natsConnection_Flush(connection), "flush");
    }
}

int main(int argc, char **argv)
{
    struct bench_options options;
    struct meter meter;
    peer_options(&options, argc, argv, 65536,
                 "[options]\nNATS publish/subscribe through its C client.\n");
    struct feed feed = {.options = &options, .fanout = fanout_create()};
    struct child publisher = child_start(run_publisher, &feed);
    subscribe(&feed);
    child_wait_ready(&publisher);
    fanout_start(feed.fanout, &meter, &options, publisher.pid);
    fanout_wait(feed.fanout, &options);
    fanout_report("nats-lib", &options, feed.fanout, &meter, &feed.hist);
    child_stop(&publisher);
    return 0;
}
