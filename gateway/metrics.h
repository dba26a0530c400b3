/* metrics.h - GET /metrics: the gateway's traffic and the broker's counters, for Prometheus. Who
 * may see them the broker decides: they are its bus.stats. */
#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H

struct exchange;

/* The loop thread's. */
/* The loop thread's. */
void metrics_handle(struct exchange *exchange);

#endif
