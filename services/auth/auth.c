/* The service that knows users and passwords, and gives tokens. */
#include "auth.h"

#include "base/mem.h"
#include "store/store.h"
#include "token/token.h"
#include "workers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ROOM 64u /* requests that may wait for a thread */
#define KEYS_MOST 65536u

/* ---- methods ---- */

static const struct method {
    const char *name;
    void (*run)(struct auth *auth, fbx_request *request);
} methods[] = {
    {"login", auth_login},   {"refresh", auth_refresh},   {"logout", auth_logout},
    {"create", auth_create}, {"password", auth_password}, {"update", auth_update},
    {"delete", auth_delete}, {"show", auth_show},         {"list", auth_list},
};
#define METHODS (sizeof methods / sizeof *methods)

static const struct method *find_method(const fbx_request *request)
{
    const char *name = fbx_request_method(request);
    for (size_t i = 0; i < METHODS; i++)
        if (strcmp(methods[i].name, name) == 0)
            return &methods[i];
    return NULL;
}

static void run(void *arg, fbx_request *request)
{
    find_method(request)->run(arg, request);
}

static void handle(void *arg, fbx_request *request)
{
    struct auth *auth = arg;
    if (find_method(request))
        workers_take(auth->workers, request);
    else
        fbx_respond_status(request, FBX_METHOD_NOT_FOUND, "auth has no such method");
}

/* ---- starting ---- */

static int complain(struct module_error *why, int rc, const char *text)
{
    (void)snprintf(why->text, sizeof why->text, "%s", text);
    return rc;
}

static int find_own_tenant(struct auth *auth, struct module_error *why)
{
    fbx_value me, tenant = {0};
    fbx_reply *reply = auth_ask(auth, "bus.me", "show", NULL, &(fbx_call_options){0});
    bool known =
        reply && fbx_reply_status(reply) == FBX_OK && fbx_read(fbx_reply_payload(reply), &me);
    if (known)
        tenant = fbx_map_get(&me, "tenant");
    known = known && fbx_as_text(&tenant, auth->tenant, sizeof auth->tenant);
    fbx_reply_free(reply);
    return known ? 0 : complain(why, -EPROTO, "the broker does not say whose token this is");
}

static int open_store(struct auth *auth, struct module_error *why)
{
    char reason[160] = "";
    const struct store_options options = {.dir = auth->setup.store, .schema = 1};
    int rc = store_open(&auth->store, &options, reason);
    return rc == 0 ? 0 : complain(why, rc, reason);
}

static int prepare(struct auth *auth, const struct module_env *env, struct module_error *why)
{
    int rc = setup_read(&auth->setup, env, why);
    struct token_key *key = rc == 0 ? setup_key(&auth->setup, why) : NULL;
    if (rc == 0 && !key)
        rc = -EINVAL;
    token_key_destroy(key);
    if (rc == 0)
        rc = open_store(auth, why);
    if (rc == 0 && !password_hash_start())
        rc = complain(why, -ENOMEM, "no memory or no random numbers for passwords");
    if (rc == 0)
        rc = find_own_tenant(auth, why);
    if (rc != 0)
        return rc;
    auth->accounts = attempts_create(auth->setup.attempts, auth->setup.lock_ms, KEYS_MOST);
    auth->addresses = attempts_create(auth->setup.address_attempts, auth->setup.lock_ms, KEYS_MOST);
    auth->workers = workers_create(auth->setup.threads, ROOM, run, auth);
    return auth->workers ? 0 : complain(why, -EAGAIN, "no threads for passwords");
}

static int start(void **instance, const struct module_env *env, struct module_error *why)
{
    const char *names[METHODS + 1] = {NULL};
    struct auth *auth = mem_zalloc(sizeof *auth);
    pthread_mutex_init(&auth->lock, NULL);
    auth->bus = env->bus;
    *instance = auth;
    int rc = prepare(auth, env, why);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < METHODS; i++)
        names[i] = methods[i].name;
    const fbx_service service = {
        .name = "auth",
        .version = FBX_VERSION,
        .capacity = ROOM,
        .methods = names,
        .core = true,
        .on_io_thread = true,
        .handler = handle,
        .arg = auth,
    };
    return env->serve(env, &service, why);
}

static void drain(void *instance)
{
    struct auth *auth = instance;
    if (auth->workers)
        workers_close(auth->workers);
}

static void stop(void *instance)
{
    struct auth *auth = instance;
    workers_destroy(auth->workers);
    attempts_destroy(auth->accounts);
    attempts_destroy(auth->addresses);
    store_close(auth->store);
    pthread_mutex_destroy(&auth->lock);
    mem_free(auth);
}

const struct farebox_module farebox_module = {
    .abi = MODULE_ABI,
    .name = "auth",
    .version = FBX_VERSION,
    .settings = setup_keys,
    .start = start,
    .drain = drain,
    .stop = stop,
};
