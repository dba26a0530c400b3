/* allowance.h - were more calls let through than a rate allows? Exact, whenever calls were made: a
 * call was judged between being sent and being answered, so whatever lies within any stretch of
 * time was let through in it. Pure. */
#ifndef BENCH_ALLOWANCE_H
#define BENCH_ALLOWANCE_H

#include <stddef.h>
#include <stdint.h>

/* One that was let through; monotonic ns. */
struct let_through {
    uint64_t sent, answered;
};

/* The most calls too many in any stretch, of a minute or as the burst allows; 0: none. `calls` in
 * the order of their answers. */
uint64_t allowance_exceeded(const struct let_through *calls, size_t n, uint32_t per_minute,
                            uint32_t burst);

#endif
