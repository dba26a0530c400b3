/* bound.h - requests that a binding makes calls of. The loop thread's. */
#ifndef GATEWAY_BOUND_H
#define GATEWAY_BOUND_H

#include "binding.h"

struct exchange;

/* The route of the exchange has a binding. */
void bound_handle(struct exchange *exchange);

#endif
