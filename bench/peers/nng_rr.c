/* nng_rr.c - the broker nng brings along: nng_device between a raw REP and a raw REQ socket. The
 * client is one REQ socket with a context for each request in flight, the service one REP socket
 * with as many contexts, at most 64. A raw REP socket silently drops replies beyond 64 queued for
 * one client: those requests time out after 250 ms, count as errors and are asked again.
 *   --mode ipc|tcp  (ipc; for tcp --url names a port that is free with the next one) */
#include "../measure/child.h"
#include "../measure/fail.h"
#include "../measure/meter.h"
#include "base/clock.h"
#include "base/mem.h"
#include "shared/peer.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOST_MS 250
#define SERVERS_MAX 64u

struct load {
    const struct bench_options *options;
    struct meter meter;
    _Atomic unsigned in_flight;
    char front[128], back[128];
};

static void must(int error, const char *what)
{
    if (error)
        fail_with("nng %s: %s", what, nng_strerror(error));
}

static void run_broker(int fd, void *arg)
{
    const struct load *load = arg;
    nng_socket front, back;
    must(nng_rep0_open_raw(&front), "open");
    must(nng_req0_open_raw(&back), "open");
    must(nng_listen(front, load->front, NULL, 0), "listen");
    must(nng_listen(back, load->back, NULL, 0), "listen");
    child_ready(fd);
    nng_device(front, back);
}

/* ---- the service ---- */

struct server {
    nng_ctx context;
    nng_aio *aio;
    bool sending;
};

static void serve_step(void *arg)
{
    struct server *server = arg;
    if (nng_aio_result(server->aio)) {
        if (server->sending) /* what was not sent is still ours */
            nng_msg_free(nng_aio_get_msg(server->aio));
        server->sending = true;
    }
    server->sending = !server->sending;
    if (server->sending) /* a request is its own answer */
        nng_ctx_send(server->context, server->aio);
    else
        nng_ctx_recv(server->context, server->aio);
}

static void serve(int fd, void *arg)
{
    const struct load *load = arg;
    unsigned window = load->options->window;
    unsigned n = window < SERVERS_MAX ? window : SERVERS_MAX;
    struct server *servers = mem_zalloc(n * sizeof *servers);
    nng_socket socket;
    must(nng_rep0_open(&socket), "open");
    for (unsigned i = 0; i < n; i++) {
        must(nng_ctx_open(&servers[i].context, socket), "context");
        must(nng_aio_alloc(&servers[i].aio, serve_step, &servers[i]), "aio");
        nng_ctx_recv(servers[i].context, servers[i].aio);
    }
    must(nng_dial(socket, load->back, NULL, 0), "dial");
    usleep(200000); /* the device has seen it by then */
    child_ready(fd);
    child_wait_parent(fd);
}

/* ---- the load ---- */

struct caller {
    struct load *load;
    nng_ctx context;
    nng_aio *aio;
    bool waiting; /* for the reply; else for the request to leave */
    uint64_t sent;
    struct tally tally; /* callbacks run on several threads */
};

static void ask(struct caller *caller, uint64_t now)
{
    nng_msg *request;
    size_t size = caller->load->options->size;
    must(nng_msg_alloc(&request, size), "message");
    memset(nng_msg_body(request), 0, size);
    caller->waiting = false;
    caller->sent = now;
    nng_aio_set_msg(caller->aio, request);
    nng_ctx_send(caller->context, caller->aio);
}

static void call_step(void *arg)
{
    struct caller *caller = arg;
    struct load *load = caller->load;
    uint64_t now = clock_mono_ns();
    bool lost = nng_aio_result(caller->aio) != 0;
    if (!lost && !caller->waiting) {
        caller->waiting = true;
        nng_ctx_recv(caller->context, caller->aio);
        return;
    }
    if (!lost || !caller->waiting)
        nng_msg_free(nng_aio_get_msg(caller->aio));
    if (lost)
        caller->tally.errors++;
    else
        tally_hit(&caller->tally, &load->meter, caller->sent, now);
    if (now < load->meter.end)
        ask(caller, now);
    else
        atomic_fetch_sub(&load->in_flight, 1);
}

static void drive(struct load *load, struct caller *callers, pid_t service)
{
    const struct bench_options *options = load->options;
    nng_socket socket;
    must(nng_req0_open(&socket), "open");
    must(nng_dial(socket, load->front, NULL, 0), "dial");
    meter_begin(&load->meter, options, service);
    atomic_store(&load->in_flight, options->window);
    for (unsigned i = 0; i < options->window; i++) {
        callers[i].load = load;
        must(nng_ctx_open(&callers[i].context, socket), "context");
        must(nng_aio_alloc(&callers[i].aio, call_step, &callers[i]), "aio");
        nng_aio_set_timeout(callers[i].aio, LOST_MS);
        ask(&callers[i], clock_mono_ns());
    }
    meter_sleep(&load->meter);
    for (int i = 0; i < 1000 && atomic_load(&load->in_flight) > 0; i++)
        usleep(1000);
}

static bool set_urls(struct load *load)
{
    const struct bench_options *options = load->options;
    const char *folder = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    bool ipc = strcmp(options->mode, "tcp") != 0;
    int port = ipc ? 0 : peer_port(options->url);
    if (ipc) {
        snprintf(load->front, sizeof load->front, "ipc://%s/nng-%d-f", folder, (int)getpid());
        snprintf(load->back, sizeof load->back, "ipc://%s/nng-%d-b", folder, (int)getpid());
    } else {
        snprintf(load->front, sizeof load->front, "tcp://127.0.0.1:%d", port);
        snprintf(load->back, sizeof load->back, "tcp://127.0.0.1:%d", port + 1);
    }
    return ipc;
}

int main(int argc, char **argv)
{
    struct bench_options options;
    peer_options(&options, argc, argv, 1, "[options]\nThe bare broker of nng.\n");
    struct load load = {.options = &options};
    bool ipc = set_urls(&load);
    struct child broker = child_start(run_broker, &load);
    child_wait_ready(&broker);
    struct child service = child_start(serve, &load);
    child_wait_ready(&service);
    options.broker_pid = broker.pid;
    struct caller *callers = mem_zalloc(options.window * sizeof *callers);
    drive(&load, callers, service.pid);
    struct tally total = {.errors = 0};
    for (unsigned i = 0; i < options.window; i++)
        tally_merge(&total, &callers[i].tally);
    meter_report(ipc ? "nng-ipc" : "nng-tcp", &options, &load.meter, &total);
    child_stop(&service);
    child_stop(&broker);
    if (ipc) {
        unlink(load.front + strlen("ipc://"));
        unlink(load.back + strlen("ipc://"));
    }
    return 0;
}
