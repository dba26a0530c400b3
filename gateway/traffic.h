/* traffic.h - what the gateway has done so far, counted. Written by the loop thread alone; may be
 * read by any. */
#ifndef GATEWAY_TRAFFIC_H
#define GATEWAY_TRAFFIC_H

#include "base/buf.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define TRAFFIC_STATUS_MAX 600u
#define TRAFFIC_LEFT 499u   /* a status: the client left before, as others call it in their logs */
#define TRAFFIC_BUCKETS 14u /* of durations: below 1 ms, 2 ms, 4 ms … 8.192 s */

struct traffic {
    _Atomic uint64_t status[TRAFFIC_STATUS_MAX];  /* responses */
    _Atomic uint64_t bucket[TRAFFIC_BUCKETS + 1]; /* the last one: longer */
    _Atomic uint64_t ns, bytes_in, bytes_out;
    _Atomic uint64_t connections, busy; /* now */
    _Atomic uint64_t log_lost;          /* lines of the access log that could not be written */
};

/* One of the counters, or of those that say how many there are now. */
void traffic_add(_Atomic uint64_t *counter, int64_t change);
void traffic_count(struct traffic *traffic, unsigned status, uint64_t ns, size_t in, size_t out);
/* All of it in the text format of Prometheus (version 0.0.4), appended. */
void traffic_write(struct buf *out, const struct traffic *traffic);

#endif
