/* instance.c - does a caller feel that one of a service's instances is stopped? It calls the
 * service at a steady pace; in every other round one of the three instances is stopped while calls
 * are under way. What is stopped is replaced after its round, so that each stop meets a bus that
 * knows nothing of it. */
#include "bus.h"
#include "cases.h"
#include "rounds.h"

#include "base/clock.h"
#include "base/mem.h"
#include "measure/child.h"

#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#define SERVICE "bench-echo"
#define STAYING 2u        /* instances that are never stopped */
#define CALLS_BEFORE 100u /* of a round, before the stop: the newest instance is known by then */
#define TIMEOUT_MS 300u

struct scene {
    struct bench_options *options;
    struct bus bus;
    struct child staying[STAYING], stopped[ROUNDS];
    /* rounds[PHASES * i + phase]; those before are the calls until the stop. */
    struct round before[ROUNDS * PHASES], rounds[ROUNDS * PHASES];
};

static void serve(int fd, void *arg)
{
    const struct scene *scene = arg;
    child_wait_go(fd);
    fbx_bus *bus = bus_connect(&scene->bus, SERVICE, scene->options);
    bus_serve_echo(bus, SERVICE, 0);
    child_ready(fd);
    child_wait_parent(fd);
}

static void hire(const struct child *child)
{
    child_go(child);
    child_wait_ready(child);
}

/* ---- the run ---- */

static void take_turn(struct scene *scene, const struct steady *steady, unsigned i)
{
    struct round *before = &scene->before[i], *round = &scene->rounds[i];
    struct child *newest = &scene->stopped[i / PHASES];
    if (i % PHASES == QUIET)
        hire(newest);
    usleep(ROUNDS_SETTLE_MS * 1000);
    round_call(before, steady, before->most);
    if (i % PHASES == NOISY)
        kill(newest->pid, SIGSTOP);
    round_call(round, steady, round->most);
    rounds_wait(before, 1);
    rounds_wait(round, 1);
    if (i % PHASES == NOISY)
        child_stop(newest);
}

static void take_turns(struct scene *scene)
{
    void *body = bus_body(scene->options->size);
    const struct steady steady = {.bus = bus_connect(&scene->bus, "bench", scene->options),
                                  .service = SERVICE,
                                  .body = {body, scene->options->size},
                                  .timeout_ms = TIMEOUT_MS};
    for (unsigned i = 0; i < ROUNDS * PHASES; i++)
        take_turn(scene, &steady, i);
    fbx_close(steady.bus);
    mem_free(body);
}

/* Lost are the calls that a stopped instance had or was given; whatever else failed is an error. */
static int report(struct scene *scene)
{
    unsigned in_hand = 0, later = 0, most = 0,
             errors = rounds_failed(scene->before, ROUNDS * PHASES) +
                      rounds_failed(scene->rounds, ROUNDS * PHASES);
    for (unsigned i = NOISY; i < ROUNDS * PHASES; i += PHASES) {
        unsigned late = atomic_load(&scene->rounds[i].late);
        in_hand += atomic_load(&scene->before[i].late);
        later += late;
        most = late > most ? late : most;
    }
    double quiet = rounds_p99_us(scene->rounds, QUIET), noisy = rounds_p99_us(scene->rounds, NOISY);
    printf(
        "peer=farebox case=instance quiet_p99_us=%.1f stopped_p99_us=%.1f p99_ratio=%.3f errors=%u "
        "stops=%u lost_in_hand=%u lost_later=%u lost_later_most=%u\n",
        quiet, noisy, quiet > 0 ? noisy / quiet : 0, errors - in_hand - later, ROUNDS, in_hand,
        later, most);
    fflush(stdout);
    return quiet > 0 ? EX_OK : EX_UNAVAILABLE;
}

int case_instance(struct bench_options *options)
{
    struct scene *scene = mem_zalloc(sizeof *scene);
    scene->options = options;
    rounds_init(scene->before, ROUNDS * PHASES, CALLS_BEFORE);
    rounds_init(scene->rounds, ROUNDS * PHASES, rounds_calls(options));
    bus_open(&scene->bus, options);
    for (unsigned i = 0; i < ROUNDS; i++)
        scene->stopped[i] = child_start(serve, scene);
    for (unsigned i = 0; i < STAYING; i++) {
        scene->staying[i] = child_start(serve, scene);
        hire(&scene->staying[i]);
    }
    take_turns(scene);
    int code = report(scene);
    for (unsigned i = 0; i < STAYING; i++)
        child_stop(&scene->staying[i]);
    bus_close(&scene->bus);
    rounds_finish(scene->before, ROUNDS * PHASES);
    rounds_finish(scene->rounds, ROUNDS * PHASES);
    mem_free(scene);
    return code;
}
