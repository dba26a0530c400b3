#include "core/registry.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/name.h"
#include "builtin/announce.h"
#include "builtin/builtin.h"
#include "core/placement.h"
#include "core/registration.h"
#include "core/state.h"

#include <stdio.h>

typedef Farebox__V1__Register Record;

#define KEY_MAX 160u /* two names and a slash */

/* ---- shares ---- */

/* How many services a tenant owns, and how many instances these have. */
struct owner {
    size_t n, instances;
    char tenant[];
};

static void count_own(struct registry *registry, struct slice tenant)
{
    if (tenant.len == 0)
        return;
    struct owner *owner = map_get(&registry->owners, tenant);
    if (!owner) {
        owner = mem_zalloc(sizeof *owner + tenant.len + 1);
        memcpy(owner->tenant, tenant.data, tenant.len);
        map_put(&registry->owners, slice_of(owner->tenant), owner);
    }
    owner->n++;
    registry->n_own++;
}

static void discount_own(struct registry *registry, struct slice tenant)
{
    struct owner *owner = tenant.len ? map_get(&registry->owners, tenant) : NULL;
    if (!owner)
        return;
    registry->n_own--;
    if (--owner->n == 0) {
        map_remove(&registry->owners, tenant);
        mem_free(owner);
    }
}

static struct owner *owner_of(const struct core *core, struct slice tenant)
{
    return tenant.len ? map_get(&core->registry.owners, tenant) : NULL;
}

/* STATUS_OK: a further service of that tenant, or a shared one, finds a place. */
static enum status find_place(struct core *core, struct session *session, struct slice tenant,
                              const char **why)
{
    const struct owner *owner = owner_of(core, tenant);
    uint32_t most = standing_of(core, session->identity)->tier->services;
    if (owner && most > 0 && owner->n >= most) {
        *why = arena_printf(&core->arena, "the tenant's tier allows it %u services", most);
        return STATUS_QUOTA_EXCEEDED;
    }
    if (owner && owner->n >= core->limits.max_services / REGISTRY_SHARE) {
        *why = "the tenant's share of the registry is used up";
        return STATUS_QUOTA_EXCEEDED;
    }
    if (core->registry.by_key.count - core->registry.n_builtin >= core->limits.max_services) {
        *why = "the registry is full";
        return STATUS_OVERLOADED;
    }
    return STATUS_OK;
}

/* The same for a further instance. */
static enum status find_seat(const struct core *core, struct slice tenant, const char **why)
{
    const struct owner *owner = owner_of(core, tenant);
    if (owner && owner->instances >= core->limits.max_instances / REGISTRY_SHARE) {
        *why = "the tenant's share of instances is used up";
        return STATUS_QUOTA_EXCEEDED;
    }
    if (core->registry.n_instances >= core->limits.max_instances) {
        *why = "there are as many instances as there may be";
        return STATUS_OVERLOADED;
    }
    return STATUS_OK;
}

static void count_instance(struct core *core, const struct service *service, int change)
{
    struct owner *owner = owner_of(core, service->tenant);
    core->registry.n_instances += (size_t)change;
    if (owner)
        owner->instances += (size_t)change;
}

/* ---- services ---- */

/* Returns the length; "name" or "tenant/name". */
static size_t write_key(char *room, struct slice tenant, struct slice name)
{
    int len = tenant.len ? snprintf(room, KEY_MAX, "%.*s/%.*s", SLICE_FMT(tenant), SLICE_FMT(name))
                         : snprintf(room, KEY_MAX, "%.*s", SLICE_FMT(name));
    return (size_t)len;
}

static struct service *service_create(struct core *core, struct slice tenant, struct slice name)
{
    char room[KEY_MAX];
    struct service *service = mem_zalloc(sizeof *service);
    size_t len = write_key(room, tenant, name);
    service->key = mem_strdup(room);
    service->tenant = slice_make(service->key, tenant.len);
    service->name = slice_make(service->key + len - name.len, name.len);
    list_init(&service->instances);
    fair_init(&service->waiting);
    breakers_service_made(service);
    health_service_made(service);
    map_put(&core->registry.by_key, slice_of(service->key), service);
    return service;
}

