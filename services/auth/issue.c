#include "issue.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/store.h"
#include "taking_back.h"
#include "terms.h"
#include "token/token.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define TRIAL_S 60 /* of the token that the broker is asked about */

struct issuing {
    struct auth *auth;
    fbx_request *request;
    struct token_key *key;
    fbx_reply *me;
    struct terms terms;
    char token_id[TOKEN_ID_SIZE];
    char *token;
    int64_t now_s;
    struct ticket ticket; /* the refresh token to give */
    int64_t until_s;      /* its end */
};

/* Text to free with free(); NULL: these claims make no token. */
static char *mint(struct issuing *self, const struct account *account, int64_t life_s,
                  struct terms *terms)
{
    struct token_claims claims = {
        .user = (char *)(uintptr_t)account->user,
        .tenant = (char *)(uintptr_t)account->tenant,
        .id = self->token_id,
        .permissions = account->permissions,
        .n_permissions = account->n_permissions,
        .issued_s = account->valid_from_s > self->now_s ? account->valid_from_s : self->now_s,
        .expires_s = self->now_s + life_s,
    };
    if (terms)
        terms_claim(terms, &claims);
    return token_mint(self->key, &claims, self->now_s);
}

static void name_token(struct issuing *self)
{
    uint8_t id[(TOKEN_ID_SIZE - 1) / 2];
    randombytes_buf(id, sizeof id);
    sodium_bin2hex(self->token_id, sizeof self->token_id, id, sizeof id);
}

static bool refuse(const struct issuing *self, int status, const char *message, const char *why)
{
    log_event(LOG_ERROR, "auth.no_token", "reason", why, NULL);
    fbx_respond_status(self->request, status, message);
    return false;
}

/* ---- what the broker says of whoever has this token ---- */

static bool ask_me(struct issuing *self, const struct account *account)
{
    char *trial = mint(self, account, TRIAL_S, NULL);
    if (!trial)
        return refuse(self, FBX_INTERNAL, "no token can be made", "the claims make no token");
    fbx_reply_free(self->me);
    self->me = auth_ask(self->auth, "bus.me", "show", NULL, &(fbx_call_options){.token = trial});
    free(trial);
    return true;
}

static int status_of(const struct issuing *self)
{
    return self->me ? fbx_reply_status(self->me) : FBX_UNAVAILABLE;
}

/* Of a family that goes on with its token's id, which may be what the broker refuses: one with
 * another id tells. */
static bool ask_terms(struct issuing *self, const struct account *account,
                      const struct ticket *renewed)
{
    if (!ask_me(self, account))
        return false;
    if (renewed && status_of(self) == FBX_UNAUTHENTICATED) {
        name_token(self);
        if (!ask_me(self, account))
            return false;
        if (status_of(self) == FBX_OK) {
            /* Somebody took the family's tokens back without telling us. */
            taking_back_shown(self->auth, renewed, self->request);
            return false;
        }
    }
    int status = status_of(self);
    if (status == FBX_UNAUTHENTICATED)
        return refuse(
            self, FBX_UNAVAILABLE, "no login is possible at the moment",
            "the broker does not take tokens signed here: another key, issuer or audience");
    if (status != FBX_OK) {
        auth_refuse_as_of(self->request, self->me, account->tenant);
        self->me = NULL;
        return false;
    }
    return terms_read(&self->terms, self->me) ||
           refuse(self, FBX_INTERNAL, "no token can be made", "bus.me makes no sense");
}

/* ---- giving; under the lock ---- */

/* The family that is renewed, or a new one; NULL: the proof does not hold any more. */
static struct family *find_family(struct issuing *self, struct account *account,
                                  const struct ticket *renewed)
{
    struct family *family = NULL;
    if (renewed) {
        enum family_verdict verdict =
            families_judge(&account->families, renewed->id, renewed->secret, self->now_s, &family);
        return verdict == FAMILY_GOOD ? family : NULL;
    }
    randombytes_buf(self->ticket.id, sizeof self->ticket.id);
    family = families_add(&account->families, self->ticket.id, self->now_s);
    family->until_s = self->now_s + self->auth->setup.refresh_s;
    return family;
}

