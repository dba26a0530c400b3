/* nats_raw.c - request/reply with the NATS protocol spoken by hand: one thread a process, epoll,
 * one write for each batch of input. What the server can do with an ideal client. */
#include "../measure/child.h"
#include "../measure/fail.h"
#include "../measure/meter.h"
#include "base/clock.h"
#include "base/mem.h"
#include "shared/nats_wire.h"
#include "shared/peer.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define TEXT(literal) ((struct nats_text){literal, sizeof literal - 1})
#define SUBJECT TEXT("bench.svc.echo")
#define NOTHING ((struct nats_text){NULL, 0})
#define INBOX_MAX 64

static struct stream *dial(const struct bench_options *options, int epoll, const char *user)
{
    const char *password = user == options->user ? options->password : user;
    return nats_dial(epoll, peer_port(options->url), user, password);
}

/* ---- the service ---- */

static void answer_all(struct stream *stream, int fd, bool *ready)
{
    struct nats_message message;
    for (enum nats_kind kind; (kind = nats_take(stream, &message)) != NATS_MORE;) {
        if (kind == NATS_MESSAGE) {
            nats_publish(stream, message.reply, NOTHING, message.body, NULL);
        } else if (kind == NATS_PING) {
            stream_put(stream, "PONG\r\n");
        } else if (!*ready) { /* the answer to our PING: the subscription is in place */
            *ready = true;
            child_ready(fd);
        }
    }
}

static void serve(int fd, void *arg)
{
    const struct bench_options *options = arg;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    bool ready = false;
    struct stream *stream =
        dial(options, epoll, options->service_user ? options->service_user : options->user);
    stream_put(stream, "SUB bench.svc.echo 1\r\nPING\r\n");
    stream_flush(stream);
    while (!stream->dead) {
        struct epoll_event event;
        if (epoll_wait(epoll, &event, 1, -1) < 1)
            continue;
        stream_fill(stream);
        answer_all(stream, fd, &ready);
        stream_flush(stream);
    }
}

/* ---- the load ---- */

struct load {
    const struct bench_options *options;
    struct meter meter;
    struct tally tally;
    char *body;
    unsigned in_flight;
    int epoll;
};

struct caller {
    struct stream *stream;
    char inbox[INBOX_MAX]; /* a prefix, then the request's number */
    size_t prefix;
    uint64_t number;
};

static void ask(const struct load *load, struct caller *caller, uint64_t now)
{
    size_t len = caller->prefix + nats_number(caller->inbox + caller->prefix, ++caller->number);
    nats_publish(caller->stream, SUBJECT, (struct nats_text){caller->inbox, len},
                 (struct nats_text){load->body, load->options->size}, &now);
}

static struct caller *start_callers(struct load *load)
{
    const struct bench_options *options = load->options;
    struct caller *callers = mem_zalloc(options->sessions * sizeof *callers);
    for (unsigned i = 0; i < options->sessions; i++) {
        struct caller *caller = &callers[i];
        caller->stream = dial(options, load->epoll, options->user);
        caller->stream->owner = caller;
        caller->prefix = (size_t)snprintf(caller->inbox, sizeof caller->inbox, "_INBOX.p%d-%u.",
                                          (int)getpid(), i);
        stream_put(caller->stream, "SUB ");
        stream_put(caller->stream, caller->inbox);
        stream_put(caller->stream, "* 1\r\n");
    }
    meter_begin(&load->meter, options, load->meter.pid[METER_SERVICE]);
    uint64_t now = clock_mono_ns();
    for (unsigned i = 0; i < options->sessions; i++) {
        for (unsigned k = 0; k < options->window; k++)
            ask(load, &callers[i], now);
        stream_flush(callers[i].stream);
    }
    load->in_flight = options->sessions * options->window;
    return callers;
}

static void on_reply(struct load *load, struct caller *caller, struct nats_text body, uint64_t now)
{
    uint64_t sent = now;
    if (body.len == load->options->size) {
        memcpy(&sent, body.data + body.len - sizeof sent, sizeof sent);
        tally_hit(&load->tally, &load->meter, sent, now);
    } else {
        load->tally.errors++; /* nobody serves the subject */
    }
    if (now < load->meter.end)
        ask(load, caller, now);
    else
        load->in_flight--;
}

/* One reading of the clock serves the whole batch. */
static void on_input(struct load *load, struct caller *caller, uint64_t now)
{
    struct nats_message message;
    if (!stream_fill(caller->stream) && caller->stream->dead)
        fail_with("NATS closed the connection");
    for (enum nats_kind kind; (kind = nats_take(caller->stream, &message)) != NATS_MORE;) {
        if (kind == NATS_MESSAGE)
            on_reply(load, caller, message.body, now);
        else if (kind == NATS_PING)
            stream_put(caller->stream, "PONG\r\n");
    }
    stream_flush(caller->stream);
}

static void drive(struct load *load)
{
    struct caller *callers = start_callers(load);
    uint64_t now = 0;
    while (load->in_flight > 0 && now < load->meter.end + NS_PER_SEC) {
        struct epoll_event events[64];
        int n = epoll_wait(load->epoll, events, 64, 1000);
        now = clock_mono_ns();
        if (meter_is_due(&load->meter, now))
            meter_read_cpu(&load->meter);
        for (int i = 0; i < n; i++)
            on_input(load, ((struct stream *)events[i].data.ptr)->owner, now);
    }
    while (load->meter.readings < 2)
        meter_read_cpu(&load->meter);
    load->tally.errors += load->in_flight;
    mem_free(callers);
}

int main(int argc, char **argv)
{
    struct bench_options options;
    peer_options(&options, argc, argv, 1, "[options]\nNATS request/reply by raw sockets.\n");
    peer_raise_descriptors();
    struct load load = {.options = &options, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    struct child service = child_start(serve, &options);
    child_wait_ready(&service);
    load.meter.pid[METER_SERVICE] = service.pid;
    load.body = mem_zalloc(options.size);
    drive(&load);
    meter_report("nats-raw", &options, &load.meter, &load.tally);
    child_stop(&service);
    mem_free(load.body);
    return 0;
}
