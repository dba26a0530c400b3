/* route.h - which handler answers which path. The loop thread's. */
#ifndef GATEWAY_ROUTE_H
#define GATEWAY_ROUTE_H

#include "binding.h"
#include "settings/settings.h"

#define ROUTE_PARAMS_MAX 8u
#define ROUTE_METHODS_BYTES 64u

struct exchange;

struct route {
    const char *method, *path; /* "/v1/call/{service}/{method}": a brace is one whole segment */
    /* The body is there. Fills exchange->answer, or holds the exchange and has it posted. */
    void (*handler)(struct exchange *exchange);
    const struct binding *binding; /* of bound_handle() */
    /* For openapi.h: what it does (NULL: what its binding says), what success looks like, whether
     * it needs no token. */
    const char *summary, *type;
    unsigned status;
    bool is_open;
    const char *query; /* a parameter that must be there; NULL: none */
};

/* What the braces stand for, in their order; borrowed of the path. */
struct route_match {
    struct slice params[ROUTE_PARAMS_MAX];
    size_t n;
};

/* Does the path fit? */
bool route_fits(const struct route *route, const char *path, struct route_match *match);

/* Two paths that differ only in the names of their parameters are one. */
bool route_same_shape(const char *a, const char *b);

/* The gateway's own routes and those that were configured. Counted: requests under way keep theirs
 * while a reload puts others in force. */
struct routes;

/* -EINVAL: `item` is the number of the line that is wrong, and `why` (BINDING_WHY_BYTES) how. */
int routes_create(struct routes **out, const struct text_list *lines, size_t *item, char *why);
struct routes *routes_ref(struct routes *routes);
void routes_unref(struct routes *routes); /* takes NULL */
/* All of them, in no order that matters. Borrowed. */
size_t routes_all(const struct routes *routes, const struct route **list);
/* HEAD is answered where GET is. NULL: none; `*elsewhere`: but there is one for another method, and
 * that is what could be said. */
const struct route *routes_find(const struct routes *routes, const char *method, const char *path,
                                struct route_match *match, bool *elsewhere);
/* The methods that path takes: "GET, POST". */
void routes_methods(const struct routes *routes, const char *path, char out[ROUTE_METHODS_BYTES]);

#endif
