/* trace.h - W3C Trace Context (Level 1): one that is no trace is as if it were not there. */
#ifndef GATEWAY_TRACE_H
#define GATEWAY_TRACE_H

#include <stdbool.h>

struct exchange;

/* Is this a traceparent, of this version or a later one? Pure. */
bool trace_valid(const char *text);
/* Those of the request, or NULL. Borrowed while the connection lives. */
const char *trace_parent(const struct exchange *exchange);
/* Only with a traceparent. */
const char *trace_state(const struct exchange *exchange);

#endif
