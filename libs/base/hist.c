#include "base/hist.h"

#include <stdbool.h>

#define STEP_BITS 4u
#define STEPS (1u << STEP_BITS)

/* Values below STEPS have a bucket each; above, each octave has STEPS. */
static unsigned bucket_of(uint64_t value)
{
    if (value < STEPS)
        return (unsigned)value;
    unsigned octave = 63u - (unsigned)__builtin_clzll(value);
    unsigned step = (unsigned)(value >> (octave - STEP_BITS)) & (STEPS - 1);
    return (octave - STEP_BITS + 1) * STEPS + step;
}

static uint64_t middle_of(unsigned bucket)
{
    if (bucket < STEPS)
        return bucket;
    unsigned shift = bucket / STEPS - 1;
    uint64_t low = (uint64_t)(STEPS + bucket % STEPS) << shift;
    return low + ((UINT64_C(1) << shift) >> 1);
}

/* Long runs fill a bucket: halving all of them keeps the quantiles. */
static void halve(struct hist *hist)
{
    for (unsigned i = 0; i < HIST_BUCKETS; i++)
        hist->bucket[i] /= 2;
}

void hist_add(struct hist *hist, uint64_t value)
{
    unsigned bucket = bucket_of(value);
    if (hist->bucket[bucket] == UINT32_MAX)
        halve(hist);
    hist->bucket[bucket]++;
    hist->count++;
    hist->sum += value;
    if (value > hist->max)
        hist->max = value;
}

static bool fits(const struct hist *into, const struct hist *from)
{
    for (unsigned i = 0; i < HIST_BUCKETS; i++)
        if (from->bucket[i] > UINT32_MAX - into->bucket[i])
            return false;
    return true;
}

void hist_merge(struct hist *into, const struct hist *from)
{
    uint32_t divisor = 1;
    if (!fits(into, from)) {
        halve(into);
        divisor = 2;
    }
    for (unsigned i = 0; i < HIST_BUCKETS; i++)
        into->bucket[i] += from->bucket[i] / divisor;
    into->count += from->count;
    into->sum += from->sum;
    if (from->max > into->max)
        into->max = from->max;
}

static uint64_t bucketed(const struct hist *hist)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < HIST_BUCKETS; i++)
        total += hist->bucket[i];
    return total;
}

uint64_t hist_at(const struct hist *hist, double q)
{
    double rank = q * (double)bucketed(hist);
    double seen = 0;
    for (unsigned i = 0; i < HIST_BUCKETS; i++) {
        seen += hist->bucket[i];
        if (seen >= rank && seen > 0) {
            uint64_t middle = middle_of(i);
            return middle < hist->max ? middle : hist->max;
        }
    }
    return hist->max;
}

uint64_t hist_at_us(const struct hist *hist, double q)
{
    return (hist_at(hist, q) + 999) / 1000;
}
