/* noisy.c - does one tenant feel another? Tenant B calls at a steady pace, alone and beside a
 * neighbour, in turns. */
#include "allowance.h"
#include "broker.h"
#include "bus.h"
#include "cases.h"

#include "base/clock.h"
#include "base/mem.h"
#include "measure/child.h"
#include "measure/fail.h"
#include "measure/meter.h"
#include "rounds.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#define ECHO_SERVICE "bench-echo"
#define STUCK_SERVICE "bench-stuck"
#define NEIGHBOUR_FACTOR 100u      /* times its limit */
#define STUCK_CALLS_A_SECOND 1000u /* of tenant A to the service that stands still */
#define STUCK_TIMEOUT_MS 300u
#define ADMITTED_MAX (1u << 17)

/* What the neighbour's process and this one both see. */
struct shared {
    _Atomic int noisy;
    _Atomic uint64_t offered, admitted, refused, failed;
    struct let_through calls[ADMITTED_MAX]; /* that were admitted */
};

/* A neighbour's call under way. */
struct noise {
    struct shared *shared;
    uint64_t sent;
};

struct scene {
    struct bench_options *options;
    struct bus bus;
    struct shared *shared;
    bool stuck; /* the neighbour's service is, instead of the neighbour being loud */
    void *body;
};

/* ---- services ---- */

static void serve(int fd, const struct scene *scene, const char *name)
{
    fbx_bus *bus = bus_connect(&scene->bus, name, scene->options);
    bus_serve_echo(bus, name, 0);
    child_ready(fd);
    child_wait_parent(fd);
}

static void serve_echo(int fd, void *arg)
{
    serve(fd, arg, ECHO_SERVICE);
}

static void serve_stuck(int fd, void *arg)
{
    serve(fd, arg, STUCK_SERVICE);
}

/* ---- the neighbour ---- */

static void on_neighbours_reply(void *arg, const fbx_reply *reply)
{
    struct noise *noise = arg;
    struct shared *shared = noise->shared;
    uint64_t n = atomic_load(&shared->admitted);
    switch (fbx_reply_status(reply)) {
    case FBX_OK:
        if (n < ADMITTED_MAX)
            shared->calls[n] = (struct let_through){noise->sent, clock_mono_ns()};
        atomic_store(&shared->admitted, n + 1);
        break;
    case FBX_RATE_LIMITED:
        atomic_fetch_add(&shared->refused, 1);
        break;
    default:
        atomic_fetch_add(&shared->failed, 1);
    }
    mem_free(noise);
}

static void make_noise(fbx_bus *bus, const struct scene *scene, unsigned calls)
{
    const fbx_call_options options = {.timeout_ms = scene->stuck ? STUCK_TIMEOUT_MS : 0};
    const char *service = scene->stuck ? STUCK_SERVICE : ECHO_SERVICE;
    fbx_bytes body = {scene->body, scene->options->size};
    for (unsigned i = 0; i < calls; i++) {
        struct noise *noise = mem_alloc(sizeof *noise);
        *noise = (struct noise){scene->shared, clock_mono_ns()};
        if (fbx_call_async(bus, service, "echo", body, &options, on_neighbours_reply, noise,
                           NULL) == 0)
            atomic_fetch_add(&scene->shared->offered, 1);
        else
            mem_free(noise);
    }
}

static void be_a_neighbour(int fd, void *arg)
{
    const struct scene *scene = arg;
    struct bus bus = scene->bus;
    unsigned a_second =
        scene->stuck ? STUCK_CALLS_A_SECOND : BROKER_LIMITED_PER_MINUTE / 60 * NEIGHBOUR_FACTOR;
    bus.token = broker_token("neighbour", "bench", scene->stuck ? "bench" : "limited");
    fbx_bus *session = bus_connect(&bus, "neighbour", scene->options);
    child_ready(fd);
    for (uint64_t due = clock_mono_ns();; due += NS_PER_MS) {
        meter_sleep_until(due);
        if (atomic_load(&scene->shared->noisy))
            make_noise(session, scene, a_second / 1000);
    }
}

