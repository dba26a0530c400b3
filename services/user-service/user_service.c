/* The service of users and tenants: accounts with their profiles and preferences, and
 * subscriptions. */
#include "base/mem.h"
#include "health_door.h"
#include "module/module.h"
#include "store/store.h"
#include "users.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct method {
    const char *name;
    void (*run)(struct users *users, fbx_request *request);
} methods[] = {
    {"create-user", users_create},
    {"show-user", users_show},
    {"list-users", users_list},
    {"update-user", users_update},
    {"delete-user", users_delete},
    {"profile", users_profile},
    {"set-profile", users_set_profile},
    {"preferences", users_preferences},
    {"set-preferences", users_set_preferences},
    {"subscription", users_subscription},
    {"create-tenant", users_create_tenant},
    {"show-tenant", users_show_tenant},
    {"list-tenants", users_list_tenants},
    {"update-tenant", users_update_tenant},
    {"suspend-tenant", users_suspend_tenant},
    {"resume-tenant", users_resume_tenant},
    {"delete-tenant", users_delete_tenant},
};
#define METHODS (sizeof methods / sizeof *methods)

static void handle(void *arg, fbx_request *request)
{
    const char *name = fbx_request_method(request);
    for (size_t i = 0; i < METHODS; i++)
        if (strcmp(methods[i].name, name) == 0) {
            methods[i].run(arg, request);
            return;
        }
    fbx_respond_status(request, FBX_METHOD_NOT_FOUND, "user-service has no such method");
}

/* ---- health ---- */

static bool is_well(void *arg)
{
    struct users *users = arg;
    struct store_status status;
    store_status(users->store, &status);
    return status.last_error == 0;
}

static fbx_health health(void *arg)
{
    return is_well(arg) ? FBX_HEALTHY : FBX_UNHEALTHY;
}

/* ---- starting ---- */

static const char *const setting_keys[] = {"store", "health-listen", "health-endpoint", NULL};

static int open_store(struct users *users, const struct module_env *env, struct module_error *why)
{
    char reason[160] = "--set user-service.store=FOLDER is needed";
    const struct store_options options = {.dir = module_setting(env, "store", NULL), .schema = 1};
    int rc = options.dir ? store_open(&users->store, &options, reason) : -EINVAL;
    if (rc != 0)
        (void)snprintf(why->text, sizeof why->text, "%s", reason);
    return rc;
}

static int open_door(struct users *users, const struct module_env *env, struct module_error *why)
{
    const char *listen = module_setting(env, "health-listen", "127.0.0.1:8009");
    if (strcmp(listen, "none") == 0)
        return 0;
    int rc = health_door_open(&users->door, listen, is_well, users);
    if (rc != 0)
        (void)snprintf(why->text, sizeof why->text, "health-listen: cannot listen on %s: %s",
                       listen, strerror(-rc));
    return rc;
}

static int serve(struct users *users, const struct module_env *env, struct module_error *why)
{
    static const char *const requires[] = {"auth", NULL};
    const char *names[METHODS + 1] = {NULL};
    for (size_t i = 0; i < METHODS; i++)
        names[i] = methods[i].name;
    const fbx_service service = {
        .name = "user-service",
        .version = FBX_VERSION,
        .methods = names,
        .requires = requires,
        .health_endpoint = module_setting(env, "health-endpoint", NULL),
        .tenant_aware = true,
        .handler = handle,
        .arg = users,
        .on_health = health,
    };
    return env->serve(env, &service, why);
}

static int start(void **instance, const struct module_env *env, struct module_error *why)
{
    struct users *users = mem_zalloc(sizeof *users);
    pthread_mutex_init(&users->lock, NULL);
    users->bus = env->bus;
    *instance = users;
    int rc = open_store(users, env, why);
    if (rc == 0)
        rc = open_door(users, env, why);
    return rc == 0 ? serve(users, env, why) : rc;
}

static void stop(void *instance)
{
    struct users *users = instance;
    health_door_close(users->door);
    store_close(users->store);
    pthread_mutex_destroy(&users->lock);
    mem_free(users);
}

const struct farebox_module farebox_module = {
    .abi = MODULE_ABI,
    .name = "user-service",
    .version = FBX_VERSION,
    .settings = setting_keys,
    .start = start,
    .stop = stop,
};