static void fill(struct issuing *self, struct family *family)
{
    memcpy(self->ticket.id, family->id, sizeof self->ticket.id);
    randombytes_buf(self->ticket.secret, sizeof self->ticket.secret);
    family_digest(family->digest, self->ticket.secret);
    memcpy(family->token_id, self->token_id, sizeof family->token_id);
    if (family->token_ends_s < self->now_s + self->auth->setup.token_s)
        family->token_ends_s = self->now_s + self->auth->setup.token_s;
    family->used_s = self->now_s;
    self->until_s = family->until_s;
}

/* False: refused, and answered. */
static bool give_from(struct issuing *self, struct account *account, const struct account *proven,
                      const struct ticket *renewed)
{
    struct family *family = NULL;
    if (!account->disabled && strcmp(account->hash, proven->hash) == 0)
        family = find_family(self, account, renewed);
    if (!family) {
        auth_refuse_credentials(self->request);
        return false;
    }
    self->token = mint(self, account, self->auth->setup.token_s, &self->terms);
    if (!self->token)
        return refuse(self, FBX_INTERNAL, "no token can be made", "the claims make no token");
    fill(self, family);
    account->login_ms = clock_now().unix_ms;
    if (account_save(self->auth->store, account) == 0)
        return true;
    auth_refuse_store(self->request);
    return false;
}

static bool give(struct issuing *self, const struct account *proven, const struct ticket *renewed)
{
    struct account account = {0};
    bool given = false;
    memcpy(self->ticket.tenant, proven->tenant, TENANT_SIZE);
    memcpy(self->ticket.user, proven->user, USER_SIZE);
    pthread_mutex_lock(&self->auth->lock);
    if (account_load(self->auth->store, proven->tenant, proven->user, &account) == 0)
        given = give_from(self, &account, proven, renewed);
    else
        auth_refuse_credentials(self->request);
    pthread_mutex_unlock(&self->auth->lock);
    account_finish(&account);
    return given;
}

/* ---- telling ---- */

static void respond(struct issuing *self)
{
    char refresh[TICKET_TEXT_SIZE];
    fbx_writer w = {0};
    ticket_print(&self->ticket, refresh);
    fbx_write_map(&w, 6);
    fbx_write_text(&w, "token");
    fbx_write_text(&w, self->token);
    fbx_write_text(&w, "token_type");
    fbx_write_text(&w, "Bearer");
    fbx_write_text(&w, "expires_in");
    fbx_write_uint(&w, self->auth->setup.token_s);
    fbx_write_text(&w, "refresh_token");
    fbx_write_text(&w, refresh);
    fbx_write_text(&w, "refresh_expires_in");
    fbx_write_int(&w, self->until_s - self->now_s);
    terms_write_context(&w, &self->terms);
    auth_respond_map(self->request, &w);
    sodium_memzero(refresh, sizeof refresh);
}

static bool load_key(struct issuing *self)
{
    struct module_error why = {{0}};
    self->key = setup_key(&self->auth->setup, &why);
    return self->key ||
           refuse(self, FBX_UNAVAILABLE, "no login is possible at the moment", why.text);
}

/* What was given must hold over a kill -9: it is on disk before it is told. */
bool issue(struct auth *auth, fbx_request *request, struct account *account,
           const struct ticket *renewed)
{
    struct issuing self = {.auth = auth, .request = request, .now_s = auth_now_s()};
    const struct family *family = renewed ? families_by_id(&account->families, renewed->id) : NULL;
    if (family)
        memcpy(self.token_id, family->token_id, sizeof self.token_id);
    else
        name_token(&self);
    bool given =
        load_key(&self) && ask_terms(&self, account, renewed) && give(&self, account, renewed);
    if (given && store_sync(auth->store) == 0) {
        respond(&self);
    } else if (given) {
        auth_refuse_store(request);
        given = false;
    }
    free(self.token);
    fbx_reply_free(self.me);
    token_key_destroy(self.key);
    sodium_memzero(&self.ticket, sizeof self.ticket);
    return given;
}
