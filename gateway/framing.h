/* framing.h - how the parts of a streamed response are told apart. Pure. */
#ifndef GATEWAY_FRAMING_H
#define GATEWAY_FRAMING_H

#include "base/buf.h"

enum framing {
    FRAMING_NONE,   /* one body */
    FRAMING_LINES,  /* {"KIND":JSON}, a line each */
    FRAMING_EVENTS, /* Server-Sent Events (WHATWG HTML, 9.2): event: KIND, data: JSON */
};

/* What a client that accepts this would like; FRAMING_NONE for NULL. */
enum framing framing_accepted(const char *accept);
const char *framing_content_type(enum framing framing);
/* Appends one part; `json` is compact, so it holds no line break. `id` NULL: none; `kind` NULL,
 * of events only: a plain message. Neither holds a line break. */
void framing_put(struct buf *out, enum framing framing, const char *kind, const char *id,
                 struct slice json);

#endif
