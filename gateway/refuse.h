/* refuse.h - requests that are refused as requests, whatever their handler would say. Fills in the
 * answer and says whether the connection ends with it. The loop thread's; never blocks. */
#ifndef GATEWAY_REFUSE_H
#define GATEWAY_REFUSE_H

#include "settings.h"

#include <stdbool.h>
#include <stddef.h>

struct exchange;

/* A body over `max-body-bytes` is read, and the connection kept, up to so many bytes. */
size_t refuse_beyond(const struct gateway_settings *settings);

void refuse_method(struct exchange *x);
void refuse_too_large(struct exchange *x);
/* If it has a defect (strict.h), that replaces what answer there is, unless the chunks are only too
 * many: the answer is then what it would be for a body of that length. True: it has one. */
bool refuse_defective(struct exchange *x);
/* If its head says that the body is beyond that. */
void refuse_hopeless(struct exchange *x);

#endif
