/* users.c - administration: who there is, with which permissions. */
#include "auth.h"
#include "order.h"
#include "taking_back.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "common/fields.h"
#include "store/store.h"

#include <errno.h>
#include <string.h>

#define PAGE_USERS 100u

/* ---- what is told of an account ---- */

static void write_account(fbx_writer *w, const struct account *account, bool locked)
{
    fbx_write_map(w, 9);
    fbx_write_text(w, "tenant");
    fbx_write_text(w, account->tenant);
    fbx_write_text(w, "user");
    fbx_write_text(w, account->user);
    fbx_write_text(w, "permissions");
    fbx_write_array(w, (uint32_t)account->n_permissions);
    for (size_t i = 0; i < account->n_permissions; i++)
        fbx_write_text(w, account->permissions[i]);
    fbx_write_text(w, "disabled");
    fbx_write_bool(w, account->disabled);
    fbx_write_text(w, "locked");
    fbx_write_bool(w, locked);
    field_put_uint(w, "logins", account->families.n);
    field_put_uint(w, "created_ms", account->created_ms);
    field_put_uint(w, "changed_ms", account->changed_ms);
    field_put_uint(w, "login_ms", account->login_ms);
}

/* Under the lock. */
static bool is_locked(struct auth *auth, const struct account *account)
{
    char key[ACCOUNT_KEY_SIZE];
    return attempts_barred_ms(auth->accounts,
                              slice_of(account_key(key, account->tenant, account->user)),
                              clock_mono_ns() / NS_PER_MS) > 0;
}

static void forgive(struct auth *auth, const struct account *account)
{
    char key[ACCOUNT_KEY_SIZE];
    attempts_forgive(auth->accounts, slice_of(account_key(key, account->tenant, account->user)));
}

/* For who may know, by now. Programs tell it by the reason from other invalid arguments. */
static void refuse_unknown(fbx_request *request)
{
    static const char *const details[] = {REASON, REASON_NO_SUCH_USER, NULL};
    fbx_refuse(request, &(fbx_refusal){.status = FBX_INVALID_ARGUMENT,
                                       .message = "user: there is none of this name",
                                       .details = details});
}

static void audit(const char *what, const struct account *account, fbx_request *request)
{
    const fbx_context *by = fbx_request_context(request);
    log_event(LOG_INFO, "auth.user", "what", what, "tenant", account->tenant, "user", account->user,
              "by_tenant", fbx_context_tenant(by), "by_user", fbx_context_user(by), NULL);
}

/* The account as it is now, once it is on disk. */
static void respond(struct auth *auth, fbx_request *request, const struct account *account)
{
    fbx_writer w = {0};
    if (store_sync(auth->store) != 0) {
        auth_refuse_store(request);
        return;
    }
    pthread_mutex_lock(&auth->lock);
    write_account(&w, account, is_locked(auth, account));
    pthread_mutex_unlock(&auth->lock);
    auth_respond_map(request, &w);
}

/* ---- changing; under the lock. False: answered ---- */

struct change {
    struct auth *auth;
    fbx_request *request;
    const struct order *order;
    char hash[PASSWORD_HASH_SIZE]; /* of the order's password, if it has one */
    struct account account;        /* what it comes to */
};

static bool save(struct change *self)
{
    self->account.changed_ms = clock_now().unix_ms;
    if (account_save(self->auth->store, &self->account) == 0)
        return true;
    auth_refuse_store(self->request);
    return false;
}

static bool load(struct change *self)
{
    int rc =
        account_load(self->auth->store, self->order->tenant, self->order->user, &self->account);
    if (rc == -ENOENT)
        refuse_unknown(self->request);
    else if (rc != 0)
        auth_refuse_store(self->request);
    return rc == 0;
}

/* One of this name may have been deleted a moment ago, with all tokens up to a second that is
 * still to come. */
static int64_t valid_from_s(const struct auth *auth)
{
    int64_t next_s = auth_now_s() + 1;
    return auth->latest_from_s > next_s ? auth->latest_from_s : next_s;
}

static bool create(struct change *self)
{
    const struct order *order = self->order;
    struct account *account = &self->account;
    int rc = account_load(self->auth->store, order->tenant, order->user, account);
    if (rc == 0)
        fbx_respond_status(self->request, FBX_CONFLICT, "user: there is one of this name");
    else if (rc != -ENOENT)
        auth_refuse_store(self->request);
    if (rc != -ENOENT)
        return false;
    memcpy(account->tenant, order->tenant, TENANT_SIZE);
    memcpy(account->user, order->user, USER_SIZE);
    memcpy(account->hash, self->hash, sizeof account->hash);
    account_set_permissions(account, order->permissions, order->n_permissions);
    account->valid_from_s = valid_from_s(self->auth);
    account->created_ms = clock_now().unix_ms;
    return save(self);
}

/* Other permissions, and tokens with the ones before are no good; a login goes on by its refresh
 * token, unless the password is another or there shall be none. */
static bool update(struct change *self)
{
    const struct order *order = self->order;
    struct account *account = &self->account;
    bool has_password = order->password[0] != '\0';
    if (!load(self) ||
        !order_may_deal(order, self->request, (const char *const *)account->permissions,
                        account->n_permissions))
        return false;
    if ((has_password || order->has_permissions || (order->has_disabled && order->disabled)) &&
        !taking_back_all(self->auth, account, self->request))
        return false;
    if (has_password) {
        memcpy(account->hash, self->hash, sizeof account->hash);
        forgive(self->auth, account);
    }
    if (has_password || (order->has_disabled && order->disabled))
        account->families.n = 0;
    if (order->has_permissions)
        account_set_permissions(account, order->permissions, order->n_permissions);
    if (order->has_disabled)
        account->disabled = order->disabled;
    return save(self);
}

