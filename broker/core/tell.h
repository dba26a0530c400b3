/* tell.h - what a caller is told: what the service answers, and by the broker itself which request
 * it was, for whom it took it, and what is left of their limits. */
#ifndef CORE_TELL_H
#define CORE_TELL_H

#include "base/slice.h"

struct call;
struct core;
struct wire_reply;

/* Whatever the service has written where only the broker may speak is left out. A caller that is
 * gone hears nothing. */
void tell_reply(struct core *core, struct call *call, const struct wire_reply *reply);
/* The next part; the caller must be there, in a session. The first says the terms, if they were
 * asked for. */
void tell_part(struct core *core, struct call *call, struct slice payload);

#endif
