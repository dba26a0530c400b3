/* accounts.h - the live records of tenants, and of users who have a subscription of their own. They
 * outlive the broker, and say more than any token (core/standing.h). A record is immutable:
 * a change puts another in its place. Owned by the core; one thread. */
#ifndef CORE_ACCOUNTS_H
#define CORE_ACCOUNTS_H

#include "base/map.h"
#include "builtin/packing.h"
#include "core/journal.h"
#include "policy/window.h"

struct core;

#define ACCOUNTS_TABLE "tenants"
#define ACCOUNT_TEXT_MAX 128u
#define ACCOUNT_FEATURES_MAX 64u
#define ACCOUNT_KEY_MAX 200u

/* From the best to the worst: of two that hold, the later one counts. */
enum subscription_status {
    SUBSCRIPTION_ACTIVE,
    SUBSCRIPTION_PAST_DUE,
    SUBSCRIPTION_EXPIRED,
    SUBSCRIPTION_SUSPENDED,
    SUBSCRIPTION_COUNT
};

const char *subscription_text(enum subscription_status status);
/* SUBSCRIPTION_COUNT: nobody knows it. */
enum subscription_status subscription_from_text(struct slice text);

struct account {
    char *key;                            /* "tenant" or "tenant/user" */
    struct slice tenant, user;            /* views into key; user empty: the tenant itself */
    char *name, *tier, *billing_customer; /* tier empty (a user's): the tenant's */
    enum subscription_status status;
    uint64_t expires_ms; /* Unix; 0: never */
    char **features;
    size_t n_features;
    struct window_rate rate; /* per_minute 0: the tier's */
};

struct accounts {
    struct map by_key;
    uint64_t generation; /* changes with every record, and with the limits */
    struct buf changes;  /* of this turn, for the journal */
    struct buf owed;     /* found in the ledger and refused by the books so far */
};

/* A change that was answered for is not undone by the end of the process. */
extern const struct journal_section accounts_section;

/* Reads the records back. */
int accounts_start(struct core *core);
void accounts_finish(struct core *core);

/* `user` empty: the tenant's own record. NULL: there is none. */
const struct account *account_find(const struct core *core, struct slice tenant, struct slice user);
/* Its status at that time: what has ended has expired, whatever was written. */
enum subscription_status account_status(const struct account *account, uint64_t unix_ms);

/* A new record: what `arguments` say over what `base` says, which may be NULL. NULL with `why`, a
 * static text, when they make no sense. */
struct account *account_make(struct slice tenant, struct slice user, const struct account *base,
                             const struct arguments *arguments, const char **why);
void account_destroy(struct account *account); /* takes NULL */
/* As a map that has room for `more` pairs, the status being that at `unix_ms`; 0: as it was
 * written. */
void account_pack(msgpack_packer *packer, const struct account *account, uint64_t unix_ms,
                  unsigned more);

/* Appends which fields the one says otherwise than the other: "tier,burst"; nothing:
 * none. */
void account_differences(const struct account *was, const struct account *is, struct buf *out);

/* Puts it in force and takes it over. False, and nothing taken: the store cannot keep it. */
bool account_keep(struct core *core, struct account *account);
/* Out of force; the caller's to destroy. NULL: the store cannot forget it, and it stays. */
struct account *account_drop(struct core *core, const struct account *account);

#endif
