/* pace.h - how long something has been taking lately: an average in which newer samples count
 * more. Pure; not thread safe. */
#ifndef POLICY_PACE_H
#define POLICY_PACE_H

#include <stdint.h>

/* Zeroed knows nothing. */
struct pace {
    uint32_t samples; /* stops at its largest value */
    uint64_t average_us, newest_us;
    uint64_t at; /* mono ns of the newest */
};

void pace_add(struct pace *pace, uint64_t took_ns, uint64_t now);
/* The average, halved for every second without a sample: what was slow once and has not been
 * asked since deserves another try. `otherwise` when there is none. */
uint64_t pace_recent_us(const struct pace *pace, uint64_t now, uint64_t otherwise);
/* No more than it takes: the average or the newest sample, whichever is less. */
uint64_t pace_least_us(const struct pace *pace);

#endif
