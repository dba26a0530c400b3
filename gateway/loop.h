/* loop.h - the gateway's one thread: what comes from clients becomes calls, what comes from the bus
 * becomes responses, a batch of each in a turn. */
#ifndef GATEWAY_LOOP_H
#define GATEWAY_LOOP_H

#include "server.h"

/* Until SIGTERM or SIGINT came and what was under way has ended, or drain-ms are over. `signals`
 * is a signalfd. Returns 0 or a negative errno; -EACCES: the broker no longer takes the
 * gateway's token. */
int loop_run(struct gateway *gateway, struct server *server, int signals);

#endif
