/* clock.h - the two clocks, for programs; the core and the client engine are
 * given time instead. Thread safe. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_SEC 1000000000ull
#define NS_PER_MS 1000000ull
#define CLOCK_TEXT_BYTES 40

/* A moment on both clocks, so that pure code never asks. */
struct moment {
    uint64_t mono_ns; /* CLOCK_MONOTONIC: durations, deadlines */
    uint64_t unix_ms; /* CLOCK_REALTIME: token expiry, records */
};

struct moment clock_now(void);
uint64_t clock_mono_ns(void);
/* "2026-11-30T06:55:25.747Z" */
void clock_text(char out[CLOCK_TEXT_BYTES], uint64_t unix_ms);

#endif
