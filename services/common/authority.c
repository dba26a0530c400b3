#include "common/authority.h"

#include "base/name.h"

#include <stdio.h>

#define PATTERN_SIZE 256u

enum verb { VERB_CALL, VERB_SERVE, VERB_ADMIN, VERB_PUBLISH, VERB_SUBSCRIBE, VERBS };

struct permission {
    enum verb verb;
    char tenant[64];            /* "*": all */
    char pattern[PATTERN_SIZE]; /* as a pattern of topics: what stands for the rest is '>' */
};

static bool split(struct slice text, char mark, struct slice *before, struct slice *rest)
{
    const uint8_t *at = text.len ? memchr(text.data, mark, text.len) : NULL;
    if (!at)
        return false;
    *before = slice_make(text.data, (size_t)(at - text.data));
    *rest = slice_make(at + 1, text.len - before->len - 1);
    return true;
}

static bool read_verb(struct slice text, enum verb *out)
{
    static const char *const verbs[VERBS] = {"call", "serve", "admin", "publish", "subscribe"};
    for (unsigned i = 0; i < VERBS; i++)
        if (slice_is(text, verbs[i])) {
            *out = (enum verb)i;
            return true;
        }
    return false;
}

/* A lone star is everything; a star at the end is the rest, but for events. */
static void widen(struct permission *permission)
{
    size_t len = strlen(permission->pattern);
    bool of_events = permission->verb >= VERB_PUBLISH;
    bool ends_so = len > 2 && strcmp(permission->pattern + len - 2, ".*") == 0;
    if (strcmp(permission->pattern, "*") == 0 || (ends_so && !of_events))
        permission->pattern[len - 1] = '>';
}

static bool read(struct permission *out, const char *text, const char *own)
{
    struct slice verb, tenant, rest, pattern;
    if (!split(slice_of(text), ':', &verb, &rest) || !read_verb(verb, &out->verb))
        return false;
    bool of_all = out->verb == VERB_SERVE || out->verb == VERB_ADMIN;
    tenant = slice_of(of_all ? "*" : own);
    pattern = rest;
    if (split(rest, '/', &tenant, &pattern) && !slice_is(tenant, "*") && !name_valid(tenant))
        return false;
    if (!name_valid_pattern(pattern) || pattern.len >= sizeof out->pattern ||
        tenant.len >= sizeof out->tenant)
        return false;
    (void)snprintf(out->tenant, sizeof out->tenant, "%.*s", SLICE_FMT(tenant));
    (void)snprintf(out->pattern, sizeof out->pattern, "%.*s", SLICE_FMT(pattern));
    widen(out);
    return true;
}

bool permission_is_valid(const char *text)
{
    struct permission ignored;
    return read(&ignored, text, "");
}

static bool covers(const struct permission *outer, const struct permission *inner)
{
    return outer->verb == inner->verb &&
           (strcmp(outer->tenant, "*") == 0 || strcmp(outer->tenant, inner->tenant) == 0) &&
           pattern_covers(slice_of(outer->pattern), slice_of(inner->pattern));
}

static bool any_covers(const struct permission_list *own, const struct permission *wanted)
{
    struct permission permission;
    for (size_t i = 0; i < own->n; i++)
        if (read(&permission, own->texts[i], own->tenant) && covers(&permission, wanted))
            return true;
    return false;
}

enum authority authority_over(const struct permission_list *own, const char *tenant)
{
    struct permission wanted = {.verb = VERB_ADMIN, .tenant = "*", .pattern = "users"};
    if (any_covers(own, &wanted))
        return AUTHORITY_ALL;
    (void)snprintf(wanted.tenant, sizeof wanted.tenant, "%s", tenant);
    return any_covers(own, &wanted) ? AUTHORITY_TENANT : AUTHORITY_NONE;
}

/* What the broker would not understand allows nothing. */
bool authority_covers(const struct permission_list *own, const struct permission_list *theirs)
{
    struct permission wanted;
    for (size_t i = 0; i < theirs->n; i++)
        if (read(&wanted, theirs->texts[i], theirs->tenant) && !any_covers(own, &wanted))
            return false;
    return true;
}
