/* rounds.h - calls at a steady pace in rounds of two kinds that take turns, so that whatever else
 * the machine does meets both. Latencies are from when a call was due, not from when it could be
 * made. What is compared is the median of the rounds' p99: a hiccup of the machine is in one round.
 */
#ifndef BENCH_ROUNDS_H
#define BENCH_ROUNDS_H

#include "farebox.h"
#include "measure/options.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define ROUNDS 16u /* of each kind */
#define ROUNDS_CALLS_A_SECOND 1000u
#define ROUNDS_SETTLE_MS 500u /* until what the round before did is over */

enum phase { QUIET, NOISY, PHASES };

struct sample {
    struct round *round;
    uint64_t due;
};

/* Written by the one thread of callbacks until `answered` is `made`. */
struct round {
    struct sample *samples;
    uint64_t *took;
    unsigned most, made;
    _Atomic unsigned answered, late, errors; /* late: ran into its deadline; no error */
};

/* What is called. Borrowed while calls are under way. */
struct steady {
    fbx_bus *bus;
    const char *service;
    fbx_bytes body;
    uint32_t timeout_ms; /* 0: the bus's default */
};

/* The calls of a round that lasts half of options->seconds. */
unsigned rounds_calls(const struct bench_options *options);
/* Room for `most` calls in each of `n`. */
void rounds_init(struct round *rounds, size_t n, unsigned most);
void rounds_finish(struct round *rounds, size_t n);
/* Sleeps until each of the next `calls` is due and makes it; returns after the last was made. */
void round_call(struct round *round, const struct steady *steady, unsigned calls);
/* Waits, within reason, for the last replies. Not once the bus is closed. */
void rounds_wait(const struct round *rounds, size_t n);
/* Calls that were late, ended otherwise than ok, or not at all. */
unsigned rounds_failed(const struct round *rounds, size_t n);
/* Of the rounds of that phase; rounds[PHASES * i + phase] for i below ROUNDS. After rounds_wait().
 */
double rounds_p99_us(struct round *rounds, enum phase phase);

#endif
