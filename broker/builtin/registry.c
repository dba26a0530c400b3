/* registry.c - bus.registry: what there is, as far as the caller may use it. */
#include "builtin/registry.h"

#include "base/name.h"
#include "builtin/packing.h"
#include "core/state.h"

#include <stdio.h>
#include <stdlib.h>

#define PAGE_BYTES ((size_t)256 << 10) /* of services, in one answer */

static const Farebox__V1__Register no_record = FAREBOX__V1__REGISTER__INIT;

static bool may_call_anything_of(struct core *core, struct identity *who,
                                 const struct service *service)
{
    /* A permission for any one method shows the service; "~" stands for a method nobody names. */
    char subject[160];
    const Farebox__V1__Register *record = service->record ? service->record : &no_record;
    for (size_t i = 0; i < record->n_methods; i++) {
        int len = snprintf(subject, sizeof subject, "%.*s.%s", SLICE_FMT(service->name),
                           record->methods[i]);
        if (standing_permits(core, who, VERB_CALL, slice_make(subject, (size_t)len)))
            return true;
    }
    int len = snprintf(subject, sizeof subject, "%.*s.~", SLICE_FMT(service->name));
    return standing_permits(core, who, VERB_CALL, slice_make(subject, (size_t)len));
}

bool registry_shows(struct core *core, const struct call *call, const struct service *service,
                    enum scope scope)
{
    if (service->builtin)
        return false;
    if (scope == SCOPE_ALL)
        return true;
    if (service->tenant.len > 0 && !slice_equal(service->tenant, call->identity->tenant))
        return false;
    return may_call_anything_of(core, call->identity, service) &&
           standing_admits(core, standing_of(core, call->identity), service);
}

struct load {
    size_t instances, ready;
    uint64_t capacity, in_flight;
};

static struct load load_of(const struct service *service)
{
    struct load load = {0};
    for (struct list *node = service->instances.next; node != &service->instances;
         node = node->next) {
        const struct instance *instance = LIST_ENTRY(node, struct instance, by_service);
        load.instances++;
        load.in_flight += instance->in_flight;
        if (instance_ready(instance)) {
            load.ready++;
            load.capacity += instance->capacity;
        }
    }
    return load;
}

/* What a shared service has to do tells one tenant about the others. */
static bool shows_work(const struct service *service, enum scope scope)
{
    return scope == SCOPE_ALL || service->tenant.len > 0;
}

static void pack_work(msgpack_packer *packer, const struct service *service,
                      const struct load *load)
{
    pack_pair_uint(packer, "in_flight", load->in_flight);
    pack_pair_uint(packer, "queued", service->waiting.n);
    pack_pair_uint(packer, "calls", service->calls);
    pack_pair_uint(packer, "errors", service->errors);
    pack_pair_uint(packer, "p50_us", hist_at_us(&service->latency, 0.50));
    pack_pair_uint(packer, "p99_us", hist_at_us(&service->latency, 0.99));
}

/* Of the services it requires, those that nobody serves; in the turn's arena. */
static char **missing_for(struct core *core, const struct service *service, size_t *count)
{
    const Farebox__V1__Register *record = service->record ? service->record : &no_record;
    char **missing = arena_alloc(&core->arena, (record->n_requires + 1) * sizeof *missing);
    *count = 0;
    for (size_t i = 0; i < record->n_requires; i++) {
        const struct service *required =
            registry_resolve(core, service->tenant, slice_of(record->requires[i]));
        if (!required || !service_ready(required)) {
            missing[(*count)++] = record->requires[i];
        }
    }
    return missing;
}

static const char *state_of(const struct service *service, size_t missing)
{
    enum health_state state = service->health.state;
    return health_text(missing && state == HEALTH_READY ? HEALTH_DEGRADED : state);
}

#define DESCRIPTION_PAIRS 15u
#define WORK_PAIRS 6u

