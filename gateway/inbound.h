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

/* All zero but for `most`: a request begins. */
struct inbound {
    size_t most;       /* bytes of a head */
    unsigned requests; /* whose heads have begun */
    uint8_t state;
    size_t head;   /* bytes of this one so far */
    uint64_t left; /* of the body, or of the chunk */
    bool in_fields, has_length, is_chunked, in_trailers;
    char name[INBOUND_NAME_BYTES], value[INBOUND_VALUE_BYTES]; /* lower case; long ones are cut */
    uint8_t name_len, value_len;
    unsigned hosts, authorizations;

    const char *defect; /* static text; NULL: none so far. What comes then is not looked at */
    unsigned defective; /* the request that has it, counted from 1 */
    bool too_large;     /* the defect is that its head is */
};

void inbound_feed(struct inbound *inbound, const uint8_t *bytes, size_t len);
/* Is part of a head there, and not yet its end? */
bool inbound_in_head(const struct inbound *inbound);

#endif
