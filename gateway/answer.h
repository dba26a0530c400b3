/* answer.h - an HTTP response before it is sent: status, headers, body. Pure but for the names it
 * makes; not thread safe. */
#ifndef GATEWAY_ANSWER_H
#define GATEWAY_ANSWER_H

#include "base/buf.h"
#include "base/name.h"

struct MHD_Response;

#define ANSWER_JSON "application/json"
#define ANSWER_REQUEST_ID "X-Request-Id"

struct answer {
    unsigned http;            /* 0: none yet */
    const char *content_type; /* static */
    struct buf headers;       /* name NUL value NUL … */
    struct buf body;
    char request_id[NAME_REQUEST_MAX + 1]; /* the client's word for it; "": it has none */
};

/* The client calls its request so; NULL, and what is no name, counts as nothing. */
void answer_name(struct answer *answer, const char *request_id);

/* What its request is called, by its client or else from now on. Borrowed of the answer. */
const char *answer_have_name(struct answer *answer);

/* Its headers say which request it was: as they do already, or as the client calls it, or else by a
 * name made here. Borrowed as answer_get()'s. */
const char *answer_tell_name(struct answer *answer);

void answer_finish(struct answer *answer);
/* Values hold no line breaks: bytes below space are dropped. */
void answer_header(struct answer *answer, const char *name, const char *value);
/* The first header of that name, or NULL. Borrowed until another is added. */
const char *answer_get(const struct answer *answer, const char *name);
void answer_header_number(struct answer *answer, const char *name, uint64_t value);
/* All of them, to libmicrohttpd's response. */
void answer_add_headers(const struct answer *answer, struct MHD_Response *response);

#endif
