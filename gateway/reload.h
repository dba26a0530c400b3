/* reload.h - the settings, read again while the gateway runs. */
#ifndef GATEWAY_RELOAD_H
#define GATEWAY_RELOAD_H

struct gateway;

/* All or nothing: a mistake anywhere leaves everything as it is, and is logged. Requests under way
 * keep the routes they came by. The loop thread's. */
void reload(struct gateway *gateway);

#endif
