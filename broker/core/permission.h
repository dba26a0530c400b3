/* permission.h - compiled permissions. The grammar and its meaning are in
 * docs/permissions.md. Pure. */
#ifndef CORE_PERMISSION_H
#define CORE_PERMISSION_H

#include "base/slice.h"

enum verb { VERB_CALL, VERB_PUBLISH, VERB_SUBSCRIBE, VERB_SERVE, VERB_ADMIN, VERB_COUNT };

const char *verb_text(enum verb verb);

struct permission {
    enum verb verb;
    bool everything;      /* the pattern is a lone '*' */
    bool final_star;      /* '*' at the end stands for the rest */
    struct slice tenant;  /* empty: the verb's default scope; "*": all */
    struct slice pattern; /* without a final ".*" when final_star */
};

struct permissions {
    struct permission *list;
    size_t count;
};

/* Compiles; malformed ones grant nothing and are left out. The texts must outlive the result. */
void permissions_compile(struct permissions *out, const char *const *texts, size_t count);
void permissions_finish(struct permissions *permissions);

/* May someone of tenant `own` do `verb` to `subject` in tenant `target`? For
 * VERB_SUBSCRIBE the subject is a pattern and must be covered; target "*" asks for all tenants. */
bool permitted(const struct permissions *permissions, enum verb verb, struct slice own,
               struct slice target, struct slice subject);

#endif
