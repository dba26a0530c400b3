/* field.h - what the headers of a request say of where it ends, and which of them may come once
 * only. For inbound.c, which reads them. Pure. */
#ifndef GATEWAY_FIELD_H
#define GATEWAY_FIELD_H

#include <stdbool.h>

struct inbound;

/* Of the header whose name is there, in lower case. */
bool field_is(const struct inbound *inbound, const char *name);
/* Does its value count? Of others it need not be kept. */
bool field_frames(const struct inbound *inbound);
/* Its line is whole. The defect, static text, or NULL. */
const char *field_take(struct inbound *inbound);

/* Of the head so far. */
bool field_has_host(const struct inbound *inbound);

#endif
