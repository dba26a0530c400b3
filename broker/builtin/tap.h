/* tap.h - bus.tap: a live view of calls and events for an administrator. An observer:
 * it sees outcomes and changes none. Payloads are shown only when asked for. */
#ifndef BUILTIN_TAP_H
#define BUILTIN_TAP_H

#include "core/call.h"

struct taps;

struct taps *taps_create(void);
void taps_destroy(struct core *core);
/* The broker is stopping: ends the calls they stream to. */
void taps_drain(struct core *core);
/* A call has ended. */
void taps_call(struct core *core, struct call *call, const struct wire_reply *reply);
/* An event was published. */
void taps_event(struct core *core, const struct identity *identity,
                const struct wire_publish *publish);

/* Ends those whose token was revoked. */
void taps_revoked(struct core *core);

#endif