/* ---- the run ---- */

/* Quiet and noisy rounds in turns. */
static void take_turns(const struct scene *scene, struct round *rounds)
{
    const struct steady steady = {.bus = bus_connect(&scene->bus, "bench", scene->options),
                                  .service = ECHO_SERVICE,
                                  .body = {scene->body, scene->options->size}};
    for (unsigned i = 0; i < ROUNDS * PHASES; i++) {
        atomic_store(&scene->shared->noisy, i % PHASES == NOISY);
        usleep(ROUNDS_SETTLE_MS * 1000);
        round_call(&rounds[i], &steady, rounds[i].most);
    }
    atomic_store(&scene->shared->noisy, 0);
    usleep(ROUNDS_SETTLE_MS * 1000);
    rounds_wait(rounds, ROUNDS * PHASES);
    fbx_close(steady.bus);
}

/* Of the neighbour's calls; to the service that stands still its tier has no limit. */
static uint64_t over_limit(const struct scene *scene, uint64_t admitted)
{
    if (scene->stuck)
        return 0;
    if (admitted > ADMITTED_MAX)
        fail_with("%llu calls were let through", (unsigned long long)admitted);
    return allowance_exceeded(scene->shared->calls, admitted, BROKER_LIMITED_PER_MINUTE,
                              BROKER_LIMITED_BURST);
}

static int report(const struct scene *scene, struct round *rounds)
{
    const struct shared *shared = scene->shared;
    unsigned errors = rounds_failed(rounds, ROUNDS * PHASES);
    double quiet = rounds_p99_us(rounds, QUIET), noisy = rounds_p99_us(rounds, NOISY);
    uint64_t admitted = atomic_load(&shared->admitted);
    printf("peer=farebox case=%s quiet_p99_us=%.1f noisy_p99_us=%.1f p99_ratio=%.3f errors=%u "
           "offered=%llu admitted=%llu refused=%llu failed=%llu over=%llu\n",
           scene->stuck ? "stopped" : "noisy", quiet, noisy, quiet > 0 ? noisy / quiet : 0, errors,
           (unsigned long long)atomic_load(&shared->offered), (unsigned long long)admitted,
           (unsigned long long)atomic_load(&shared->refused),
           (unsigned long long)atomic_load(&shared->failed),
           (unsigned long long)over_limit(scene, admitted));
    fflush(stdout);
    return quiet > 0 && atomic_load(&shared->offered) > 0 ? EX_OK : EX_UNAVAILABLE;
}

static struct child start(void (*run)(int fd, void *arg), struct scene *scene)
{
    struct child child = child_start(run, scene);
    child_wait_ready(&child);
    return child;
}

static int run(struct bench_options *options, bool stuck)
{
    struct scene scene = {.options = options, .stuck = stuck, .body = bus_body(options->size)};
    struct round rounds[ROUNDS * PHASES];
    rounds_init(rounds, ROUNDS * PHASES, rounds_calls(options));
    scene.shared =
        mmap(NULL, sizeof *scene.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (scene.shared == MAP_FAILED)
        fail_with("no memory to share");
    bus_open(&scene.bus, options);
    struct child service = start(serve_echo, &scene), stopped = start(serve_stuck, &scene);
    struct child neighbour = start(be_a_neighbour, &scene);
    if (stuck)
        kill(stopped.pid, SIGSTOP);
    take_turns(&scene, rounds);
    int code = report(&scene, rounds);
    child_stop(&neighbour);
    child_stop(&stopped);
    child_stop(&service);
    bus_close(&scene.bus);
    rounds_finish(rounds, ROUNDS * PHASES);
    munmap(scene.shared, sizeof *scene.shared);
    mem_free(scene.body);
    return code;
}

int case_noisy(struct bench_options *options)
{
    return run(options, false);
}

int case_stopped(struct bench_options *options)
{
    return run(options, true);
}