/* The head of the map, and all pairs but "instances". */
static void pack_description(struct core *core, msgpack_packer *packer,
                             const struct service *service, const struct load *load, bool work)
{
    size_t n_missing;
    char **missing = missing_for(core, service, &n_missing);
    msgpack_pack_map(packer, DESCRIPTION_PAIRS + (work ? WORK_PAIRS : 0) + 1);
    const Farebox__V1__Register *record = service->record ? service->record : &no_record;
    pack_pair_text(packer, "name", service->name);
    pack_pair_text(packer, "tenant", service->tenant);
    pack_pair_text(packer, "kind", slice_of(record->core ? "core" : "business"));
    pack_pair_text(packer, "version", slice_of(record->version));
    pack_pair_text(packer, "state", slice_of(state_of(service, n_missing)));
    pack_pair_text(packer, "minimum_tier", slice_of(record->minimum_tier));
    pack_pair_texts(packer, "method_tiers", record->method_tiers, record->n_method_tiers);
    pack_pair_texts(packer, "business_features", record->business_features,
                    record->n_business_features);
    pack_pair_texts(packer, "methods", record->methods, record->n_methods);
    pack_pair_texts(packer, "requires", record->requires, record->n_requires);
    pack_pair_texts(packer, "missing", missing, n_missing);
    pack_pair_bool(packer, "tenant_aware", record->tenant_aware);
    pack_pair_text(packer, "health_endpoint", slice_of(record->health_endpoint));
    pack_pair_uint(packer, "ready", load->ready);
    pack_pair_uint(packer, "capacity", load->capacity);
    if (work)
        pack_work(packer, service, load);
}

static int by_key(const void *a, const void *b)
{
    const struct service *const *left = a, *const *right = b;
    return strcmp((*left)->key, (*right)->key);
}

/* In the turn's arena, in order of their keys. */
static struct service **visible_services(struct core *core, const struct call *call,
                                         enum scope scope, size_t *count)
{
    const struct map *all = &core->registry.by_key;
    struct service **found = arena_alloc(&core->arena, (all->count + 1) * sizeof *found);
    size_t cursor = 0;
    *count = 0;
    for (struct service *s; (s = map_next(all, &cursor));) {
        if (registry_shows(core, call, s, scope))
            found[(*count)++] = s;
    }
    qsort(found, *count, sizeof *found, by_key);
    return found;
}

/* Those behind that key, as many as fit; the key of the last, or NULL when there are no more. */
static const char *pack_page(struct core *core, struct buf *rows, struct service *const *found,
                             size_t count, const char *after, enum scope scope, size_t *shown)
{
    msgpack_packer packer;
    packing_init(&packer, rows);
    *shown = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(found[i]->key, after) <= 0)
            continue;
        if (rows->len >= PAGE_BYTES)
            return found[i - 1]->key;
        struct load load = load_of(found[i]);
        pack_description(core, &packer, found[i], &load, shows_work(found[i], scope));
        pack_pair_uint(&packer, "instances", load.instances);
        ++*shown;
    }
    return NULL;
}

static enum status list(struct core *core, struct call *call, enum scope scope, struct buf *out,
                        const char **why)
{
    struct arguments arguments;
    struct buf rows = {0};
    msgpack_packer packer;
    size_t count, shown;
    (void)why;
    builtin_arguments(&arguments, call);
    struct slice after = argument_text(&arguments, "after", slice_make("", 0));
    struct service **found = visible_services(core, call, scope, &count);
    const char *next =
        pack_page(core, &rows, found, count, arena_text(&core->arena, after), scope, &shown);
    arguments_finish(&arguments);
    packing_init(&packer, out);
    msgpack_pack_map(&packer, next ? 2 : 1);
    pack_pair_array(&packer, "services", shown);
    packing_raw(&packer, buf_slice(&rows));
    if (next)
        pack_pair_text(&packer, "next", slice_of(next));
    buf_finish(&rows);
    return STATUS_OK;
}

static void pack_instance(msgpack_packer *packer, const struct instance *instance, bool work)
{
    const struct session *session = instance->session;
    msgpack_pack_map(packer, work ? 12 : 9);
    pack_pair_hex(packer, "session", session->link.session, 4);
    pack_pair_text(packer, "name", slice_of(session->name));
    pack_pair_text(packer, "version", slice_of(instance->version));
    pack_pair_text(packer, "tenant", instance->service->tenant);
    pack_pair_text(packer, "state", slice_of(health_text(instance->health.state)));
    pack_pair_text(packer, "check", slice_of(health_check_text(instance)));
    pack_pair_text(packer, "reason", slice_of(health_reason(instance)));
    pack_pair_uint(packer, "capacity", instance->capacity);
    pack_pair_uint(packer, "since_ms", instance->since_ms);
    if (!work)
        return;
    pack_pair_uint(packer, "in_flight", instance->in_flight);
    pack_pair_uint(packer, "calls", instance->n_calls);
    pack_pair_uint(packer, "errors", instance->errors);
}

