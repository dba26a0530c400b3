/* call.h - requests that become calls. The loop thread's. */
#ifndef GATEWAY_CALL_H
#define GATEWAY_CALL_H

#include "base/slice.h"

struct exchange;

void call_handle(struct exchange *exchange);
/* Makes a call for the exchange's user; its reply becomes the answer. `payload` is copied. */
void call_begin(struct exchange *exchange, const char *service, const char *method,
                struct slice payload);

#endif
