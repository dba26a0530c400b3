/* builtin.h - the broker's own services (docs/builtin.md): one table of verbs, who may
 * use each, and what it does. A verb cannot exist without saying who may. */
#ifndef BUILTIN_BUILTIN_H
#define BUILTIN_BUILTIN_H

#include "base/buf.h"
#include "builtin/packing.h"
#include "core/filter.h"

/* How much of the broker a caller may see. */
enum scope {
    SCOPE_NONE,
    SCOPE_TENANT, /* what belongs to the caller's tenant */
    SCOPE_ALL,
};

enum access {
    ACCESS_ANYONE, /* any valid token; an `area` permission only widens the scope */
    ACCESS_ALWAYS, /* the same, also while their subscription lets nothing through */
    ACCESS_ADMIN,  /* admin:area, or admin:tenant/area for a part */
};

struct builtin_verb {
    const char *name;
    enum access access;
    const char *area; /* of the admin permission */
    /* Answers into `out` (MessagePack). STATUS_OK, or a status with `*why` in the
     * turn's arena. */
    enum status (*run)(struct core *core, struct call *call, enum scope scope, struct buf *out,
                       const char **why);
    bool streams; /* STATUS_OK means that it keeps the call, and ends it itself */
    /* What a request may say; NULL: nothing. Any other is refused before `run`: a slip of the pen
     * does nothing. */
    const struct argument *arguments;
};

struct builtin {
    const char *name;
    const struct builtin_verb *verbs; /* ends with a NULL name */
};

extern const struct builtin builtin_registry, builtin_config, builtin_explain, builtin_limits,
    builtin_sessions, builtin_stats, builtin_feed, builtin_tap, builtin_tenants, builtin_usage,
    builtin_breakers, builtin_me, builtin_tokens;

void builtins_each(struct core *core, void (*each)(struct core *core, const struct builtin *));
/* For the entitlement filter. */
enum verdict builtin_admit(struct core *core, struct call *call, struct refusal *refusal);
/* Of what there is a bound of, how much is whose; those who operate the bus have what is left. */
#define BUILTIN_SHARE 4u /* one part in so many is the most that one tenant may have */
#define BUILTIN_KEPT 8u  /* one part in so many is kept for those who see all tenants */
/* Of `most` `taken` are, `own` of them the tenant's: STATUS_OK, another finds a place. */
enum status builtin_find_place(enum scope scope, size_t most, size_t taken, size_t own,
                               const char **why);
/* Is that call, which was admitted, made by somebody who sees all tenants? */
bool builtin_operates(const struct call *call);
/* Is that call, which was admitted, nobody's subscription's business? */
bool builtin_is_free(const struct call *call);
/* Runs and answers a call that has passed the chain. Its verb is run if what it was asked with is a
 * map of what the verb knows. */
void builtin_call(struct core *core, struct call *call);
/* For verbs: what the call was asked with; to be ended by arguments_finish(). */
void builtin_arguments(struct arguments *out, const struct call *call);

#endif
