/* breakers.c - bus.breakers: which services are being spared, and orders to the contrary. Whoever
 * administers one tenant sees its breakers and those of services it may meet, and changes its own.
 */
#include "base/name.h"
#include "builtin/builtin.h"
#include "builtin/packing.h"
#include "builtin/registry.h"
#include "core/state.h"

#define LISTED_MAX 2048u /* an answer has to fit one payload */

/* ---- looking ---- */

struct listing {
    struct core *core;
    const struct call *call;
    enum scope scope;
    msgpack_packer *packer;
    size_t n; /* also of those that did not fit */
};

static bool owns(const struct listing *listing, const struct service *service, struct slice tenant)
{
    struct slice own = listing->call->identity->tenant;
    return listing->scope == SCOPE_ALL || slice_equal(tenant, own) ||
           slice_equal(service->tenant, own);
}

static void pack_counts(msgpack_packer *packer, struct breaker_counts counts)
{
    pack_pair_uint(packer, "calls", counts.calls);
    pack_pair_uint(packer, "failed", counts.failed);
    pack_pair_uint(packer, "slow", counts.slow);
}

static void pack_breaker(struct listing *listing, struct service *service, struct slice tenant,
                         const char *instance, const struct breaker *breaker)
{
    const struct core *core = listing->core;
    const struct breaker_rules *rules = &breakers_setting(listing->core, service)->rules;
    bool all = owns(listing, service, tenant);
    bool waits = breaker->state == BREAKER_OPEN && breaker->until > core->now.mono_ns;
    if (listing->n++ >= LISTED_MAX || !listing->packer)
        return;
    msgpack_pack_map(listing->packer, all ? 10 : 7);
    pack_pair_text(listing->packer, "service", slice_of(service->key));
    pack_pair_text(listing->packer, "tenant", tenant);
    pack_pair_text(listing->packer, "instance", slice_of(instance));
    pack_pair_text(listing->packer, "state", slice_of(breaker_state_text(breaker->state)));
    pack_pair_bool(listing->packer, "forced", breaker->forced);
    pack_pair_uint(listing->packer, "openings", breaker->openings);
    pack_pair_uint(listing->packer, "retry_after_ms",
                   waits ? (breaker->until - core->now.mono_ns) / NS_PER_MS : 0);
    if (all)
        pack_counts(listing->packer, breaker_counts(breaker, rules, core->now.mono_ns));
}

static bool says_something(struct listing *listing, struct service *service,
                           const struct breaker *breaker)
{
    const struct breaker_rules *rules = &breakers_setting(listing->core, service)->rules;
    return breaker->state != BREAKER_CLOSED || breaker->forced ||
           breaker_counts(breaker, rules, listing->core->now.mono_ns).calls > 0;
}

static void list_tenants(struct listing *listing, struct service *service)
{
    size_t cursor = 0;
    for (struct guard *guard; (guard = map_next(&service->breakers.tenants, &cursor));) {
        if (owns(listing, service, guard->tenant) &&
            says_something(listing, service, &guard->breaker))
            pack_breaker(listing, service, guard->tenant, "", &guard->breaker);
    }
}

static void list_instances(struct listing *listing, struct service *service)
{
    for (uint32_t i = 0; i < service->n_instances; i++) {
        const struct instance *instance = service->at[i];
        if (owns(listing, service, instance->session->identity->tenant) &&
            instance->breaker.breaker.state != BREAKER_CLOSED)
            pack_breaker(listing, service, slice_make(NULL, 0), instance->session->name,
                         &instance->breaker.breaker);
    }
}

/* Their own, what the registry shows them, and where their tenant has a breaker. */
static bool concerns(struct core *core, const struct call *call, enum scope scope,
                     const struct service *service)
{
    struct slice own = call->identity->tenant;
    if (service->builtin)
        return false;
    return scope == SCOPE_ALL || slice_equal(service->tenant, own) ||
           registry_shows(core, call, service, scope) ||
           map_get(&service->breakers.tenants, own) != NULL;
}

