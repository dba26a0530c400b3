#include "policy/pace.h"

#define NS_PER_US 1000u
#define NS_PER_SECOND UINT64_C(1000000000)
#define NEW_PART 8u /* one part in so many is the newest sample's */
#define HALVINGS_MAX 63u

void pace_add(struct pace *pace, uint64_t took_ns, uint64_t now)
{
    uint64_t us = took_ns / NS_PER_US;
    if (pace->samples == 0)
        pace->average_us = us;
    else
        pace->average_us = (pace->average_us * (NEW_PART - 1) + us) / NEW_PART;
    pace->newest_us = us;
    pace->at = now;
    pace->samples += pace->samples < UINT32_MAX;
}

uint64_t pace_recent_us(const struct pace *pace, uint64_t now, uint64_t otherwise)
{
    if (pace->samples == 0)
        return otherwise;
    uint64_t halvings = (now - pace->at) / NS_PER_SECOND;
    return pace->average_us >> (halvings < HALVINGS_MAX ? halvings : HALVINGS_MAX);
}

uint64_t pace_least_us(const struct pace *pace)
{
    return pace->average_us < pace->newest_us ? pace->average_us : pace->newest_us;
}
