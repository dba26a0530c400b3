/* probes.h - GET /livez and /readyz, for whoever watches over the process: alive while it answers,
 * ready while it can serve. */
#ifndef GATEWAY_PROBES_H
#define GATEWAY_PROBES_H

struct exchange;

void probes_live(struct exchange *exchange);
void probes_ready(struct exchange *exchange);

#endif