static void list_all(struct listing *listing)
{
    size_t cursor = 0;
    struct slice none = slice_make(NULL, 0);
    for (struct service *service; (service = map_next(&listing->core->registry.by_key, &cursor));) {
        if (!concerns(listing->core, listing->call, listing->scope, service))
            continue;
        if (says_something(listing, service, &service->breakers.whole.breaker))
            pack_breaker(listing, service, none, "", &service->breakers.whole.breaker);
        list_tenants(listing, service);
        list_instances(listing, service);
    }
}

static enum status list(struct core *core, struct call *call, enum scope scope, struct buf *out,
                        const char **why)
{
    msgpack_packer packer;
    struct listing counting = {.core = core, .call = call, .scope = scope};
    (void)why;
    list_all(&counting);
    struct listing listing = counting;
    listing.packer = &packer;
    listing.n = 0;
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 2);
    pack_pair_uint(&packer, "left_out", counting.n > LISTED_MAX ? counting.n - LISTED_MAX : 0);
    pack_pair_array(&packer, "breakers", counting.n > LISTED_MAX ? LISTED_MAX : counting.n);
    list_all(&listing);
    return STATUS_OK;
}

/* ---- orders ---- */

static enum status carry_out(struct core *core, const struct call *call, enum scope scope,
                             const struct arguments *arguments, enum breaker_order order,
                             const char **why)
{
    struct slice none = slice_make(NULL, 0), own = call->identity->tenant;
    struct slice tenant = argument_text(arguments, "tenant", none);
    struct service *service =
        map_get(&core->registry.by_key, argument_text(arguments, "service", none));
    if (!service || !concerns(core, call, scope, service))
        return refuse_with(why, STATUS_SERVICE_NOT_FOUND, "no such service");
    if (tenant.len > 0 && !name_valid(tenant))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "tenant: not a name (" NAME_RULE ")");
    if (scope != SCOPE_ALL && !slice_equal(tenant.len ? tenant : service->tenant, own))
        return refuse_with(why, STATUS_PERMISSION_DENIED, "needs admin:breakers for all tenants");
    switch (breakers_order(core, service, tenant, order, call->identity)) {
    case BREAKER_NO_ROOM:
        return refuse_with(why, STATUS_OVERLOADED, "there are too many breakers");
    case BREAKER_NO_BOOKS:
        return refuse_with(why, STATUS_UNAVAILABLE, "the store refuses it");
    default:
        return STATUS_OK;
    }
}

static enum status obey(struct core *core, struct call *call, enum scope scope, struct buf *out,
                        enum breaker_order order, const char **why)
{
    struct arguments arguments;
    msgpack_packer packer;
    builtin_arguments(&arguments, call);
    enum status status = carry_out(core, call, scope, &arguments, order, why);
    arguments_finish(&arguments);
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 0);
    return status;
}

static enum status reset(struct core *core, struct call *call, enum scope scope, struct buf *out,
                         const char **why)
{
    return obey(core, call, scope, out, BREAKER_RESET, why);
}

static enum status force_open(struct core *core, struct call *call, enum scope scope,
                              struct buf *out, const char **why)
{
    return obey(core, call, scope, out, BREAKER_FORCE_OPEN, why);
}

static enum status force_close(struct core *core, struct call *call, enum scope scope,
                               struct buf *out, const char **why)
{
    return obey(core, call, scope, out, BREAKER_FORCE_CLOSE, why);
}

static const struct argument named[] = {
    {"service", ARGUMENT_TEXT},
    {"tenant", ARGUMENT_TEXT},
    {0},
};

static const struct builtin_verb verbs[] = {
    {"list", ACCESS_ADMIN, "breakers", list, false, NULL},
    {"reset", ACCESS_ADMIN, "breakers", reset, false, named},
    {"force-open", ACCESS_ADMIN, "breakers", force_open, false, named},
    {"force-close", ACCESS_ADMIN, "breakers", force_close, false, named},
    {0},
};

const struct builtin builtin_breakers = {"bus.breakers", verbs};
