/* nats_rr.c - NATS request/reply through its C client: a wildcard inbox subscription on each
 * connection, requests published to it, the next one from the reply's callback.
 *   --mode async       as the library comes: a flusher thread sends what gathered
 *   --mode async-asap  natsOptions_SetSendAsap: every publish writes at once */
#include "../measure/child.h"
#include "../measure/fail.h"
#include "../measure/meter.h"
#include "base/clock.h"
#include "base/mem.h"
#include "shared/peer.h"

#include <nats/nats.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SUBJECT "bench.svc.echo"
#define INBOX_MAX 64

static void must(natsStatus status, const char *what)
{
    if (status != NATS_OK)
        fail_with("%s: %s", what, natsStatus_GetText(status));
}

static natsConnection *dial(const struct bench_options *options, const char *user)
{
    const char *password = user == options->user ? options->password : user;
    natsOptions *wanted = NULL;
    natsConnection *connection = NULL;
    must(natsOptions_Create(&wanted), "options");
    must(natsOptions_SetURL(wanted, options->url), "url");
    if (user)
        must(natsOptions_SetUserInfo(wanted, user, password), "user");
    must(natsOptions_SetSendAsap(wanted, strstr(options->mode, "asap") != NULL), "asap");
    must(natsConnection_Connect(&connection, wanted), "connect");
    natsOptions_Destroy(wanted);
    return connection;
}

/* ---- the service ---- */

static void on_request(natsConnection *connection, natsSubscription *subscription, natsMsg *request,
                       void *arg)
{
    (void)subscription;
    (void)arg;
    natsConnection_Publish(connection, natsMsg_GetReply(request), natsMsg_GetData(request),
                           natsMsg_GetDataLength(request));
    natsMsg_Destroy(request);
}

static void serve(int fd, void *arg)
{
    const struct bench_options *options = arg;
    natsSubscription *subscription = NULL;
    natsConnection *connection =
        dial(options, options->service_user ? options->service_user : options->user);
    must(natsConnection_Subscribe(&subscription, connection, SUBJECT, on_request, NULL),
         "subscribe");
    must(natsConnection_Flush(connection), "flush");
    child_ready(fd);
    child_wait_parent(fd);
}

/* ---- the load ---- */

struct load {
    const struct bench_options *options;
    struct meter meter;
    _Atomic unsigned in_flight;
};

/* Used by the main thread until the window is full, by the subscription's thread from then on:
 * each asks through buffers of its own. */
struct asker {
    char inbox[INBOX_MAX]; /* a prefix, then the request's number */
    size_t prefix;
    uint64_t number;
    char *body;
};

struct caller {
    struct load *load;
    natsConnection *connection;
    struct asker first, next;
    struct tally tally;
};

static void ask(struct caller *caller, struct asker *asker, uint64_t now)
{
    int size = (int)caller->load->options->size;
    memcpy(asker->body + (size_t)size - sizeof now, &now, sizeof now);
    snprintf(asker->inbox + asker->prefix, sizeof asker->inbox - asker->prefix, "%llu",
             (unsigned long long)++asker->number);
    if (natsConnection_PublishRequest(caller->connection, SUBJECT, asker->inbox, asker->body,
                                      size) != NATS_OK)
        fail_with("publish failed");
}

static void on_reply(natsConnection *connection, natsSubscription *subscription, natsMsg *reply,
                     void *arg)
{
    (void)connection;
    (void)subscription;
    struct caller *caller = arg;
    struct load *load = caller->load;
    uint64_t now = clock_mono_ns(), sent;
    size_t len = (size_t)natsMsg_GetDataLength(reply);
    if (len == load->options->size) {
        memcpy(&sent, natsMsg_GetData(reply) + len - sizeof sent, sizeof sent);
        tally_hit(&caller->tally, &load->meter, sent, now);
    } else {
        caller->tally.errors++; /* nobody serves the subject */
    }
    natsMsg_Destroy(reply);
    if (now < load->meter.end)
        ask(caller, &caller->next, now);
    else
        atomic_fetch_sub(&load->in_flight, 1);
}

static struct asker asker_of(unsigned index, uint64_t number, size_t size)
{
    struct asker asker = {.number = number, .body = mem_zalloc(size)};
    asker.prefix =
        (size_t)snprintf(asker.inbox, sizeof asker.inbox, "_INBOX.p%d-%u.", (int)getpid(), index);
    return asker;
}

static void connect_caller(struct caller *caller, struct load *load, unsigned index)
{
    const struct bench_options *options = load->options;
    natsSubscription *subscription = NULL;
    char wildcard[INBOX_MAX + 1];
    caller->load = load;
    caller->connection = dial(options, options->user);
    caller->first = asker_of(index, 0, options->size);
    caller->next = asker_of(index, 1u << 20, options->size);
    snprintf(wildcard, sizeof wildcard, "%s*", caller->first.inbox);
    must(natsConnection_Subscribe(&subscription, caller->connection, wildcard, on_reply, caller),
         "subscribe");
    must(natsSubscription_SetPendingLimits(subscription, -1, -1), "limits");
    must(natsConnection_Flush(caller->connection), "flush");
}

static void drive(struct load *load, struct caller *callers, pid_t service)
{
    const struct bench_options *options = load->options;
    for (unsigned i = 0; i < options->sessions; i++)
        connect_caller(&callers[i], load, i);
    meter_begin(&load->meter, options, service);
    atomic_store(&load->in_flight, options->sessions * options->window);
    for (unsigned i = 0; i < options->sessions; i++)
        for (unsigned k = 0; k < options->window; k++)
            ask(&callers[i], &callers[i].first, clock_mono_ns());
    meter_sleep(&load->meter);
    for (int i = 0; i < 1000 && atomic_load(&load->in_flight) > 0; i++)
        usleep(1000);
}

int main(int argc, char **argv)
{
    struct bench_options options;
    char peer[64];
    peer_options(&options, argc, argv, 1, "[options]\nNATS request/reply through its C client.\n");
    struct load load = {.options = &options};
    struct child service = child_start(serve, &options);
    child_wait_ready(&service);
    struct caller *callers = mem_zalloc(options.sessions * sizeof *callers);
    drive(&load, callers, service.pid);
    struct tally total = {.errors = atomic_load(&load.in_flight)};
    for (unsigned i = 0; i < options.sessions; i++)
        tally_merge(&total, &callers[i].tally);
    snprintf(peer, sizeof peer, "nats-%s", options.mode[0] ? options.mode : "async");
    meter_report(peer, &options, &load.meter, &total);
    child_stop(&service);
    return 0;
}
