#include "running.h"

#include "base/clock.h"
#include "base/mem.h"
#include "demands.h"

#include <string.h>

struct started {
    const struct farebox_module *module;
    struct module_env env;
    struct module_setting *settings;
    void *instance;
};

struct running {
    fbx_bus *bus;
    const struct host_options *options;
    struct started *started;
    size_t n_started;
    char **services;
    size_t n_services;
    int refusal; /* of a service: an FBX_E… code, or 0 */
};

/* ---- settings ---- */

static bool has_setting(const struct farebox_module *module, const char *key)
{
    for (const char *const *known = module->settings; known && *known; known++)
        if (strcmp(*known, key) == 0)
            return true;
    return false;
}

static enum host_exit check_setting(const struct imports *imports,
                                    const struct host_setting *setting, struct module_error *why)
{
    const struct farebox_module *module = imports_find(imports, setting->module);
    if (module && has_setting(module, setting->key))
        return HOST_OK;
    (void)imports_refuse(why, 0, "--set %s.%s: there is no such %s", setting->module, setting->key,
                         module ? "setting" : "module");
    return HOST_USAGE;
}

enum host_exit running_check_settings(const struct imports *imports,
                                      const struct host_options *options, struct module_error *why)
{
    enum host_exit status = HOST_OK;
    for (size_t i = 0; i < options->n_settings && status == HOST_OK; i++)
        status = check_setting(imports, &options->settings[i], why);
    return status;
}

static void collect_settings(struct started *started, const struct host_options *options)
{
    size_t count = 0;
    started->settings = mem_zalloc((options->n_settings + 1) * sizeof *started->settings);
    for (size_t i = 0; i < options->n_settings; i++) {
        const struct host_setting *setting = &options->settings[i];
        if (strcmp(setting->module, started->module->name) == 0)
            started->settings[count++] = (struct module_setting){setting->key, setting->value};
    }
    started->env.settings = started->settings;
    started->env.n_settings = count;
}

/* ---- starting ---- */

static void explain_refusal(struct module_error *why, const char *service, int error)
{
    const char *said = error == FBX_EREFUSED ? fbx_last_error() : "";
    (void)imports_refuse(why, 0, "cannot serve %s: %s", service,
                         said[0] ? said : fbx_error_text(error));
}

static int serve(const struct module_env *env, const struct fbx_service *service,
                 struct module_error *why)
{
    struct running *running = env->host;
    struct demands demands;
    demands_apply(&demands, running->options, service);
    if (demands.service.health_interval_ms == 0)
        demands.service.health_interval_ms = running->options->health_interval_ms;
    int rc = fbx_serve(running->bus, &demands.service);
    demands_finish(&demands);
    if (rc < 0) {
        running->refusal = rc;
        explain_refusal(why, service->name, rc);
        return rc;
    }
    running->services =
        mem_realloc(running->services, (running->n_services + 1) * sizeof *running->services);
    running->services[running->n_services++] = mem_strdup(service->name);
    return 0;
}

static enum host_exit blame(const struct running *running)
{
    if (running->refusal == FBX_EREFUSED)
        return HOST_NOT_ALLOWED;
    return running->refusal < 0 ? HOST_NO_BROKER : HOST_BAD_SETUP;
}

static enum host_exit start_module(struct running *running, const struct farebox_module *module,
                                   const char *directory, const struct host_options *options,
                                   struct module_error *why)
{
    struct started *started = &running->started[running->n_started++];
    struct module_error reason = {{0}};
    *started = (struct started){
        .module = module,
        .env = {.bus = running->bus, .directory = directory, .serve = serve, .host = running},
    };
    collect_settings(started, options);
    if (module->start(&started->instance, &started->env, &reason) >= 0)
        return HOST_OK;
    (void)imports_refuse(why, 0, "%s: %s", module->name, reason.text);
    return blame(running);
}

static enum host_exit check_demands(const struct running *running, struct module_error *why)
{
    const char *service = demands_unmet(running->options, running->services, running->n_services);
    if (!service)
        return HOST_OK;
    (void)imports_refuse(why, 0, "--tier: no module serves %s", service);
    return HOST_USAGE;
}

enum host_exit running_start(struct running **out, fbx_bus *bus, const struct imports *imports,
                             const struct host_options *options, struct module_error *why)
{
    struct running *running = mem_zalloc(sizeof *running);
    size_t count = imports_count(imports);
    enum host_exit status = HOST_OK;
    running->bus = bus;
    running->options = options;
    running->started = mem_zalloc((count + 1) * sizeof *running->started);
    for (size_t i = 0; i < count && status == HOST_OK; i++)
        status = start_module(running, imports_at(imports, i), imports_directory(imports, i),
                              options, why);
    if (status == HOST_OK)
        status = check_demands(running, why);
    if (status == HOST_OK)
        *out = running;
    else
        running_end(running, true);
    return status;
}

size_t running_services(const struct running *running)
{
    return running->n_services;
}

const char *running_service(const struct running *running, size_t index)
{
    return running->services[index];
}

/* ---- ending ---- */

static uint32_t left_ms(uint64_t until_ns)
{
    uint64_t now = clock_mono_ns();
    return now < until_ns ? (uint32_t)((until_ns - now) / NS_PER_MS) : 0;
}

/* Dependants first, as they may still call what they depend on. */
static void withdraw_services(struct running *running, uint64_t until_ns)
{
    while (running->n_services > 0) {
        char *name = running->services[--running->n_services];
        if (left_ms(until_ns) > 0)
            (void)fbx_unserve(running->bus, name);
        mem_free(name);
    }
}

static void drain_modules(const struct running *running)
{
    for (size_t i = running->n_started; i-- > 0;) {
        const struct started *started = &running->started[i];
        if (started->instance && started->module->drain)
            started->module->drain(started->instance);
    }
}

static void stop_modules(const struct running *running)
{
    for (size_t i = running->n_started; i-- > 0;) {
        const struct started *started = &running->started[i];
        if (started->instance)
            started->module->stop(started->instance);
        mem_free(started->settings);
    }
}

void running_end(struct running *running, bool connected)
{
    if (!running)
        return;
    uint64_t patience_ns = connected ? running->options->drain_ms * NS_PER_MS : 0;
    uint64_t until_ns = clock_mono_ns() + patience_ns;
    withdraw_services(running, until_ns);
    if (left_ms(until_ns) > 0)
        (void)fbx_await_requests(running->bus, left_ms(until_ns));
    drain_modules(running);
    fbx_close(running->bus);
    stop_modules(running);
    mem_free(running->services);
    mem_free(running->started);
    mem_free(running);
}
