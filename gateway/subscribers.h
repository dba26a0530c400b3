/* subscribers.h - who listens to events: GET /v1/subscribe?topic=PATTERN, as Server-Sent Events.
 *
 * A subscriber outlives its connection for resume-ms and keeps what it heard last, so that a client
 * that comes back with Last-Event-ID misses nothing. Event ids are "STREAM.N": the stream's name is
 * random and goes with the token it was opened with, which is all that proves whose it is. */
#ifndef GATEWAY_SUBSCRIBERS_H
#define GATEWAY_SUBSCRIBERS_H

#include "gateway.h"

struct subscribers;

struct subscribers *subscribers_create(struct gateway *gateway);
/* The bus is closed: no callback comes any more. */
void subscribers_destroy(struct subscribers *subscribers);
/* The handler. The loop thread's, as all of this. */
void subscribers_handle(struct exchange *exchange);
/* Heartbeats, and the end of those whose client did not come back; a few times a second. What
 * was in the mailbox at the call before has been taken. */
void subscribers_tick(struct subscribers *subscribers, uint64_t now_ns);
/* Ends all streams: the gateway stops. */
void subscribers_end(struct subscribers *subscribers);

#endif
