/* values.h - configuration that services share: values by key, for everybody, for a tier or for a
 * tenant, each with the revisions it had. The nearest one counts: the tenant's, the tier's, then
 * everybody's. They outlive the process. Owned by the core; one thread. */
#ifndef CORE_VALUES_H
#define CORE_VALUES_H

#include "base/list.h"
#include "base/map.h"
#include "core/journal.h"
#include "wire/status.h"

struct core;

#define VALUES_TABLE "config"
#define VALUES_HISTORY_TABLE "config_history"
#define VALUE_BYTES_MAX (64u * 1024u)
#define VALUE_KEY_MAX 128u
#define VALUES_OF_A_SCOPE 1024u
#define VALUES_BYTES_OF_A_SCOPE (4u * 1024u * 1024u)
/* Of each key are kept so many revisions, and of those before the newest so many bytes. */
#define VALUE_REVISIONS 32u
#define VALUE_HISTORY_BYTES (64u * 1024u)

/* "global", "tier.pro" or "tenant.acme". */
#define VALUE_SCOPE_MAX 80u

struct value_scope;

struct value {
    struct slice name;       /* scope, NUL, key */
    struct slice scope, key; /* views into it */
    uint64_t revision;       /* grows with every change of any value */
    uint64_t at_ms;          /* Unix */
    bool secret;             /* shown only to whoever asks to have it revealed */
    bool deleted;
    struct slice by;       /* "tenant/user" */
    struct slice contents; /* MessagePack */
    struct value_scope *of;
    struct list by_scope;
    uint8_t bytes[];
};

struct values {
    struct map by_name, scopes;
    uint64_t revision;  /* the newest */
    struct buf changes; /* of this turn, for the journal */
    struct buf owed;    /* read back from it, and refused by the books so far */
};

/* Negative errno of the books. */
int values_start(struct core *core);
void values_finish(struct core *core);

extern const struct journal_section values_section;

/* NULL: there is none. Valid until it is changed. */
const struct value *values_find(const struct core *core, struct slice scope, struct slice key);
/* The same, if it has been deleted; for its revision. */
const struct value *values_remembered(const struct core *core, struct slice scope,
                                      struct slice key);

struct value_change {
    struct slice scope, key, by, contents;
    bool secret, deleted;
};
/* `*out` is the new value. With `why`, a static text: STATUS_QUOTA_EXCEEDED, the scope is full;
 * STATUS_UNAVAILABLE, the books refuse. */
enum status values_change(struct core *core, const struct value_change *change,
                          const struct value **out, const char **why);

/* A record of either table as a value, in the turn's arena; NULL: it is not one of ours. */
const struct value *value_read(struct core *core, struct slice name, struct slice record);
/* The revisions that are kept, the oldest first. What `each` returns as that of a scan. */
int values_history(struct core *core, struct slice scope, struct slice key,
                   int (*each)(void *arg, const struct value *value), void *arg);

#endif
