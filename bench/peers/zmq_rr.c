/* zmq_rr.c - the least a ZeroMQ broker does: a ROUTER/ROUTER process that routes a request by the
 * service's name and a reply by the client's identity. Frames at the client: name, body; the
 * ROUTER adds the identity.
 *   --mode ipc|tcp  (ipc; for tcp --url names a port that is free with the next one) */
#include "../measure/child.h"
#include "../measure/fail.h"
#include "../measure/meter.h"
#include "base/clock.h"
#include "base/mem.h"
#include "shared/peer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define NAME "echo"
#define BATCH 128 /* messages from one side before a look at the other */

struct load {
    const struct bench_options *options;
    struct meter meter;
    struct tally tally;
    char front[128], back[128];
};

static void *open_socket(void *context, int type)
{
    int none = 0;
    void *socket = zmq_socket(context, type);
    if (!socket)
        fail_with("zmq: %s", zmq_strerror(errno));
    zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof none); /* never drop */
    zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof none);
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    return socket;
}

/* ---- the broker ---- */

static void receive(void *from, zmq_msg_t *frame)
{
    zmq_msg_init(frame);
    if (zmq_msg_recv(frame, from, 0) < 0)
        fail_with("zmq: %s", zmq_strerror(errno));
}

static void pass(void *to, zmq_msg_t *frame, int flags)
{
    if (zmq_msg_send(frame, to, flags) < 0)
        zmq_msg_close(frame);
}

/* Between [client][name][body] in front and [name][client][body] at the back. */
static void route(void *from, void *to)
{
    zmq_msg_t first, second, body;
    receive(from, &first);
    receive(from, &second);
    receive(from, &body);
    pass(to, &second, ZMQ_SNDMORE);
    pass(to, &first, ZMQ_SNDMORE);
    pass(to, &body, 0);
}

static bool readable(void *socket)
{
    int events = 0;
    size_t len = sizeof events;
    zmq_getsockopt(socket, ZMQ_EVENTS, &events, &len);
    return events & ZMQ_POLLIN;
}

static void run_broker(int fd, void *arg)
{
    const struct load *load = arg;
    void *context = zmq_ctx_new();
    void *front = open_socket(context, ZMQ_ROUTER), *back = open_socket(context, ZMQ_ROUTER);
    if (zmq_bind(front, load->front) || zmq_bind(back, load->back))
        fail_with("zmq bind: %s", zmq_strerror(errno));
    child_ready(fd);
    zmq_pollitem_t items[] = {{front, 0, ZMQ_POLLIN, 0}, {back, 0, ZMQ_POLLIN, 0}};
    while (zmq_poll(items, 2, -1) >= 0) {
        for (int i = 0; i < BATCH && readable(front); i++)
            route(front, back);
        for (int i = 0; i < BATCH && readable(back); i++)
            route(back, front);
    }
}

/* ---- the service ---- */

static void serve(int fd, void *arg)
{
    const struct load *load = arg;
    void *socket = open_socket(zmq_ctx_new(), ZMQ_DEALER);
    zmq_setsockopt(socket, ZMQ_ROUTING_ID, NAME, sizeof NAME - 1);
    if (zmq_connect(socket, load->back))
        fail_with("zmq connect: %s", zmq_strerror(errno));
    usleep(200000); /* the handshake is over by then */
    child_ready(fd);
    for (;;) {
        zmq_msg_t frame;
        receive(socket, &frame);
        pass(socket, &frame, zmq_msg_more(&frame) ? ZMQ_SNDMORE : 0);
    }
}

/* ---- the load ---- */

static void ask(void *socket, char *body, size_t size, uint64_t now)
{
    memcpy(body + size - sizeof now, &now, sizeof now);
    if (zmq_send(socket, NAME, sizeof NAME - 1, ZMQ_SNDMORE) < 0 ||
        zmq_send(socket, body, size, 0) < 0)
        fail_with("zmq send: %s", zmq_strerror(errno));
}

static void drive(struct load *load)
{
    unsigned size = load->options->size, in_flight = load->options->window;
    char *body = mem_zalloc(size);
    char name[16];
    void *socket = open_socket(zmq_ctx_new(), ZMQ_DEALER);
    if (zmq_connect(socket, load->front))
        fail_with("zmq connect: %s", zmq_strerror(errno));
    for (unsigned i = 0; i < in_flight; i++)
        ask(socket, body, size, clock_mono_ns());
    while (in_flight > 0) {
        uint64_t sent;
        if (zmq_recv(socket, name, sizeof name, 0) < 0 ||
            zmq_recv(socket, body, size, 0) != (int)size)
            fail_with("zmq receive: %s", zmq_strerror(errno));
        uint64_t now = clock_mono_ns();
        memcpy(&sent, body + size - sizeof sent, sizeof sent);
        if (meter_is_due(&load->meter, now))
            meter_read_cpu(&load->meter);
        tally_hit(&load->tally, &load->meter, sent, now);
        if (now < load->meter.end)
            ask(socket, body, size, now);
        else
            in_flight--;
    }
    while (load->meter.readings < 2)
        meter_read_cpu(&load->meter);
    mem_free(body);
}

static bool set_urls(struct load *load)
{
    bool ipc = strcmp(load->options->mode, "tcp") != 0;
    int number = ipc ? (int)getpid() : peer_port(load->options->url);
    if (ipc) {
        snprintf(load->front, sizeof load->front, "ipc://@zmq-bench-%d-f", number);
        snprintf(load->back, sizeof load->back, "ipc://@zmq-bench-%d-b", number);
    } else {
        snprintf(load->front, sizeof load->front, "tcp://127.0.0.1:%d", number);
        snprintf(load->back, sizeof load->back, "tcp://127.0.0.1:%d", number + 1);
    }
    return ipc;
}

int main(int argc, char **argv)
{
    struct bench_options options;
    peer_options(&options, argc, argv, 1, "[options]\nA bare ROUTER/ROUTER broker of ZeroMQ.\n");
    struct load load = {.options = &options};
    bool ipc = set_urls(&load);
    struct child broker = child_start(run_broker, &load);
    child_wait_ready(&broker);
    struct child service = child_start(serve, &load);
    child_wait_ready(&service);
    options.broker_pid = broker.pid;
    meter_begin(&load.meter, &options, service.pid);
    drive(&load);
    meter_report(ipc ? "zmq-ipc" : "zmq-tcp", &options, &load.meter, &load.tally);
    child_stop(&service);
    child_stop(&broker);
    return 0;
}
