/* tenants.c - tenants, which are the broker's, and on what terms whoever asks uses the bus. */
#include "base/name.h"
#include "common/arguments.h"
#include "relay.h"
#include "store/store.h"
#include "users.h"

/* ---- subscription ---- */

static const struct {
    const char *key, *of_me;
} terms[] = {
    {"tenant", "tenant"},
    {"user", "user"},
    {"tier", "tier"},
    {"status", "subscription_status"},
    {"ends_ms", "subscription_ends_ms"},
    {"billing_customer", "billing_customer"},
    {"features", "features"},
    {"limits", "limits"},
};
#define TERMS (sizeof terms / sizeof *terms)

void users_subscription(struct users *users, fbx_request *request)
{
    static const char *const known[] = {NULL};
    struct arguments arguments;
    fbx_value me = {0};
    fbx_writer w = {0};
    (void)users;
    arguments_read(&arguments, request, known);
    if (arguments_refused(&arguments, request))
        return;
    fbx_reply *reply = users_ask(request, "bus.me", "show", NULL);
    if (!reply)
        return;
    (void)fbx_read(fbx_reply_payload(reply), &me);
    fbx_write_map(&w, TERMS);
    for (size_t i = 0; i < TERMS; i++) {
        fbx_value value = fbx_map_get(&me, terms[i].of_me);
        fbx_write_text(&w, terms[i].key);
        fbx_write_value(&w, &value);
    }
    users_respond(request, &w);
    fbx_reply_free(reply);
}

/* ---- tenants ---- */

static const char *const described[] = {
    "tenant",           "name",     "tier",       "status", "expires_ms",
    "billing_customer", "features", "per_minute", "burst",  NULL};
static const char *const named[] = {"tenant", NULL};

/* What bus.tenants says. NULL: answered. */
static fbx_reply *ask(fbx_request *request, const char *verb, const char *const *known,
                      const struct arguments *arguments)
{
    fbx_writer w = {0};
    relay_some(&w, &arguments->map, known);
    return users_ask(request, "bus.tenants", verb, &w);
}

static void pass_on(fbx_request *request, fbx_reply *reply)
{
    if (reply)
        fbx_respond(request, fbx_reply_payload(reply), NULL);
    fbx_reply_free(reply);
}

static void look(fbx_request *request, const char *verb, const char *const *known)
{
    struct arguments arguments;
    arguments_read(&arguments, request, known);
    if (!arguments_refused(&arguments, request))
        pass_on(request, ask(request, verb, known, &arguments));
}

void users_show_tenant(struct users *users, fbx_request *request)
{
    static const char *const known[] = {"tenant", "after", NULL};
    (void)users;
    look(request, "show", known);
}

void users_list_tenants(struct users *users, fbx_request *request)
{
    static const char *const known[] = {"after", NULL};
    (void)users;
    look(request, "list", known);
}

/* Which tenant is said each time: nobody suspends their own by leaving it out. */
static bool read_change(struct arguments *arguments, fbx_request *request, const char *const *known,
                        char tenant[TENANT_SIZE])
{
    tenant[0] = '\0';
    arguments_read(arguments, request, known);
    arguments_text(arguments, "tenant", tenant, TENANT_SIZE);
    if (!name_valid_tenant(slice_of(tenant)))
        arguments_refuse(arguments, "tenant: no tenant's name (" NAME_RULE ")");
    return !arguments_refused(arguments, request);
}

static void change(fbx_request *request, const char *verb, const char *const *known,
                   const char *what)
{
    struct arguments arguments;
    char tenant[TENANT_SIZE];
    if (!read_change(&arguments, request, known, tenant))
        return;
    fbx_reply *reply = ask(request, verb, known, &arguments);
    if (reply)
        users_audit_tenant(request, what, tenant);
    pass_on(request, reply);
}

void users_create_tenant(struct users *users, fbx_request *request)
{
    (void)users;
    change(request, "create", described, "created");
}

void users_update_tenant(struct users *users, fbx_request *request)
{
    (void)users;
    change(request, "update", described, "updated");
}

void users_suspend_tenant(struct users *users, fbx_request *request)
{
    (void)users;
    change(request, "suspend", named, "suspended");
}

void users_resume_tenant(struct users *users, fbx_request *request)
{
    (void)users;
    change(request, "resume", named, "resumed");
}

/* ---- deleting ---- */

/* Accounts that were left would be those of the next tenant of that name. False: answered. */
static bool has_no_users(fbx_request *request, const struct arguments *arguments)
{
    fbx_value page = {0};
    fbx_writer w = {0};
    relay_some(&w, &arguments->map, named);
    fbx_reply *reply = users_ask(request, "auth", "list", &w);
    if (!reply)
        return false;
    (void)fbx_read(fbx_reply_payload(reply), &page);
    fbx_value list = fbx_map_get(&page, "users");
    bool none = list.type == FBX_ARRAY && list.count == 0;
    fbx_reply_free(reply);
    if (!none)
        fbx_respond_status(request, FBX_CONFLICT, "tenant: it has users: delete them first");
    return none;
}

/* How many, or an error of the store. */
static int forget_persons(struct users *users, const char *tenant)
{
    pthread_mutex_lock(&users->lock);
    int n = person_delete_all(users->store, tenant);
    pthread_mutex_unlock(&users->lock);
    int rc = n < 0 ? n : store_sync(users->store);
    return rc < 0 ? rc : n;
}

/* The tenant is no more, or the broker knows none, which is no mistake if there are profiles: a
 * death in between left them behind. */
static void finish_delete(struct users *users, fbx_request *request, const char *tenant,
                          const fbx_reply *reply)
{
    int n = forget_persons(users, tenant);
    fbx_writer w = {0};
    if (n == 0 && fbx_reply_status(reply) != FBX_OK) {
        fbx_refuse_as(request, reply);
        return;
    }
    users_audit_tenant(request, "deleted", tenant);
    if (n >= 0) {
        fbx_write_map(&w, 0);
        users_respond(request, &w);
    } else {
        users_refuse_store(request);
    }
}

void users_delete_tenant(struct users *users, fbx_request *request)
{
    struct arguments arguments;
    char tenant[TENANT_SIZE];
    fbx_writer w = {0};
    if (!read_change(&arguments, request, named, tenant) || !has_no_users(request, &arguments))
        return;
    relay_some(&w, &arguments.map, named);
    fbx_reply *reply = users_ask_whether(request, "bus.tenants", "delete", &w);
    if (!reply)
        return;
    /* Of an argument that auth took a moment ago it can mean only that there is no such tenant, and
     * that whoever asks may hear it. */
    int status = fbx_reply_status(reply);
    if (status == FBX_OK || status == FBX_INVALID_ARGUMENT)
        finish_delete(users, request, tenant, reply);
    else
        fbx_refuse_as(request, reply);
    fbx_reply_free(reply);
}
