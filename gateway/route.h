/* route.h - which handler answers which path. Pure but for the handlers themselves. */
#ifndef GATEWAY_ROUTE_H
#define GATEWAY_ROUTE_H

#include "base/slice.h"

#include <stddef.h>

#define ROUTE_PARAMS_MAX 8u

struct exchange;

struct route {
    const char *method, *path; /* "/v1/call/{service}/{method}": a brace is one whole segment */
    /* The body is there. Fills exchange->answer, or holds the exchange and has it posted. */
    void (*handler)(struct exchange *exchange);
};

/* What the braces stand for, in their order, decoded; views into the path. */
struct route_match {
    struct slice params[ROUTE_PARAMS_MAX];
    size_t n;
};

/* Percent-decodes a path in place, segment by segment; false when an escape is broken, or stands
 * for a slash or a NUL, so that no two readers take the path apart differently. */
bool route_decode(char *path);

/* Does the path fit? Borrowed of `path`. */
bool route_fits(const struct route *route, const char *path, struct route_match *match);

/* The gateway's own. */
extern const struct route routes_own[];
extern const size_t routes_own_count;

#endif
