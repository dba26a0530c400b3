/* answer.h - an HTTP response before it is sent: status, headers, body. Pure; not thread safe. */
#ifndef GATEWAY_ANSWER_H
#define GATEWAY_ANSWER_H

#include "base/buf.h"

#define ANSWER_JSON "application/json"

struct answer {
    unsigned http;            /* 0: none yet */
    const char *content_type; /* static */
    struct buf headers;       /* name NUL value NUL … */
    struct buf body;
};

void answer_finish(struct answer *answer);
/* Values hold no line breaks: bytes below space are dropped. */
void answer_header(struct answer *answer, const char *name, const char *value);
/* The first header of that name, or NULL. Borrowed until another is added. */
const char *answer_get(const struct answer *answer, const char *name);
void answer_header_number(struct answer *answer, const char *name, uint64_t value);

#endif
