/* publish.h - requests that become events. The loop thread's. */
#ifndef GATEWAY_PUBLISH_H
#define GATEWAY_PUBLISH_H

struct exchange;

void publish_handle(struct exchange *exchange);

#endif
