/* account.h - one user: what is kept of them. Records are MessagePack in the table "accounts" under
 * TENANT/USER. An account is a value of its own; finish it. */
#ifndef AUTH_ACCOUNT_H
#define AUTH_ACCOUNT_H

#include "base/buf.h"
#include "families.h"
#include "password_hash.h"
#include "ticket.h"

#define ACCOUNT_KEY_SIZE (TENANT_SIZE + USER_SIZE)
#define ACCOUNT_PERMISSIONS_MAX 64u
#define ACCOUNT_PERMISSIONS_BYTES 3072u /* of all together: they must fit into a token */

struct store;

struct account {
    char tenant[TENANT_SIZE], user[USER_SIZE];
    char hash[PASSWORD_HASH_SIZE];
    char **permissions;
    size_t n_permissions;
    bool disabled;
    int64_t valid_from_s; /* tokens issued before are taken back */
    uint64_t created_ms, changed_ms, login_ms;
    struct families families;
};

void account_finish(struct account *account);
/* Takes nothing over; the texts are copied. */
void account_set_permissions(struct account *account, const char *const *texts, size_t n);
/* Returns `out`, as text. */
const char *account_key(char out[ACCOUNT_KEY_SIZE], const char *tenant, const char *user);

void account_write(const struct account *account, struct buf *out);
/* False: not such a record; there is nothing to finish then. */
bool account_read(struct account *account, struct slice key, struct slice record);

/* 0, -ENOENT with nothing to finish, or another error of the store. */
int account_load(struct store *store, const char *tenant, const char *user, struct account *out);
/* Queued: store_sync() then waits for the disk. */
int account_save(struct store *store, const struct account *account);
int account_delete(struct store *store, const struct account *account);
/* Calls `each` for the tenant's accounts whose users come behind `after` ("": all) until it
 * returns non-zero. */
int account_each(struct store *store, const char *tenant, const char *after,
                 int (*each)(void *arg, const struct account *account), void *arg);

#endif
