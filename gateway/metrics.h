/* metrics.h - GET /metrics: the gateway's traffic and the broker's counters, for Prometheus. Who
 * may see them the broker decides: they are its bus.stats. */
#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H

#include "traffic.h"

#include <jansson.h>

struct exchange;

/* The loop thread's. */
void metrics_handle(struct exchange *exchange);
/* All of it as text, appended. `stats`: what bus.stats says; NULL: the broker is away. */
void metrics_write(struct buf *out, const struct traffic *traffic, const json_t *stats);

#endif