static void service_describe(struct service *service, Record *record)
{
    if (service->record)
        farebox__v1__register__free_unpacked(service->record, NULL);
    service->record = record;
}

static void service_destroy(struct service *service)
{
    service_describe(service, NULL);
    fair_finish(&service->waiting);
    mem_free(service->at);
    mem_free(service->key);
    mem_free(service);
}

static void service_forget(struct core *core, struct service *service)
{
    map_remove(&core->registry.by_key, slice_of(service->key));
    breakers_service_gone(core, service);
    service_destroy(service);
}

struct service *registry_find(const struct core *core, struct slice tenant, struct slice name)
{
    char room[KEY_MAX];
    if (tenant.len == 0)
        return map_get(&core->registry.by_key, name);
    return map_get(&core->registry.by_key, slice_make(room, write_key(room, tenant, name)));
}

bool service_ready(const struct service *service)
{
    if (service->builtin)
        return true;
    for (struct list *node = service->instances.next; node != &service->instances;
         node = node->next) {
        if (instance_ready(LIST_ENTRY(node, struct instance, by_service)))
            return true;
    }
    return false;
}

struct service *registry_resolve(const struct core *core, struct slice tenant, struct slice name)
{
    struct service *shared = registry_find(core, slice_make(NULL, 0), name);
    if (core->registry.n_own == 0 || (shared && shared->builtin))
        return shared;
    struct service *own = registry_find(core, tenant, name);
    return own && (!shared || service_ready(own)) ? own : shared;
}

static int load(void *arg, struct slice key, struct slice bytes)
{
    struct core *core = arg;
    Record *record = farebox__v1__register__unpack(NULL, bytes.len, bytes.data);
    if (!record || registration_defect(record)) {
        log_event(LOG_ERROR, "registry.record_unreadable", NULL);
        if (record)
            farebox__v1__register__free_unpacked(record, NULL);
        return 0;
    }
    (void)key;
    struct service *service =
        service_create(core, slice_of(record->tenant), slice_of(record->service));
    service->record = record;
    service->awaited = core->limits.grace_ms > 0;
    count_own(&core->registry, service->tenant);
    return 0;
}

/* Those who wait for an instance that nobody can be any more need not wait for their deadline. */
void registry_health_changed(struct core *core, struct service *service)
{
    while (service->waiting.n > 0 && !placement_possible(service))
        call_fail(core, LIST_ENTRY(fair_peek(&service->waiting), struct call, turn),
                  STATUS_UNAVAILABLE, "no instance is left that could take it");
    placement_changed(core, service); /* one that was ejected, or is degraded, may be the last */
}

/* Who has not come back by now is not waited for. */
static void on_grace_over(struct timer *timer, void *arg)
{
    struct core *core = arg;
    size_t cursor = 0;
    (void)timer;
    for (struct service *s; (s = map_next(&core->registry.by_key, &cursor));) {
        s->awaited = false;
        registry_health_changed(core, s);
    }
}

static void add_builtin(struct core *core, const struct builtin *builtin)
{
    service_create(core, slice_make(NULL, 0), slice_of(builtin->name))->builtin = builtin;
    core->registry.n_builtin++;
}

int registry_start(struct core *core)
{
    map_init(&core->registry.by_key);
    map_init(&core->registry.owners);
    builtins_each(core, add_builtin);
    timer_init(&core->registry.awaiting, on_grace_over);
    wheel_arm(&core->wheel, &core->registry.awaiting,
              core->now.mono_ns + core->limits.grace_ms * NS_PER_MS);
    return core->io.scan(core->io.arg, REGISTRY_TABLE, load, core);
}

void registry_finish(struct core *core)
{
    size_t cursor = 0;
    for (struct service *s; (s = map_next(&core->registry.by_key, &cursor));)
        service_destroy(s);
    map_finish(&core->registry.by_key);
    cursor = 0;
    for (struct owner *owner; (owner = map_next(&core->registry.owners, &cursor));)
        mem_free(owner);
    map_finish(&core->registry.owners);
}

/* ---- records ---- */

/* The newest registration describes the service. Unchanged ones, as after every
 * restart of a service, write nothing. What the store cannot keep describes a service that
 * is known all the same, and is written with the next registration: a full disk must not keep
 * instances away that come back. False: it is not known, and cannot be kept. */