static void pack_service(struct core *core, struct buf *out, const struct service *service,
                         bool work)
{
    struct load load = load_of(service);
    msgpack_packer packer;
    packing_init(&packer, out);
    pack_description(core, &packer, service, &load, work);
    pack_pair_array(&packer, "instances", load.instances);
    for (struct list *node = service->instances.next; node != &service->instances;
         node = node->next)
        pack_instance(&packer, LIST_ENTRY(node, struct instance, by_service), work);
}

/* ---- one service, by name ---- */

struct named {
    struct slice name, tenant; /* in the turn's arena */
};

static struct slice kept(struct core *core, struct slice text)
{
    return slice_of(arena_printf(&core->arena, "%.*s", SLICE_FMT(text)));
}

/* Only who sees every tenant may name another one. */
static enum status read_named(struct core *core, const struct call *call, enum scope scope,
                              const char *key, struct named *out, const char **why)
{
    struct arguments arguments;
    struct slice none = slice_make(NULL, 0);
    builtin_arguments(&arguments, call);
    out->name = kept(core, argument_text(&arguments, key, none));
    out->tenant = kept(core, argument_text(&arguments, "tenant", none));
    arguments_finish(&arguments);
    if (!name_valid_service(out->name) || (out->tenant.len > 0 && !name_valid(out->tenant)))
        return refuse_with(
            why, STATUS_INVALID_ARGUMENT,
            arena_printf(&core->arena, "%s, tenant: not names (" NAME_RULE ")", key));
    if (scope != SCOPE_ALL && out->tenant.len > 0 &&
        !slice_equal(out->tenant, call->identity->tenant)) {
        audit_mismatch(core, call->identity, "bus.registry", out->tenant);
        return refuse_with(why, STATUS_TENANT_MISMATCH, "that is another tenant");
    }
    return STATUS_OK;
}

static enum status not_found(struct core *core, const struct named *named, const char **why)
{
    return refuse_with(why, STATUS_SERVICE_NOT_FOUND,
                       arena_printf(&core->arena, "no service %.*s", SLICE_FMT(named->name)));
}

static enum status show(struct core *core, struct call *call, enum scope scope, struct buf *out,
                        const char **why)
{
    struct named named;
    enum status status = read_named(core, call, scope, "name", &named, why);
    if (status != STATUS_OK)
        return status;
    const struct service *service =
        named.tenant.len ? registry_find(core, named.tenant, named.name)
                         : registry_resolve(core, call->identity->tenant, named.name);
    if (!service || !registry_shows(core, call, service, scope))
        return not_found(core, &named, why);
    pack_service(core, out, service, shows_work(service, scope));
    return STATUS_OK;
}

/* An administrator of one tenant removes what that tenant owns, an operator whatever it names. */
static enum status remove_service(struct core *core, struct call *call, enum scope scope,
                                  struct buf *out, const char **why)
{
    struct named named;
    enum status status = read_named(core, call, scope, "service", &named, why);
    if (status != STATUS_OK)
        return status;
    if (scope != SCOPE_ALL)
        named.tenant = call->identity->tenant;
    struct service *service = registry_find(core, named.tenant, named.name);
    if (!service || service->builtin)
        return not_found(core, &named, why);
    status = registry_remove(core, service, call->identity, why);
    if (status != STATUS_OK)
        return status;
    msgpack_packer packer;
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 0);
    return STATUS_OK;
}

static const struct argument listed[] = {
    {"after", ARGUMENT_TEXT},
    {0},
};

static const struct argument named[] = {
    {"name", ARGUMENT_TEXT},
    {"tenant", ARGUMENT_TEXT},
    {0},
};

static const struct argument removed[] = {
    {"service", ARGUMENT_TEXT},
    {"tenant", ARGUMENT_TEXT},
    {0},
};

static const struct builtin_verb verbs[] = {
    {"list", ACCESS_ANYONE, "registry", list, false, listed},
    {"show", ACCESS_ANYONE, "registry", show, false, named},
    {"remove", ACCESS_ADMIN, "registry", remove_service, false, removed},
    {0},
};

const struct builtin builtin_registry = {"bus.registry", verbs};
