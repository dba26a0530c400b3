/* The simulator: `sim --seeds N` plays seeds 1 to N, `sim --seed N [--trace]` plays one. */
#include "world.h"

#include "base/log.h"

#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SEEDS_FOR_SIGHTS 1000u /* so many see everything there is to see */
#define TWICE_EVERY 50u        /* one seed in so many is played twice: it must go the same way */

static volatile uint64_t playing;

/* Not safe in a signal handler in general; the process is lost anyway. */
static void on_crash(int number)
{
    printf("\nseed %" PRIu64 " crashed (signal %d); replay: make sim SEED=%" PRIu64 " V=1\n",
           playing, number, playing);
    fflush(stdout);
    signal(number, SIG_DFL);
    raise(number);
}

static struct outcome play(uint64_t seed, enum trace_mode mode)
{
    playing = seed;
    return world_run(seed, mode);
}

static int report(uint64_t seed, const struct outcome *verdict)
{
    printf("seed %" PRIu64 " breaks %s: %s\n  %s\nThe last that happened:\n", seed,
           promise_name(verdict->breach.promise), promise_text(verdict->breach.promise),
           verdict->breach.what);
    play(seed, TRACE_KEEP);
    printf("replay: make sim SEED=%" PRIu64 " V=1\n", seed);
    return 1;
}

static int play_again(uint64_t seed, const struct outcome *first)
{
    struct outcome second = play(seed, TRACE_HASH);
    if (second.hash == first->hash)
        return 0;
    printf("seed %" PRIu64 " went another way the second time\n", seed);
    return 1;
}

static int play_many(uint64_t from, uint64_t to, bool tell)
{
    struct outcome sum = {0};
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (uint64_t seed = from; seed <= to; seed++) {
        struct outcome verdict = play(seed, TRACE_HASH);
        if (verdict.breach.broken)
            return report(seed, &verdict);
        if (seed % TWICE_EVERY == 0 && play_again(seed, &verdict) != 0)
            return 1;
        sights_add(&sum.sights, &verdict.sights);
        sum.calls += verdict.calls;
        sum.events += verdict.events;
        sum.deliveries += verdict.deliveries;
        sum.turns += verdict.turns;
        sum.boots += verdict.boots;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double took = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    printf("%" PRIu64 " seeds kept %d promises in %.1f s: %" PRIu64 " calls, %" PRIu64
           " events, %" PRIu64 " deliveries, %" PRIu64 " turns, %" PRIu64 " broker starts\n",
           to - from + 1, PROMISES, took, sum.calls, sum.events, sum.deliveries, sum.turns,
           sum.boots);
    if (tell)
        sights_print(&sum.sights);
    return to - from + 1 < SEEDS_FOR_SIGHTS || sights_complete(&sum.sights) ? 0 : 1;
}

static int play_one(uint64_t seed, bool trace)
{
    struct outcome verdict = play(seed, trace ? TRACE_PRINT : TRACE_HASH);
    if (verdict.breach.broken)
        return report(seed, &verdict);
    printf("seed %" PRIu64 " kept its promises: %" PRIu64 " calls, %" PRIu64
           " events, hash %016" PRIx64 "\n",
           seed, verdict.calls, verdict.events, verdict.hash);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t seed = 0, seeds = 100, from = 1;
    bool trace = false;
    for (int i = 1; i < argc; i++) {
        uint64_t value = i + 1 < argc ? strtoull(argv[i + 1], NULL, 10) : 0;
        if (strcmp(argv[i], "--trace") == 0)
            trace = true;
        else if (strcmp(argv[i], "--seed") == 0)
            seed = value;
        else if (strcmp(argv[i], "--seeds") == 0)
            seeds = value;
        else if (strcmp(argv[i], "--from") == 0)
            from = value;
    }
    if (sodium_init() < 0)
        return 70;
    signal(SIGSEGV, on_crash);
    signal(SIGABRT, on_crash);
    log_set_level(LOG_ERROR);
    return seed ? play_one(seed, trace) : play_many(from, from + seeds - 1, trace);
}
