/* binding.h - one line that says which call a path is:
 *
 *     METHOD /path/{parameter} SERVICE.METHOD [query=NAME[:TYPE],…] [body=NAME] [status=N]
 *         [timeout-ms=N] [idempotent]
 *
 * What the path, the query and the body say becomes one map of arguments. TYPE is text (unless told
 * otherwise), int, number, bool or list (texts between commas). Without body=NAME the body is an
 * object whose members are arguments. Pure. */
#ifndef GATEWAY_BINDING_H
#define GATEWAY_BINDING_H

#include "base/slice.h"

#define BINDING_QUERY_MAX 16u
#define BINDING_NAME_BYTES 64u
#define BINDING_WHY_BYTES 160u

enum binding_type { BINDING_TEXT, BINDING_INT, BINDING_NUMBER, BINDING_BOOL, BINDING_LIST };

struct binding {
    char method[8], path[256];
    char service[BINDING_NAME_BYTES + 4], call[BINDING_NAME_BYTES]; /* "bus.usage", "show" */
    struct binding_query {
        char name[BINDING_NAME_BYTES];
        enum binding_type type;
    } query[BINDING_QUERY_MAX];
    size_t n_query;
    char body[BINDING_NAME_BYTES]; /* "": its members are arguments */
    unsigned status;               /* of success */
    uint32_t timeout_ms;           /* 0: the gateway's */
    bool idempotent;
};

/* -EINVAL with `why` (BINDING_WHY_BYTES), `out` untouched. */
int binding_read(struct binding *out, const char *line, char *why);

#endif
