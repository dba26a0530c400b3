#include "taking_back.h"

#include "base/log.h"
#include "store/store.h"

#include <errno.h>
#include <string.h>

#define AHEAD_MOST_S 30 /* brokers take tokens from 60 s ahead; clocks differ too */

bool taking_back_all(struct auth *auth, struct account *account, fbx_request *request)
{
    fbx_writer w = {0};
    int64_t now_s = auth_now_s();
    int64_t from_s = (account->valid_from_s > now_s ? account->valid_from_s : now_s) + 1;
    if (from_s > now_s + AHEAD_MOST_S) {
        fbx_respond_status(request, FBX_OVERLOADED, "changed too often: try again in a minute");
        return false;
    }
    fbx_write_map(&w, 3);
    fbx_write_text(&w, "tenant");
    fbx_write_text(&w, account->tenant);
    fbx_write_text(&w, "user");
    fbx_write_text(&w, account->user);
    fbx_write_text(&w, "issued_before_ms");
    fbx_write_uint(&w, (uint64_t)from_s * 1000);
    fbx_reply *reply = auth_ask(auth, "bus.tokens", "revoke", &w, &(fbx_call_options){0});
    if (!reply || fbx_reply_status(reply) != FBX_OK) {
        log_event(LOG_ERROR, "auth.not_taken_back", "tenant", account->tenant, "user",
                  account->user, "error", reply ? fbx_reply_message(reply) : "no answer", NULL);
        auth_refuse_as(request, reply);
        return false;
    }
    fbx_reply_free(reply);
    account->valid_from_s = from_s;
    if (auth->latest_from_s < from_s)
        auth->latest_from_s = from_s;
    return true;
}

/* Under the lock. */
static int remove_family(struct auth *auth, const struct ticket *ticket, struct family *ended)
{
    struct account account;
    int rc = account_load(auth->store, ticket->tenant, ticket->user, &account);
    if (rc != 0)
        return rc == -ENOENT ? 0 : rc;
    struct family *family = families_by_id(&account.families, ticket->id);
    if (family) {
        *ended = *family;
        families_remove(&account.families, family);
        rc = account_save(auth->store, &account);
    }
    account_finish(&account);
    return rc;
}

/* Waits for the disk also where there is no such family: whoever ended it may have been told that
 * the disk failed, and ask again. */
int taking_back_family(struct auth *auth, const struct ticket *ticket, struct family *ended)
{
    *ended = (struct family){0};
    pthread_mutex_lock(&auth->lock);
    int rc = remove_family(auth, ticket, ended);
    pthread_mutex_unlock(&auth->lock);
    if (rc == 0)
        rc = store_sync(auth->store);
    if (rc != 0)
        log_event(LOG_ERROR, "auth.login_not_ended", "tenant", ticket->tenant, "user", ticket->user,
                  "error", strerror(-rc), NULL);
    return rc;
}

bool taking_back_one(struct auth *auth, const struct family *family)
{
    fbx_writer w = {0};
    if (family->token_ends_s <= auth_now_s())
        return true;
    fbx_write_map(&w, 2);
    fbx_write_text(&w, "id");
    fbx_write_text(&w, family->token_id);
    fbx_write_text(&w, "expires_ms");
    fbx_write_uint(&w, (uint64_t)family->token_ends_s * 1000);
    fbx_reply *reply = auth_ask(auth, "bus.tokens", "revoke", &w, &(fbx_call_options){0});
    bool done = reply && fbx_reply_status(reply) == FBX_OK;
    if (!done)
        log_event(LOG_ERROR, "auth.not_taken_back", "id", family->token_id, "error",
                  reply ? fbx_reply_message(reply) : "no answer", NULL);
    fbx_reply_free(reply);
    return done;
}

void taking_back_shown(struct auth *auth, const struct ticket *ticket, fbx_request *request)
{
    struct family ended;
    int rc = taking_back_family(auth, ticket, &ended);
    (void)taking_back_one(auth, &ended);
    if (rc == 0)
        auth_refuse_ticket(request);
    else
        auth_refuse_store(request);
}
