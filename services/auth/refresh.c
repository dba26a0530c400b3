/* refresh.c - a login goes on, or ends. */
#include "auth.h"
#include "issue.h"
#include "taking_back.h"

#include "base/log.h"
#include "common/arguments.h"
#include "store/store.h"

#include <errno.h>
#include <string.h>

/* ---- refresh ---- */

static void refuse_reused(struct auth *auth, fbx_request *request, const struct ticket *ticket)
{
    log_event(LOG_WARN, "auth.refresh_reused", "tenant", ticket->tenant, "user", ticket->user,
              NULL);
    taking_back_shown(auth, ticket, request);
}

/* Looked at here so that a token is used up only where the broker would let its bearer in; when
 * it is given it is judged again. */
static void renew(struct auth *auth, fbx_request *request, const struct ticket *ticket)
{
    struct account account;
    struct family *family = NULL;
    int rc = account_load(auth->store, ticket->tenant, ticket->user, &account);
    if (rc != 0) {
        if (rc == -ENOENT)
            auth_refuse_ticket(request);
        else
            auth_refuse_store(request);
        return;
    }
    enum family_verdict verdict =
        families_judge(&account.families, ticket->id, ticket->secret, auth_now_s(), &family);
    if (verdict == FAMILY_REUSED)
        refuse_reused(auth, request, ticket);
    else if (verdict == FAMILY_UNKNOWN || account.disabled)
        auth_refuse_ticket(request);
    else
        (void)issue(auth, request, &account, ticket);
    account_finish(&account);
}

void auth_refresh(struct auth *auth, fbx_request *request)
{
    static const char *const known[] = {"refresh_token", "address", NULL};
    struct arguments arguments;
    struct ticket ticket;
    char text[TICKET_TEXT_SIZE] = "", address[256] = "";
    const char *from = fbx_context_tenant(fbx_request_context(request));
    arguments_read(&arguments, request, known);
    arguments_text(&arguments, "refresh_token", text, sizeof text);
    arguments_optional_text(&arguments, "address", address, sizeof address);
    if (arguments_refused(&arguments, request))
        return;
    if (ticket_read(&ticket, text) &&
        (strcmp(from, auth->tenant) == 0 || strcmp(from, ticket.tenant) == 0))
        renew(auth, request, &ticket);
    else
        auth_refuse_ticket(request);
}

/* ---- logout ---- */

/* The id of the token that the request is made with; false: answered. */
static bool find_token(struct auth *auth, fbx_request *request, char id[TOKEN_ID_SIZE])
{
    fbx_value me;
    fbx_reply *reply =
        auth_ask(auth, "bus.me", "show", NULL, &(fbx_call_options){.parent = request});
    if (!reply || fbx_reply_status(reply) != FBX_OK || !fbx_read(fbx_reply_payload(reply), &me)) {
        auth_refuse_as(request, reply);
        return false;
    }
    fbx_value token = fbx_map_get(&me, "token_id");
    if (!fbx_as_text(&token, id, TOKEN_ID_SIZE))
        id[0] = '\0'; /* not one of ours, so that no family has it */
    fbx_reply_free(reply);
    return true;
}

/* Of the caller's own account only, whatever the refresh token says. `*ended` is what goes with
 * the caller's token: of a login that is remembered no more, what it may have been given since. 0,
 * or an error of the store. */
static int end_family(struct auth *auth, fbx_request *request, const struct ticket *shown,
                      const char *token_id, struct family *ended)
{
    const fbx_context *caller = fbx_request_context(request);
    struct account account;
    struct ticket ticket = {.tenant = ""};
    memcpy(ended->token_id, token_id, TOKEN_ID_SIZE);
    ended->token_ends_s = token_id[0] ? auth_now_s() + auth->setup.token_s : 0;
    int rc =
        account_load(auth->store, fbx_context_tenant(caller), fbx_context_user(caller), &account);
    if (rc != 0)
        return rc == -ENOENT ? 0 : rc;
    const struct family *family = shown ? families_by_id(&account.families, shown->id)
                                        : families_by_token(&account.families, token_id);
    memcpy(ticket.tenant, account.tenant, TENANT_SIZE);
    memcpy(ticket.user, account.user, USER_SIZE);
    if (family) {
        memcpy(ticket.id, family->id, FAMILY_ID_BYTES);
        rc = taking_back_family(auth, &ticket, ended);
    } else {
        rc = store_sync(auth->store); /* it may have ended a moment ago, but not on disk */
    }
    account_finish(&account);
    return rc;
}

static void answer_ended(struct auth *auth, fbx_request *request, const struct family *ended)
{
    if (taking_back_one(auth, ended))
        auth_respond_nothing(request);
    else
        fbx_respond_status(request, FBX_UNAVAILABLE, "the token could not be taken back");
}

/* Whoever has the refresh token could go on with the login, and so may end it. */
static void end_shown(struct auth *auth, fbx_request *request, const struct ticket *ticket)
{
    struct family ended;
    if (taking_back_family(auth, ticket, &ended) != 0) {
        (void)taking_back_one(auth, &ended);
        auth_refuse_store(request);
    } else if (ended.until_s == 0) {
        auth_refuse_ticket(request);
    } else {
        answer_ended(auth, request, &ended);
    }
}

/* The caller's token goes last, once there is nothing more to ask again for. */
static void end_own(struct auth *auth, fbx_request *request, const struct ticket *shown)
{
    struct family ended = {.until_s = 0};
    char token_id[TOKEN_ID_SIZE] = "";
    if (!find_token(auth, request, token_id))
        return;
    if (end_family(auth, request, shown, token_id, &ended) != 0) {
        if (strcmp(ended.token_id, token_id) != 0)
            (void)taking_back_one(auth, &ended);
        auth_refuse_store(request);
        return;
    }
    fbx_reply *reply =
        auth_ask(auth, "bus.tokens", "logout", NULL, &(fbx_call_options){.parent = request});
    if (!reply || fbx_reply_status(reply) != FBX_OK) {
        auth_refuse_as(request, reply);
        return;
    }
    fbx_reply_free(reply);
    answer_ended(auth, request, &ended);
}

/* Whoever shows no token of the broker's could not have called. */
void auth_logout(struct auth *auth, fbx_request *request)
{
    static const char *const known[] = {"refresh_token", NULL};
    struct arguments arguments;
    struct ticket ticket;
    char text[TICKET_TEXT_SIZE] = "";
    arguments_read(&arguments, request, known);
    arguments_optional_text(&arguments, "refresh_token", text, sizeof text);
    if (arguments_refused(&arguments, request))
        return;
    bool shows_text = fbx_map_get(&arguments.map, "refresh_token").type == FBX_TEXT;
    bool is_ticket = shows_text && ticket_read(&ticket, text);
    /* From there the gateway asks for its clients: its own token is not to end, whatever they show,
     * and be it nothing but quotation marks. */
    bool for_client =
        shows_text && strcmp(fbx_context_tenant(fbx_request_context(request)), auth->tenant) == 0;
    if (!for_client)
        end_own(auth, request, is_ticket ? &ticket : NULL);
    else if (is_ticket)
        end_shown(auth, request, &ticket);
    else
        auth_refuse_ticket(request);
}