static bool describe(struct core *core, struct service *service, const Record *wanted)
{
    uint8_t *packed;
    size_t len;
    Record *record = registration_copy(wanted, &packed, &len);
    bool fresh = !service->record, known = true;

    if (service->unsaved || !registration_is(service->record, packed, len)) {
        service->unsaved = core->io.put(core->io.arg, REGISTRY_TABLE, slice_of(service->key),
                                        slice_make(packed, len)) < 0;
        known = !fresh || !service->unsaved;
    }
    if (known)
        service_describe(service, record);
    else
        farebox__v1__register__free_unpacked(record, NULL);
    mem_free(packed);
    return known;
}

/* ---- instances ---- */

static struct instance *instance_of(struct session *session, const struct service *service)
{
    for (struct list *node = session->instances.next; node != &session->instances;
         node = node->next) {
        struct instance *instance = LIST_ENTRY(node, struct instance, by_session);
        if (instance->service == service)
            return instance;
    }
    return NULL;
}

static void join(struct service *service, struct instance *instance)
{
    if (service->n_instances == service->cap_at) {
        service->cap_at = service->cap_at ? 2 * service->cap_at : 4;
        service->at = mem_realloc(service->at, service->cap_at * sizeof(struct instance *));
    }
    service->at[service->n_instances++] = instance;
    list_push(&service->instances, &instance->by_service);
}

static void leave(struct service *service, struct instance *instance)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < service->n_instances; i++) {
        if (service->at[i] != instance)
            service->at[kept++] = service->at[i];
    }
    service->n_instances = kept;
    list_remove(&instance->by_service);
}

static struct instance *instance_add(struct core *core, struct session *session,
                                     struct service *service)
{
    struct instance *instance = mem_zalloc(sizeof *instance);
    instance->service = service;
    instance->session = session;
    instance->since_ms = core->now.unix_ms;
    list_init(&instance->calls);
    breakers_instance_made(instance);
    health_instance_made(instance);
    join(service, instance);
    count_instance(core, service, 1);
    list_push(&session->instances, &instance->by_session);
    return instance;
}

static void configure(struct core *core, struct instance *instance, const Record *wanted)
{
    instance->capacity = wanted->capacity ? wanted->capacity : core->limits.default_capacity;
    instance->draining = false;
    mem_free(instance->version);
    instance->version = mem_strdup(wanted->version);
    health_configure(core, instance, wanted);
}

static enum status check(struct core *core, struct session *session, const Record *wanted,
                         const char **why)
{
    struct slice own = session->identity->tenant;
    struct slice target = wanted->tenant[0] ? slice_of(wanted->tenant) : slice_of("*");

    *why = registration_defect(wanted);
    if (!*why)
        *why = health_defect(core, wanted);
    if (*why)
        return STATUS_INVALID_ARGUMENT;
    *why = "";
    if (wanted->tenant[0] && !slice_equal(own, target)) {
        audit_mismatch(core, session->identity, "register", target);
        return refuse_with(why, STATUS_TENANT_MISMATCH, "that is another tenant");
    }
    if (!permitted(&session->identity->permissions, VERB_SERVE, own, target,
                   slice_of(wanted->service))) {
        *why = arena_printf(&core->arena, "needs serve:%s or, for tenant %.*s alone, serve:%.*s/%s",
                            wanted->service, SLICE_FMT(own), SLICE_FMT(own), wanted->service);
        return STATUS_PERMISSION_DENIED;
    }
    return STATUS_OK;
}

static enum status find_room(struct core *core, struct session *session,
                             const struct service *service, struct slice tenant, const char **why)
{
    enum status status = service ? STATUS_OK : find_place(core, session, tenant, why);
    if (status != STATUS_OK || (service && instance_of(session, service)))
        return status;
    return find_seat(core, tenant, why);
}

