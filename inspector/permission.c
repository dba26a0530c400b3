#include "permission.h"

#include "base/name.h"

static const char *const verbs[] = {"call", "publish", "subscribe", "serve", "admin"};

static bool verb_known(struct slice verb)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (slice_is(verb, verbs[i]))
            return true;
    return false;
}

/* What stands before the first `mark`; `rest` is what follows it. False without one. */
static bool split(struct slice text, char mark, struct slice *before, struct slice *rest)
{
    const uint8_t *at = text.len ? memchr(text.data, mark, text.len) : NULL;
    if (!at)
        return false;
    *before = slice_make(text.data, (size_t)(at - text.data));
    *rest = slice_make(at + 1, text.len - before->len - 1);
    return true;
}

bool permission_valid(const char *text)
{
    struct slice verb, tenant, rest, pattern;
    if (!split(slice_of(text), ':', &verb, &rest) || !verb_known(verb))
        return false;
    pattern = rest;
    if (split(rest, '/', &tenant, &pattern) && !slice_is(tenant, "*") && !name_valid(tenant))
        return false;
    return name_valid_pattern(pattern);
}
