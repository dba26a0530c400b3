#include "base/name.h"

#define TOKEN_MAX 63u
#define USER_MAX 128u

static const char own[] = "bus.";

static bool starts_token(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool continues_token(uint8_t c)
{
    return starts_token(c) || c == '_' || c == '-';
}

bool name_valid(struct slice name)
{
    if (name.len == 0 || name.len > TOKEN_MAX || !starts_token(name.data[0]))
        return false;
    for (size_t i = 1; i < name.len; i++)
        if (!continues_token(name.data[i]))
            return false;
    return true;
}

bool name_valid_service(struct slice name)
{
    const size_t skip = sizeof(own) - 1;
    if (name.len > skip && memcmp(name.data, own, skip) == 0)
        name = slice_make(name.data + skip, name.len - skip);
    return name_valid(name);
}

bool name_reserved(struct slice name)
{
    const size_t dotted = sizeof(own) - 1;
    return slice_is(name, "bus") || (name.len >= dotted && memcmp(name.data, own, dotted) == 0);
}

bool name_valid_tenant(struct slice name)
{
    return name_valid(name) && !name_reserved(name);
}

static bool user_byte(uint8_t c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '/';
}

bool name_valid_user(struct slice name)
{
    if (name.len == 0 || name.len > USER_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!user_byte(name.data[i]))
            return false;
    return true;
}

/* Takes the next token off the front; `more` says whether a dot followed it. */
static struct slice take_token(struct slice *rest, bool *more)
{
    const uint8_t *dot = rest->len > 0 ? memchr(rest->data, '.', rest->len) : NULL;
    struct slice token = *rest;
    *more = dot != NULL;
    if (dot == NULL) {
        *rest = (struct slice){0};
        return token;
    }
    token.len = (size_t)(dot - token.data);
    *rest = slice_make(dot + 1, rest->len - token.len - 1);
    return token;
}

static bool valid_tokens(struct slice text, bool wildcards)
{
    bool more = true;
    for (unsigned n = 0; more; n++) {
        struct slice token = take_token(&text, &more);
        bool wild = wildcards && (slice_is(token, "*") || (slice_is(token, ">") && !more));
        if (n == NAME_TOPIC_TOKENS || !(wild || name_valid(token)))
            return false;
    }
    return true;
}

bool name_valid_request(struct slice name)
{
    if (name.len == 0 || name.len > NAME_REQUEST_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] <= ' ' || name.data[i] >= 0x7f || name.data[i] == '"')
            return false;
    return true;
}

bool name_valid_topic(struct slice topic)
{
    return valid_tokens(topic, false);
}

bool name_valid_pattern(struct slice pattern)
{
    return valid_tokens(pattern, true);
}

/* A topic is a pattern that covers only itself, so both questions are one: '>' in `inner` is
 * covered by '>' alone, because it may stand for more tokens than '*' does. */
static bool token_covers(struct slice outer, struct slice inner)
{
    if (slice_is(outer, "*"))
        return !slice_is(inner, ">");
    return slice_equal(outer, inner);
}

bool pattern_covers(struct slice outer, struct slice inner)
{
    bool outer_more = true, inner_more = true;
    while (outer_more && inner_more) {
        struct slice token = take_token(&outer, &outer_more);
        if (slice_is(token, ">"))
            return true;
        if (!token_covers(token, take_token(&inner, &inner_more)))
            return false;
    }
    return outer_more == inner_more;
}

bool pattern_matches(struct slice pattern, struct slice topic)
{
    return pattern_covers(pattern, topic);
}
