/* bodies.h - what requests bring, until their handler has read it. Who shows no token brings
 * nothing that is kept, nor does a body whose answer is known, and all of them together are
 * bounded: that many connections may be strangers' (security: starvation). The loop thread's; never
 * blocks. */
#ifndef GATEWAY_BODIES_H
#define GATEWAY_BODIES_H

#include <stddef.h>

struct exchange;

/* More of the request's body. What cannot be kept is refused, and then only counted. */
void bodies_take(struct exchange *exchange, const char *data, size_t len);
/* Nobody reads it any more. */
void bodies_drop(struct exchange *exchange);

#endif
