/* usage_events.h - usage and credits as CloudEvents 1.0, a line of JSON each. Pure. */
#ifndef INSPECTOR_USAGE_EVENTS_H
#define INSPECTOR_USAGE_EVENTS_H

#include "usage_sums.h"

struct usage_events {
    struct buf out;
    const char *source; /* a URI reference */
    bool failed;        /* an event could not be written */
};

/* Appends an event for each row of an hour that is over, grouped by all names. Returns how many
 * rows of days were left out. */
size_t usage_events_of_hours(struct usage_events *events, const struct usage_sums *sums);
/* Appends one for each credit of an hour before `hour`; `made` is an array of CREDITs. */
void usage_events_of_credits(struct usage_events *events, const fbx_writer *made, const char *hour);

#endif
