#include "rounds.h"

#include "base/clock.h"
#include "base/mem.h"
#include "measure/meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LAST_REPLIES_MS 12000u

unsigned rounds_calls(const struct bench_options *options)
{
    return (unsigned)(options->seconds / 2 * ROUNDS_CALLS_A_SECOND);
}

void rounds_init(struct round *rounds, size_t n, unsigned most)
{
    for (size_t i = 0; i < n; i++) {
        rounds[i] = (struct round){.most = most};
        rounds[i].samples = mem_zalloc(most * sizeof *rounds[i].samples);
        rounds[i].took = mem_zalloc(most * sizeof *rounds[i].took);
    }
}

void rounds_finish(struct round *rounds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mem_free(rounds[i].samples);
        mem_free(rounds[i].took);
    }
}

/* ---- calls ---- */

static void on_reply(void *arg, const fbx_reply *reply)
{
    const struct sample *sample = arg;
    struct round *round = sample->round;
    int status = fbx_reply_status(reply);
    if (status == FBX_DEADLINE_EXCEEDED)
        atomic_fetch_add(&round->late, 1);
    else if (status != FBX_OK && atomic_fetch_add(&round->errors, 1) == 0)
        fprintf(stderr, "farebox-bench: a call failed: %s: %s\n", fbx_status_text(status),
                fbx_reply_message(reply));
    round->took[atomic_load(&round->answered)] = clock_mono_ns() - sample->due;
    atomic_fetch_add(&round->answered, 1);
}

void round_call(struct round *round, const struct steady *steady, unsigned calls)
{
    const fbx_call_options options = {.timeout_ms = steady->timeout_ms};
    uint64_t due = clock_mono_ns();
    for (unsigned i = 0; i < calls && round->made < round->most; i++) {
        struct sample *sample = &round->samples[round->made];
        due += NS_PER_SEC / ROUNDS_CALLS_A_SECOND;
        meter_sleep_until(due);
        *sample = (struct sample){round, due};
        if (fbx_call_async(steady->bus, steady->service, "echo", steady->body, &options, on_reply,
                           sample, NULL) == 0)
            round->made++;
        else
            atomic_fetch_add(&round->errors, 1);
    }
}

static unsigned unanswered(const struct round *rounds, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += rounds[i].made - atomic_load(&rounds[i].answered);
    return sum;
}

void rounds_wait(const struct round *rounds, size_t n)
{
    for (unsigned ms = 0; ms < LAST_REPLIES_MS && unanswered(rounds, n) > 0; ms++)
        usleep(1000);
}

/* ---- what came of it ---- */

unsigned rounds_failed(const struct round *rounds, size_t n)
{
    unsigned sum = unanswered(rounds, n);
    for (size_t i = 0; i < n; i++)
        sum += atomic_load(&rounds[i].late) + atomic_load(&rounds[i].errors);
    return sum;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double p99_us(struct round *round)
{
    unsigned n = atomic_load(&round->answered);
    qsort(round->took, n, sizeof *round->took, ascending);
    unsigned beyond = n / 100;
    return n ? (double)round->took[n - 1 - beyond] / 1e3 : 0;
}

static int ascending_us(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double rounds_p99_us(struct round *rounds, enum phase phase)
{
    double p99[ROUNDS];
    for (unsigned i = 0; i < ROUNDS; i++)
        p99[i] = p99_us(&rounds[PHASES * i + phase]);
    qsort(p99, ROUNDS, sizeof p99[0], ascending_us);
    return (p99[ROUNDS / 2 - 1] + p99[ROUNDS / 2]) / 2;
}
