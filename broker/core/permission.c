#include "core/permission.h"

#include "base/mem.h"
#include "base/name.h"

static const char *const verb_texts[VERB_COUNT] = {"call", "publish", "subscribe", "serve",
                                                   "admin"};

const char *verb_text(enum verb verb)
{
    return verb_texts[verb];
}

static struct slice before(struct slice text, const uint8_t *mark)
{
    return slice_make(text.data, (size_t)(mark - text.data));
}

static struct slice after(struct slice text, const uint8_t *mark)
{
    return slice_make(mark + 1, text.len - (size_t)(mark - text.data) - 1);
}

static bool parse_verb(struct slice text, enum verb *out)
{
    for (int verb = 0; verb < VERB_COUNT; verb++) {
        if (slice_is(text, verb_texts[verb])) {
            *out = (enum verb)verb;
            return true;
        }
    }
    return false;
}

/* Only events know '*' as exactly one token at the end; elsewhere the last '*' is the rest. */
static bool final_star_is_rest(enum verb verb)
{
    return verb == VERB_CALL || verb == VERB_SERVE || verb == VERB_ADMIN;
}

static bool ends_in_star(struct slice pattern)
{
    return pattern.len > 2 && pattern.data[pattern.len - 1] == '*' &&
           pattern.data[pattern.len - 2] == '.';
}

static bool compile_one(struct permission *out, struct slice text)
{
    const uint8_t *colon = memchr(text.data, ':', text.len);
    struct permission made = {0};

    if (!colon || !parse_verb(before(text, colon), &made.verb))
        return false;
    struct slice rest = after(text, colon);
    const uint8_t *slash = rest.len ? memchr(rest.data, '/', rest.len) : NULL;
    if (slash) {
        made.tenant = before(rest, slash);
        rest = after(rest, slash);
        if (!slice_is(made.tenant, "*") && !name_valid(made.tenant))
            return false;
    }
    made.everything = slice_is(rest, "*");
    if (!made.everything && !name_valid_pattern(rest))
        return false;
    made.final_star = final_star_is_rest(made.verb) && ends_in_star(rest);
    if (made.final_star)
        rest.len -= 2;
    made.pattern = rest;
    *out = made;
    return true;
}

void permissions_compile(struct permissions *out, const char *const *texts, size_t count)
{
    out->list = mem_zalloc((count ? count : 1) * sizeof *out->list);
    out->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (compile_one(&out->list[out->count], slice_of(texts[i])))
            out->count++;
    }
}

void permissions_finish(struct permissions *permissions)
{
    mem_free(permissions->list);
    *permissions = (struct permissions){0};
}

/* Without a tenant in front, serve and admin are the operator's: they reach every tenant. */
static bool in_scope(const struct permission *p, struct slice own, struct slice target)
{
    if (p->tenant.len == 0)
        return p->verb == VERB_SERVE || p->verb == VERB_ADMIN || slice_equal(own, target);
    return slice_is(p->tenant, "*") || slice_equal(p->tenant, target);
}

/* The leading tokens of the subject that the pattern, shorn of its ".*", speaks about;
 * empty if nothing would be left for the star. */
static struct slice leading_tokens(struct slice subject, struct slice pattern)
{
    size_t tokens = 1;
    for (size_t i = 0; i < pattern.len; i++)
        tokens += pattern.data[i] == '.';
    for (size_t i = 0; i < subject.len; i++) {
        if (subject.data[i] == '.' && --tokens == 0)
            return slice_make(subject.data, i);
    }
    return slice_make(NULL, 0);
}

static bool in_pattern(const struct permission *p, struct slice subject)
{
    if (p->everything)
        return true;
    if (p->verb == VERB_SUBSCRIBE)
        return pattern_covers(p->pattern, subject);
    if (!p->final_star)
        return pattern_matches(p->pattern, subject);
    struct slice head = leading_tokens(subject, p->pattern);
    return head.len > 0 && pattern_matches(p->pattern, head);
}

bool permitted(const struct permissions *permissions, enum verb verb, struct slice own,
               struct slice target, struct slice subject)
{
    for (size_t i = 0; i < permissions->count; i++) {
        const struct permission *p = &permissions->list[i];
        if (p->verb == verb && in_scope(p, own, target) && in_pattern(p, subject))
            return true;
    }
    return false;
}
