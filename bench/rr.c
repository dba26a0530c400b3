#include "bus.h"
#include "cases.h"

#include "base/clock.h"
#include "base/mem.h"
#include "measure/child.h"
#include "measure/fail.h"
#include "measure/meter.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#define ECHO_SERVICE "bench-echo"
#define LAST_REPLIES_MS 2000

struct load {
    const struct bench_options *options;
    struct bus bus;
    struct meter meter;
    void *body;
    _Atomic unsigned in_flight;
};

/* The callbacks of a session run one at a time, so its tally needs no lock. */
struct session {
    fbx_bus *bus;
    struct load *load;
    struct tally tally;
    fbx_reply *failure; /* the first */
};

struct slot {
    struct session *session;
    uint64_t sent;
};

/* ---- the service ---- */

static void serve(int fd, void *arg)
{
    const struct load *load = arg;
    fbx_bus *bus = bus_connect(&load->bus, ECHO_SERVICE, load->options);
    bus_serve_echo(bus, ECHO_SERVICE, load->options->window * load->options->sessions);
    child_ready(fd);
    child_wait_parent(fd);
}

/* ---- the load ---- */

static void on_reply(void *arg, const fbx_reply *reply);

static int ask(struct slot *slot, uint64_t now)
{
    const struct load *load = slot->session->load;
    const struct bench_options *options = load->options;
    slot->sent = now;
    return fbx_call_async(slot->session->bus, options->service ? options->service : ECHO_SERVICE,
                          options->method, (fbx_bytes){load->body, options->size}, NULL, on_reply,
                          slot, NULL);
}

static void on_reply(void *arg, const fbx_reply *reply)
{
    struct slot *slot = arg;
    struct session *session = slot->session;
    struct load *load = session->load;
    uint64_t now = clock_mono_ns();
    if (fbx_reply_status(reply) == FBX_OK) {
        tally_hit(&session->tally, &load->meter, slot->sent, now);
    } else {
        session->tally.errors++;
        if (!session->failure)
            session->failure = fbx_reply_retain(reply);
    }
    if (now < load->meter.end) {
        if (ask(slot, now) == 0)
            return;
        session->tally.errors++;
    }
    atomic_fetch_sub(&load->in_flight, 1);
}

static void start_session(struct session *session, struct slot *slots)
{
    unsigned window = session->load->options->window;
    for (unsigned i = 0; i < window; i++) {
        slots[i].session = session;
        int error = ask(&slots[i], clock_mono_ns());
        if (error)
            fail_with("call: %s", fbx_error_text(error));
    }
}

static void drive(struct load *load, struct session *sessions, pid_t service)
{
    const struct bench_options *options = load->options;
    struct slot *slots = mem_zalloc((size_t)options->sessions * options->window * sizeof *slots);
    for (unsigned i = 0; i < options->sessions; i++) {
        sessions[i].load = load;
        sessions[i].bus = bus_connect(&load->bus, "bench", options);
    }
    meter_begin(&load->meter, options, service);
    atomic_store(&load->in_flight, options->sessions * options->window);
    for (unsigned i = 0; i < options->sessions; i++)
        start_session(&sessions[i], slots + (size_t)i * options->window);
    meter_sleep(&load->meter);
    for (int i = 0; i < LAST_REPLIES_MS && atomic_load(&load->in_flight) > 0; i++)
        usleep(1000);
    unsigned unanswered = atomic_load(&load->in_flight);
    if (unanswered)
        fprintf(stderr, "farebox-bench: %u calls were not answered in time\n", unanswered);
    for (unsigned i = 0; i < options->sessions; i++)
        fbx_close(sessions[i].bus);
    sessions[0].tally.errors += unanswered;
    mem_free(slots);
}

/* One example says more than a count of errors. */
static void explain(struct session *sessions, unsigned n)
{
    bool told = false;
    for (unsigned i = 0; i < n; i++) {
        const fbx_reply *failure = sessions[i].failure;
        if (failure && !told)
            fprintf(stderr, "farebox-bench: a call failed: %s: %s\n",
                    fbx_status_text(fbx_reply_status(failure)), fbx_reply_message(failure));
        told |= failure != NULL;
        fbx_reply_free(sessions[i].failure);
    }
}

int case_rr(struct bench_options *options)
{
    struct load load = {.options = options};
    struct child service = {0};
    bus_open(&load.bus, options);
    load.body = bus_body(options->size);
    if (!options->service) {
        service = child_start(serve, &load);
        child_wait_ready(&service);
    }
    struct session *sessions = mem_zalloc(options->sessions * sizeof *sessions);
    drive(&load, sessions, service.pid);
    for (unsigned i = 1; i < options->sessions; i++)
        tally_merge(&sessions[0].tally, &sessions[i].tally);
    explain(sessions, options->sessions);
    meter_report("farebox", options, &load.meter, &sessions[0].tally);
    int code = sessions[0].tally.hist.count ? EX_OK : EX_UNAVAILABLE;
    if (service.pid)
        child_stop(&service);
    bus_close(&load.bus);
    mem_free(sessions);
    mem_free(load.body);
    return code;
}
