/* meter.h - what happened within the measured time: round trips, errors and the CPU time of
 * the three parties, reported as one line of key=value fields. */
#ifndef MEASURE_METER_H
#define MEASURE_METER_H

#include "base/hist.h"
#include "options.h"

#include <stdbool.h>
#include <stdint.h>

/* The parties whose CPU time is accounted. */
enum meter_role { METER_BROKER, METER_SERVICE, METER_CLIENT, METER_ROLES };

struct meter {
    uint64_t start, end;    /* the measured time, monotonic ns */
    pid_t pid[METER_ROLES]; /* 0: not known */
    uint64_t cpu_ns[METER_ROLES][2];
    unsigned readings; /* of CPU time: one when the measured time starts, one when it ends */
};

/* Of one thread of callbacks at a time. */
struct tally {
    struct hist hist;
    uint64_t errors;
};

/* The measured time starts options->warm from now. */
void meter_begin(struct meter *meter, const struct bench_options *options, pid_t service);
/* Takes the readings: sleeping, or, for a program with a loop of its own, whenever it passes. */
void meter_sleep(struct meter *meter);
static inline bool meter_is_due(const struct meter *meter, uint64_t now)
{
    return (meter->readings == 0 && now >= meter->start) ||
           (meter->readings == 1 && now >= meter->end);
}
void meter_read_cpu(struct meter *meter);

/* A round trip from `sent` to `now` counts if it ended within the measured time. */
void tally_hit(struct tally *tally, const struct meter *meter, uint64_t sent, uint64_t now);
void tally_merge(struct tally *into, const struct tally *from);

void meter_report(const char *peer, const struct bench_options *options, const struct meter *meter,
                  const struct tally *tally);
/* For reports of another shape: quantiles of `hist`, and CPU time for each of `count`. */
void meter_print_quantiles(const struct hist *hist);
void meter_print_cpu(const struct meter *meter, uint64_t count);

void meter_sleep_until(uint64_t mono_ns);

#endif
