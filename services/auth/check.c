#include "auth.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>

/* Judged at the end, in one piece: however many guess at once, what they hear after the last
 * attempt that they had is the same, right or wrong. */
static bool admit(struct auth *auth, const struct account *account, bool fits)
{
    char key[ACCOUNT_KEY_SIZE];
    uint64_t now_ms = clock_mono_ns() / NS_PER_MS;
    struct slice name = slice_of(account_key(key, account->tenant, account->user));
    if (attempts_barred_ms(auth->accounts, name, now_ms) > 0)
        return false;
    if (fits)
        attempts_forgive(auth->accounts, name);
    else if (attempts_failed(auth->accounts, name, now_ms))
        log_event(LOG_WARN, "auth.locked", "tenant", account->tenant, "user", account->user, NULL);
    return fits && !account->disabled;
}

/* Of users that are not there nothing is kept: nobody can fill the memory with names. */
int auth_check(struct auth *auth, const char *tenant, const char *user, const char *password,
               struct account *account)
{
    struct account found = {0};
    int rc = account_load(auth->store, tenant, user, &found);
    if (rc != 0 && rc != -ENOENT)
        return rc;
    bool fits = password_hash_fits(rc == 0 ? found.hash : NULL, password);
    if (rc == 0) {
        pthread_mutex_lock(&auth->lock);
        rc = admit(auth, &found, fits) ? 0 : -EACCES;
        pthread_mutex_unlock(&auth->lock);
    } else {
        rc = -EACCES;
    }
    if (rc == 0)
        *account = found;
    else
        account_finish(&found);
    return rc;
}
