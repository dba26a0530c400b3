/* module.h - what a module is: a shared object that exports one symbol,
 *
 *     const struct farebox_module farebox_module = { .abi = MODULE_ABI, .name = "orders", … };
 *
 * The host loads modules in the order their `requires` ask for, connects once and
 * gives each of them the bus. Nothing of a module but this table is looked at. */
#ifndef MODULE_MODULE_H
#define MODULE_MODULE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Changes with the layout or the meaning of anything in this file. */
#define MODULE_ABI 1u

struct fbx_bus;
struct fbx_service;

/* Why something was refused, for people. */
struct module_error {
    char text[512];
};

struct module_setting {
    const char *key, *value;
};

/* What a module starts with. Everything is borrowed and stays valid until stop() has returned. */
struct module_env {
    struct fbx_bus *bus;
    const char *directory; /* where the module's file lies; its data are found from there */
    const struct module_setting *settings; /* only keys the module declared */
    size_t n_settings;
    /* Registers a service, as fbx_serve() does. The host withdraws it before drain(). */
    int (*serve)(const struct module_env *env, const struct fbx_service *service,
                 struct module_error *why);
    void *host;
};

struct farebox_module {
    uint32_t abi; /* MODULE_ABI */
    const char *name, *version;
    const char *const *requires; /* modules that start before this one; NULL-terminated or NULL */
    const char *const *settings; /* keys it understands; NULL-terminated or NULL */
    /* Creates an instance and registers its services. A module may have several
     * instances, so its state belongs into `*instance`, set before the first serve().
     * Returns 0, or a negative number and a reason; what serve() returned may be passed
     * on. Whenever `*instance` was set, also then, drain() and stop() follow. */
    int (*start)(void **instance, const struct module_env *env, struct module_error *why);
    /* Optional. Services are withdrawn, the bus is still open: end background work
     * and answer the requests that are held. */
    void (*drain)(void *instance);
    /* The bus is closed and no handler runs any more: free everything. */
    void (*stop)(void *instance);
};

extern __attribute__((visibility("default"))) const struct farebox_module farebox_module;

/* The value of a setting, or `otherwise`. The last one given counts. */
static inline const char *module_setting(const struct module_env *env, const char *key,
                                         const char *otherwise)
{
    for (size_t i = env->n_settings; i-- > 0;)
        if (strcmp(env->settings[i].key, key) == 0)
            return env->settings[i].value;
    return otherwise;
}

#endif