static bool delete (struct change *self)
{
    struct account *account = &self->account;
    if (!load(self) ||
        !order_may_deal(self->order, self->request, (const char *const *)account->permissions,
                        account->n_permissions) ||
        !taking_back_all(self->auth, account, self->request))
        return false;
    forgive(self->auth, account);
    if (account_delete(self->auth->store, account) == 0)
        return true;
    auth_refuse_store(self->request);
    return false;
}

static bool prepare(struct change *self)
{
    const struct order *order = self->order;
    if (!order_may_deal(order, self->request, order->permissions, order->n_permissions))
        return false;
    if (order->password[0] == '\0' || password_hash_make(self->hash, order->password))
        return true;
    fbx_respond_status(self->request, FBX_OVERLOADED, "no memory for the password");
    return false;
}

static bool carry_out(struct change *self, bool (*run)(struct change *self), const char *what)
{
    if (!prepare(self))
        return false;
    pthread_mutex_lock(&self->auth->lock);
    bool done = run(self);
    pthread_mutex_unlock(&self->auth->lock);
    if (done)
        audit(what, &self->account, self->request);
    return done;
}

static void change(struct auth *auth, fbx_request *request, const struct order *order,
                   bool (*run)(struct change *self), const char *what)
{
    struct change self = {.auth = auth, .request = request, .order = order};
    if (carry_out(&self, run, what))
        respond(auth, request, &self.account);
    account_finish(&self.account);
}

/* ---- methods ---- */

void auth_create(struct auth *auth, fbx_request *request)
{
    static const char *const known[] = {"tenant", "user", "password", "permissions", NULL};
    struct order order;
    if (!order_read(&order, request, known))
        return;
    if (order.password[0] == '\0')
        fbx_respond_status(request, FBX_INVALID_ARGUMENT, "password: is required");
    else
        change(auth, request, &order, create, "created");
    order_finish(&order);
}

void auth_update(struct auth *auth, fbx_request *request)
{
    static const char *const known[] = {"tenant",      "user",     "password",
                                        "permissions", "disabled", NULL};
    struct order order;
    if (!order_read(&order, request, known))
        return;
    change(auth, request, &order, update, "updated");
    order_finish(&order);
}

void auth_delete(struct auth *auth, fbx_request *request)
{
    static const char *const known[] = {"tenant", "user", NULL};
    struct order order;
    if (!order_read(&order, request, known))
        return;
    struct change self = {.auth = auth, .request = request, .order = &order};
    if (carry_out(&self, delete, "deleted")) {
        if (store_sync(auth->store) == 0)
            auth_respond_nothing(request);
        else
            auth_refuse_store(request);
    }
    account_finish(&self.account);
    order_finish(&order);
}

void auth_show(struct auth *auth, fbx_request *request)
{
    static const char *const known[] = {"tenant", "user", NULL};
    struct order order;
    struct account account = {0};
    fbx_writer w = {0};
    if (!order_read(&order, request, known))
        return;
    pthread_mutex_lock(&auth->lock);
    int rc = account_load(auth->store, order.tenant, order.user, &account);
    if (rc == 0)
        write_account(&w, &account, is_locked(auth, &account));
    pthread_mutex_unlock(&auth->lock);
    if (rc == 0)
        auth_respond_map(request, &w);
    else if (rc == -ENOENT)
        refuse_unknown(request);
    else
        auth_refuse_store(request);
    account_finish(&account);
    order_finish(&order);
}

struct page {
    struct auth *auth;
    fbx_writer rows;
    uint32_t n;
    char last[USER_SIZE];
};

static int add(void *arg, const struct account *account)
{
    struct page *page = arg;
    if (page->n == PAGE_USERS)
        return 1;
    write_account(&page->rows, account, is_locked(page->auth, account));
    memcpy(page->last, account->user, USER_SIZE);
    page->n++;
    return 0;
}

static void respond_page(fbx_request *request, const struct page *page)
{
    fbx_writer w = {0};
    struct buf whole = {0};
    fbx_write_map(&w, 2);
    fbx_write_text(&w, "next");
    fbx_write_text(&w, page->n == PAGE_USERS ? page->last : "");
    fbx_write_text(&w, "users");
    fbx_write_array(&w, page->n);
    buf_append(&whole, w.data, w.len);
    buf_append(&whole, page->rows.data, page->rows.len);
    fbx_respond(request, (fbx_bytes){whole.data, whole.len}, NULL);
    buf_finish(&whole);
    fbx_writer_free(&w);
}

void auth_list(struct auth *auth, fbx_request *request)
{
    static const char *const known[] = {"tenant", "after", NULL};
    struct order order;
    struct page page = {.auth = auth};
    char after[USER_SIZE] = "";
    if (!order_read(&order, request, known))
        return;
    fbx_value arguments, value = {0};
    if (fbx_read(fbx_request_payload(request), &arguments))
        value = fbx_map_get(&arguments, "after");
    if (value.type != FBX_NONE && !fbx_as_text(&value, after, sizeof after)) {
        fbx_respond_status(request, FBX_INVALID_ARGUMENT, "after: must be a user's name");
    } else {
        pthread_mutex_lock(&auth->lock);
        int rc = account_each(auth->store, order.tenant, after, add, &page);
        pthread_mutex_unlock(&auth->lock);
        if (rc < 0)
            auth_refuse_store(request);
        else
            respond_page(request, &page);
    }
    fbx_writer_free(&page.rows);
    order_finish(&order);
}
