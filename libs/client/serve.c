/* serve.c - registering services. */
#include "client/serve.h"

#include "base/mem.h"
#include "client/ask.h"

/* protobuf-c takes pointers to what it only reads. */
static char *text_or_empty(const char *text)
{
    return (char *)(text ? text : "");
}

static struct service *create_service(const fbx_service *description)
{
    struct service *service = mem_zalloc(sizeof(*service));
    service->name = mem_strdup(description->name);
    service->tenant = mem_strdup(text_or_empty(description->tenant));
    service->refs = 1;
    service->on_io_thread = description->on_io_thread;
    service->handler = description->handler;
    service->arg = description->arg;
    service->on_cancel = description->on_cancel;
    service->on_health = description->on_health;
    return service;
}

void service_unref(struct service *service)
{
    if (--service->refs > 0)
        return;
    mem_free(service->name);
    mem_free(service->tenant);
    mem_free(service);
}

static struct service *find_by_name(const fbx_bus *bus, const char *name)
{
    for (struct list *node = bus->services.next; node != &bus->services; node = node->next) {
        struct service *service = LIST_ENTRY(node, struct service, node);
        if (strcmp(service->name, name) == 0)
            return service;
    }
    return NULL;
}

static void drop_service(struct service *service)
{
    list_remove(&service->node);
    service_unref(service);
}

static size_t count_texts(const char *const *texts)
{
    size_t count = 0;
    while (texts && texts[count])
        count++;
    return count;
}

static bool are_sound(const char *const *texts)
{
    while (texts && *texts && text_is_sound(*texts))
        texts++;
    return !texts || !*texts;
}

static bool is_sound(const fbx_service *service)
{
    return text_is_sound(service->name) && text_is_sound(service->version) &&
           text_is_sound(service->tenant) && text_is_sound(service->minimum_tier) &&
           text_is_sound(service->health_endpoint) && are_sound(service->method_tiers) &&
           are_sound(service->business_features) && are_sound(service->methods) &&
           are_sound(service->requires);
}

static int ask_to_register(fbx_bus *bus, const fbx_service *service)
{
    Farebox__V1__Register body = FAREBOX__V1__REGISTER__INIT;
    body.service = (char *)service->name;
    body.version = text_or_empty(service->version ? service->version : "0");
    body.capacity = service->capacity;
    body.tenant = text_or_empty(service->tenant);
    body.minimum_tier = text_or_empty(service->minimum_tier);
    body.tenant_aware = service->tenant_aware;
    body.core = service->core;
    body.n_method_tiers = count_texts(service->method_tiers);
    body.method_tiers = (char **)service->method_tiers;
    body.n_business_features = count_texts(service->business_features);
    body.business_features = (char **)service->business_features;
    body.health_endpoint = text_or_empty(service->health_endpoint);
    body.health_interval_ms = service->health_interval_ms;
    body.health_timeout_ms = service->health_timeout_ms;
    body.health_rise = service->health_rise;
    body.health_fall = service->health_fall;
    body.n_methods = count_texts(service->methods);
    body.methods = (char **)service->methods;
    body.n_requires = count_texts(service->requires);
    body.requires = (char **)service->requires;
    return bus_ask(bus, WIRE_REGISTER, 0, &body.base, bus->connect_timeout_ms);
}

static Farebox__V1__Deregister deregistration(const struct service *service)
{
    Farebox__V1__Deregister body = FAREBOX__V1__DEREGISTER__INIT;
    body.service = service->name;
    body.tenant = service->tenant;
    return body;
}

static void tell_deregister(fbx_bus *bus, const struct service *service)
{
    Farebox__V1__Deregister body = deregistration(service);
    engine_control(bus->engine, WIRE_DEREGISTER, 0, &body.base, NULL);
}

/* Known before the broker hears of it: requests may come with its answer. */
static int serve_locked(fbx_bus *bus, const fbx_service *description)
{
    if (bus->closing)
        return FBX_ECLOSED;
    if (find_by_name(bus, description->name))
        return FBX_EINVAL;
    struct service *service = create_service(description);
    list_push(&bus->services, &service->node);
    service->refs++; /* another thread may end it meanwhile */
    int error = ask_to_register(bus, description);
    bool ours = find_by_name(bus, description->name) == service;
    /* It may still be on its way, and would stand from session to session. */
    if (error == FBX_ETIMEDOUT && ours)
        tell_deregister(bus, service);
    if (error < 0 && ours)
        drop_service(service);
    service_unref(service);
    return error;
}

int fbx_serve(fbx_bus *bus, const fbx_service *description)
{
    if (!bus || !description || !description->name || !description->handler ||
        !is_sound(description))
        return FBX_EINVAL;
    if (bus_on_io_thread())
        return FBX_EWOULDBLOCK;
    bus_lock(bus);
    int error = serve_locked(bus, description);
    bus_unlock(bus);
    return error;
}

int fbx_unserve(fbx_bus *bus, const char *name)
{
    if (!bus || !name)
        return FBX_EINVAL;
    if (bus_on_io_thread())
        return FBX_EWOULDBLOCK;
    bus_lock(bus);
    struct service *service = find_by_name(bus, name);
    int error = service ? 0 : FBX_EINVAL;
    if (service) {
        Farebox__V1__Deregister body = deregistration(service);
        service->refs++; /* another thread may end it meanwhile */
        error = bus_tell(bus, WIRE_DEREGISTER, &body.base, bus->connect_timeout_ms);
        if (find_by_name(bus, name) == service)
            drop_service(service);
        service_unref(service);
        bus_settle(bus);
    }
    bus_unlock(bus);
    return error;
}

void services_deregister(fbx_bus *bus)
{
    for (struct list *node = bus->services.next; node != &bus->services; node = node->next)
        tell_deregister(bus, LIST_ENTRY(node, struct service, node));
}

void services_free(fbx_bus *bus)
{
    struct list *node;
    while ((node = list_first(&bus->services)) != NULL)
        drop_service(LIST_ENTRY(node, struct service, node));
}
