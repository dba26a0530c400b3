/* auth.h - what the methods of the service share. Methods run on worker threads and may block; each
 * answers its request. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "account.h"
#include "attempts.h"
#include "farebox.h"
#include "setup.h"

#include <pthread.h>

struct workers;

struct auth {
    struct setup setup;
    fbx_bus *bus;
    char tenant[TENANT_SIZE]; /* the service's own: what its callers from there say is believed */
    struct store *store;
    struct workers *workers;
    /* Held whenever an account is changed, from reading it until it is saved and the tokens that
     * the change ends are taken back: nobody can get a token in between that outlives it. */
    pthread_mutex_t lock;
    struct attempts *accounts, *addresses; /* under the lock, as what follows */
    int64_t latest_from_s; /* of any account's valid_from_s: of one that was deleted, too */
};

/* ---- login.c, refresh.c, password.c, users.c ---- */

void auth_login(struct auth *auth, fbx_request *request);
void auth_refresh(struct auth *auth, fbx_request *request);
void auth_logout(struct auth *auth, fbx_request *request);
void auth_password(struct auth *auth, fbx_request *request);
void auth_create(struct auth *auth, fbx_request *request);
void auth_update(struct auth *auth, fbx_request *request);
void auth_delete(struct auth *auth, fbx_request *request);
void auth_show(struct auth *auth, fbx_request *request);
void auth_list(struct auth *auth, fbx_request *request);

/* ---- check.c ---- */

/* Is it the password of an account that may log in? Whatever the reason for a no, it takes
 * as long, and counts against the account. If so the account is the caller's to finish.
 * 0, -EACCES, or an error of the store. */
int auth_check(struct auth *auth, const char *tenant, const char *user, const char *password,
               struct account *account);

/* ---- answers.c ---- */

void auth_respond_map(fbx_request *request, fbx_writer *w); /* frees the writer */
void auth_respond_nothing(fbx_request *request);            /* ok, {} */
void auth_refuse_credentials(fbx_request *request);
void auth_refuse_ticket(fbx_request *request); /* a refresh token that is no good */
void auth_refuse_store(fbx_request *request);
/* Passes on what the broker said, without the details, which are of whoever asked it: not ok. Takes
 * the reply, which may be NULL: it did not answer. */
void auth_refuse_as(fbx_request *request, fbx_reply *reply);
/* The same of what the broker said to a user of that tenant, with its details, and as `tenant_id`
 * whom they are of: by that gateways know that it is not their own terms they hear. */
void auth_refuse_as_of(fbx_request *request, fbx_reply *reply, const char *tenant);

/* Calls the broker in the service's own name, or for whoever made `parent`. NULL if it does not
 * answer. `w` is freed; NULL: {}. */
fbx_reply *auth_ask(struct auth *auth, const char *service, const char *method, fbx_writer *w,
                    const fbx_call_options *options);

int64_t auth_now_s(void);

#endif
