#include "bus.h"
#include "cases.h"

#include "base/clock.h"
#include "base/mem.h"
#include "measure/child.h"
#include "measure/fail.h"
#include "measure/fanout.h"

#include <sysexits.h>

#define TOPIC "bench.feed"

struct feed {
    const struct bench_options *options;
    struct bus bus;
    struct fanout *fanout;
    struct hist hist; /* latencies of the first subscriber: enough, and no lock */
};

struct subscriber {
    fbx_bus *bus;
    struct feed *feed;
    size_t index;
};

static bool publish(void *arg, const void *body, size_t size)
{
    return fbx_publish(arg, TOPIC, (fbx_bytes){body, size}, NULL) == 0;
}

static void run_publisher(int fd, void *arg)
{
    struct feed *feed = arg;
    void *body = bus_body(feed->options->size);
    fbx_bus *bus = bus_connect(&feed->bus, "bench-publisher", feed->options);
    child_ready(fd);
    fanout_publish(feed->fanout, feed->options, body,
                   &(struct fanout_publisher){bus, publish, NULL});
    child_wait_parent(fd);
}

static void on_event(void *arg, const fbx_event *event)
{
    struct subscriber *subscriber = arg;
    struct feed *feed = subscriber->feed;
    uint64_t now = clock_mono_ns();
    uint64_t sent = fanout_sent(event->payload.data, event->payload.len);
    if (subscriber->index == 0)
        hist_add(&feed->hist, now > sent ? now - sent : 0);
    fanout_saw(feed->fanout, subscriber->index, 1, now);
}

static struct subscriber *subscribe(struct feed *feed)
{
    unsigned subs = feed->options->subs;
    struct subscriber *subscribers = mem_zalloc(subs * sizeof *subscribers);
    for (unsigned i = 0; i < subs; i++) {
        subscribers[i].feed = feed;
        subscribers[i].index = i;
        subscribers[i].bus = bus_connect(&feed->bus, "bench-subscriber", feed->options);
        int error = fbx_subscribe(subscribers[i].bus, TOPIC, NULL, on_event, &subscribers[i], NULL);
        if (error)
            fail_with("subscribe: %s %s", fbx_error_text(error), fbx_last_error());
    }
    return subscribers;
}

int case_pubsub(struct bench_options *options)
{
    struct feed feed = {.options = options, .fanout = fanout_create()};
    struct meter meter;
    bus_open(&feed.bus, options);
    struct child publisher = child_start(run_publisher, &feed);
    struct subscriber *subscribers = subscribe(&feed);
    child_wait_ready(&publisher);
    fanout_start(feed.fanout, &meter, options, publisher.pid);
    fanout_wait(feed.fanout, options);
    fanout_report("farebox", options, feed.fanout, &meter, &feed.hist);
    child_stop(&publisher);
    for (unsigned i = 0; i < options->subs; i++)
        fbx_close(subscribers[i].bus);
    bus_close(&feed.bus);
    mem_free(subscribers);
    return EX_OK;
}