enum status registry_register(struct core *core, struct session *session, const Record *wanted,
                              const char **why)
{
    enum status status = check(core, session, wanted, why);
    if (status != STATUS_OK)
        return status;
    struct slice tenant = slice_of(wanted->tenant), name = slice_of(wanted->service);
    struct service *service = registry_find(core, tenant, name);
    bool fresh = !service;
    status = find_room(core, session, service, tenant, why);
    if (status != STATUS_OK)
        return status;
    if (fresh)
        service = service_create(core, tenant, name);
    if (!describe(core, service, wanted)) {
        *why = "the store cannot keep the record";
        service_forget(core, service);
        return STATUS_UNAVAILABLE;
    }
    if (fresh)
        count_own(&core->registry, service->tenant);
    struct instance *instance = instance_of(session, service);
    if (!instance)
        instance = instance_add(core, session, service);
    configure(core, instance, wanted);
    service->awaited = false;
    announce_instance(core, instance, "registered");
    health_look(core, instance);
    placement_changed(core, service);
    return STATUS_OK;
}

static struct instance *instance_named(struct session *session, struct slice tenant,
                                       struct slice name)
{
    for (struct list *node = session->instances.next; node != &session->instances;
         node = node->next) {
        struct instance *instance = LIST_ENTRY(node, struct instance, by_session);
        if (slice_equal(instance->service->name, name) &&
            slice_equal(instance->service->tenant, tenant))
            return instance;
    }
    return NULL;
}

enum status registry_deregister(struct core *core, struct session *session, struct slice tenant,
                                struct slice name, const char **why)
{
    struct instance *instance = instance_named(session, tenant, name);
    if (!instance && tenant.len == 0)
        instance = instance_named(session, session->identity->tenant, name);
    if (!instance) {
        *why = "this session does not serve it";
        return STATUS_SERVICE_NOT_FOUND;
    }
    announce_instance(core, instance, "deregistered");
    instance->draining = true;
    health_look(core, instance);
    if (instance->in_flight == 0)
        instance_remove(core, instance);
    return STATUS_OK;
}

enum status registry_remove(struct core *core, struct service *service, const struct identity *by,
                            const char **why)
{
    if (!list_empty(&service->instances)) {
        *why = "it has instances";
        return STATUS_CONFLICT;
    }
    if (core->io.remove(core->io.arg, REGISTRY_TABLE, slice_of(service->key)) < 0) {
        *why = "the store cannot forget the record";
        return STATUS_UNAVAILABLE;
    }
    service->awaited = false;
    registry_health_changed(core, service); /* calls that wait for it must not outlive it */
    announce_removal(core, service, by);
    discount_own(&core->registry, service->tenant);
    service_forget(core, service);
    return STATUS_OK;
}

void instance_remove(struct core *core, struct instance *instance)
{
    struct service *service = instance->service;
    instance->draining = instance->gone = true;
    leave(service, instance);
    count_instance(core, service, -1);
    list_remove(&instance->by_session);
    for (struct list *node; (node = list_first(&instance->calls));)
        call_instance_gone(core, LIST_ENTRY(node, struct call, by_place));
    health_instance_gone(core, instance);
    registry_health_changed(core, service);
    breakers_instance_gone(core, instance);
    mem_free(instance->version);
    mem_free(instance);
}

void registry_session_ended(struct core *core, struct session *session)
{
    for (struct list *node; (node = list_first(&session->instances));) {
        struct instance *instance = LIST_ENTRY(node, struct instance, by_session);
        if (!instance->draining) /* that was told when it deregistered */
            announce_instance(core, instance, "gone");
        instance_remove(core, instance);
    }
}

void registry_session_draining(struct core *core, struct session *session)
{
    for (struct list *node = session->instances.next; node != &session->instances;
         node = node->next)
        health_look(core, LIST_ENTRY(node, struct instance, by_session));
}

void registry_session_changed(struct core *core, struct session *session)
{
    bool back = session->state == SESSION_READY;
    for (struct list *node = session->instances.next; node != &session->instances;
         node = node->next) {
        struct instance *instance = LIST_ENTRY(node, struct instance, by_session);
        announce_instance(core, instance, back ? "back" : "lost");
        health_look(core, instance);
        if (back)
            placement_changed(core, instance->service);
    }
}

void registry_session_has_room(struct core *core, struct session *session)
{
    for (struct list *node = session->instances.next; node != &session->instances;
         node = node->next)
        placement_changed(core, LIST_ENTRY(node, struct instance, by_session)->service);
}
