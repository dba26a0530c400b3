/* inbound.h - what a client sends, request after request, as RFC 9112 says where each ends. Whoever
 * forwards requests and whoever answers them must agree on that, and they only do about requests
 * that are written as they should be. Pure; bytes come in any pieces. */
#ifndef GATEWAY_INBOUND_H
#define GATEWAY_INBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INBOUND_NAME_BYTES 20u
#define INBOUND_VALUE_BYTES 24u
/* Whoever reads a head keeps more than its bytes: something for each header, parameter of the query
 * and cookie, and the cookies once more. All of it together may be so much over `most`. */
#define INBOUND_SPARE_BYTES 2048u
#define INBOUND_ITEM_BYTES 64u
/* The line before a chunk; the one before no more of them, with its trailers. */
#define INBOUND_CHUNK_LINE_BYTES 1024u
/* So much of the line is for the size; what goes beyond is content like the chunk itself. */
#define INBOUND_SIZE_BYTES 16u
/* A longer body is no number to count with. */
#define INBOUND_LENGTH_MAX (UINT64_MAX / 16 - 1)

/* All zero but for the limits: a request begins. */
struct inbound {
    size_t most;       /* bytes of a head */
    size_t largest;    /* bytes of a body that comes in chunks; may change at any time */
    unsigned requests; /* whose heads have begun */
    uint8_t state;
    size_t head;      /* bytes of this one so far, or of the chunk's line */
    size_t line;      /* of those, the request's line, if that is one; 0: it is not, or not yet */
    size_t extra;     /* what is kept of it besides */
    uint64_t left;    /* of the body, or of the chunk */
    size_t content;   /* bytes of all chunks so far, this one's too, and what their lines add */
    bool has_skipped; /* an empty line was before this request */
    bool in_fields, has_length, is_chunked, in_trailers, in_cookie, is_old;
    bool keeps_value;                                          /* its words count */
    char name[INBOUND_NAME_BYTES], value[INBOUND_VALUE_BYTES]; /* long ones are cut */
    uint8_t name_len, value_len;
    uint8_t lone; /* a bit for each header that has come and must not again */

    const char *defect; /* static text; NULL: none so far. What comes then is not looked at */
    unsigned http;      /* the status that says so */
    unsigned defective; /* the request that has it, counted from 1 */
};

/* Framing comes in pieces: a head; the line before a chunk, or the last one and the trailers; the
 * end of a chunk. Returns how many of the bytes, from the first, are in none that is unfinished or
 * has the defect. */
size_t inbound_feed(struct inbound *inbound, const uint8_t *bytes, size_t len);
/* Is part of a head there, and not yet its end? */
bool inbound_in_head(const struct inbound *inbound);
/* Is part of a request there, and not yet its end? */
bool inbound_in_request(const struct inbound *inbound);
/* What a sound request has in the place of the piece with the defect, such that nothing of that
 * request comes after it. Static text. */
const char *inbound_instead(const struct inbound *inbound);

#endif
