/* password.c - somebody changes their own. */
#include "auth.h"
#include "taking_back.h"

#include "base/clock.h"
#include "base/log.h"
#include "common/arguments.h"
#include "store/store.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

struct passwords {
    char old[PASSWORD_SIZE], fresh[PASSWORD_SIZE];
};

static bool read_passwords(struct passwords *passwords, fbx_request *request)
{
    static const char *const known[] = {"old", "new", NULL};
    struct arguments arguments;
    arguments_read(&arguments, request, known);
    arguments_text(&arguments, "old", passwords->old, sizeof passwords->old);
    arguments_text(&arguments, "new", passwords->fresh, sizeof passwords->fresh);
    if (strlen(passwords->fresh) < PASSWORD_LEAST)
        arguments_refuse(&arguments, "new: at least %u bytes", PASSWORD_LEAST);
    if (strcmp(passwords->fresh, passwords->old) == 0)
        arguments_refuse(&arguments, "new: the same as old");
    return !arguments_refused(&arguments, request);
}

/* Every login ends with the password that began it. */
static bool put_into(struct auth *auth, fbx_request *request, struct account *account,
                     const char *hash)
{
    if (!taking_back_all(auth, account, request))
        return false;
    memcpy(account->hash, hash, sizeof account->hash);
    account->families.n = 0;
    account->changed_ms = clock_now().unix_ms;
    if (account_save(auth->store, account) == 0)
        return true;
    auth_refuse_store(request);
    return false;
}

/* Under the lock. False: answered. */
static bool put(struct auth *auth, fbx_request *request, const struct account *proven,
                const char *hash)
{
    struct account account = {0};
    bool done = false;
    if (account_load(auth->store, proven->tenant, proven->user, &account) == 0 &&
        strcmp(account.hash, proven->hash) == 0)
        done = put_into(auth, request, &account, hash);
    else
        auth_refuse_credentials(request);
    account_finish(&account);
    return done;
}

static void change(struct auth *auth, fbx_request *request, const struct account *account,
                   const char *password)
{
    char hash[PASSWORD_HASH_SIZE];
    if (!password_hash_make(hash, password)) {
        fbx_respond_status(request, FBX_OVERLOADED, "no memory for the new password");
        return;
    }
    pthread_mutex_lock(&auth->lock);
    bool done = put(auth, request, account, hash);
    pthread_mutex_unlock(&auth->lock);
    if (!done)
        return;
    log_event(LOG_INFO, "auth.password_changed", "tenant", account->tenant, "user", account->user,
              NULL);
    if (store_sync(auth->store) == 0)
        auth_respond_nothing(request);
    else
        auth_refuse_store(request);
}

void auth_password(struct auth *auth, fbx_request *request)
{
    const fbx_context *caller = fbx_request_context(request);
    struct passwords passwords = {"", ""};
    struct account account;
    if (read_passwords(&passwords, request)) {
        int rc = auth_check(auth, fbx_context_tenant(caller), fbx_context_user(caller),
                            passwords.old, &account);
        if (rc == 0) {
            change(auth, request, &account, passwords.fresh);
            account_finish(&account);
        } else if (rc == -EACCES) {
            auth_refuse_credentials(request);
        } else {
            auth_refuse_store(request);
        }
    }
    sodium_memzero(&passwords, sizeof passwords);
}
