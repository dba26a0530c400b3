/* clock.h - the two clocks, for programs; the core and the client engine are
 * given time instead. Thread safe. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_SEC 1000000000ull
#define NS_PER_MS 1000000ull

/* A moment on both clocks, so that pure code never asks. */
struct moment {
    uint64_t mono_ns; /* CLOCK_MONOTONIC: durations, deadlines */
    uint64_t unix_ms; /* CLOCK_REALTIME: token expiry, records */
};

struct moment clock_now(void);
uint64_t clock_mono_ns(void);

#endif
