#include "core/breakers.h"

#include "base/log.h"
#include "base/mem.h"
#include "builtin/announce.h"
#include "core/breakers_store.h"
#include "core/placement.h"
#include "core/state.h"

#define ROUNDS_A_LIFE (UINT64_C(1) << 32)
#define INSTANCE_SHARE 4u /* an instance is judged by one part in so many of the minimum */

const struct breaker_setting *breakers_setting(struct core *core, struct service *service)
{
    struct service_breakers *of = &service->breakers;
    if (of->generation != core->breakers.generation) {
        of->setting = breaker_table_find(&core->limits.breakers, service->name);
        of->generation = core->breakers.generation;
    }
    return of->setting;
}

static const struct breaker_rules *rules_of(struct core *core, struct service *service)
{
    return &breakers_setting(core, service)->rules;
}

static bool is_bad(const struct breaker_rules *rules, enum breaker_outcome outcome)
{
    return (outcome == BREAKER_FAILED && rules->failure_percent > 0) ||
           (outcome == BREAKER_SLOW && rules->slow_percent > 0);
}

/* ---- guards ---- */

/* NULL: none of its calls has failed. */
static struct guard *find(const struct service *service, struct slice tenant)
{
    return service->breakers.tenants.count ? map_get(&service->breakers.tenants, tenant) : NULL;
}

/* Nobody waits for the outcome of a closed one's calls: it may make room for another. */
static void file(struct core *core, struct guard *guard)
{
    list_remove(&guard->node);
    if (guard->tenant.len > 0 && guard->breaker.state == BREAKER_CLOSED && !guard->breaker.forced)
        list_push(&core->breakers.closed, &guard->node);
}

static void forget(struct core *core, struct guard *guard)
{
    map_remove(&guard->service->breakers.tenants, guard->tenant);
    list_remove(&guard->node);
    core->breakers.n--;
    mem_free(guard);
}

/* Its tenant's calls are no longer evidence against the service: whoever forgets a window says so,
 * or they would be nobody's. */
static void withdraw(struct core *core, const struct guard *guard, const struct breaker *counted)
{
    if (guard->tenant.len > 0)
        breaker_discount(&guard->service->breakers.whole.breaker, counted,
                         rules_of(core, guard->service), core->now.mono_ns);
}

static bool make_room(struct core *core)
{
    struct list *oldest = list_first(&core->breakers.closed);
    if (core->breakers.n < core->limits.max_breakers)
        return true;
    if (!oldest)
        return false;
    struct guard *guard = LIST_ENTRY(oldest, struct guard, node);
    withdraw(core, guard, &guard->breaker);
    forget(core, guard);
    return true;
}

struct guard *breakers_take(struct core *core, struct service *service, struct slice tenant)
{
    struct guard *guard = find(service, tenant);
    if (guard || !make_room(core))
        return guard;
    guard = mem_zalloc(sizeof *guard + tenant.len);
    uint8_t *name = (uint8_t *)(guard + 1);
    memcpy(name, tenant.data, tenant.len);
    guard->service = service;
    guard->tenant = slice_make(name, tenant.len);
    guard->breaker.round = ++core->breakers.made * ROUNDS_A_LIFE;
    list_init(&guard->node);
    map_put(&service->breakers.tenants, guard->tenant, guard);
    core->breakers.n++;
    file(core, guard);
    return guard;
}

static void tell_of_move(struct core *core, struct guard *guard)
{
    file(core, guard);
    announce_breaker(core, guard);
}

static void moved(struct core *core, struct guard *guard)
{
    (void)breakers_keep(core, guard);
    tell_of_move(core, guard);
}

/* ---- on the way in ---- */

static bool admit(struct core *core, struct guard *guard, struct breaker_pass *pass,
                  uint64_t *retry_after)
{
    enum breaker_state before = guard->breaker.state;
    const struct breaker_rules *rules = rules_of(core, guard->service);
    if (!breaker_admit(&guard->breaker, rules, core->now.mono_ns, pass, retry_after))
        return false;
    if (guard->breaker.state != before)
        announce_breaker(core, guard);
    return true;
}

static bool refuses(struct core *core, const struct guard *guard, uint64_t *retry_after)
{
    const struct breaker *breaker = &guard->breaker;
    uint64_t now = core->now.mono_ns;
    if (!breaker_refuses(breaker, rules_of(core, guard->service), now))
        return false;
    *retry_after = breaker->until > now ? breaker->until - now : 0;
    return true;
}

const struct guard *breakers_refusing(struct core *core, const struct call *call,
                                      uint64_t *retry_after)
{
    const struct guard *own = find(call->service, call->identity->tenant);
    const struct guard *whole = &call->service->breakers.whole;
    if (own && refuses(core, own, retry_after))
        return own;
    return refuses(core, whole, retry_after) ? whole : NULL;
}

const struct guard *breakers_admit(struct core *core, struct call *call, uint64_t *retry_after)
{
    struct service *service = call->service;
    struct guard *own = find(service, call->identity->tenant);
    struct guard *whole = &service->breakers.whole;
    call->passes = (struct call_passes){0};
    if (own && !admit(core, own, &call->passes.tenant, retry_after))
        return own;
    if (admit(core, whole, &call->passes.whole, retry_after))
        return NULL;
    if (own)
        breaker_tell(&own->breaker, rules_of(core, service), core->now.mono_ns, call->passes.tenant,
                     BREAKER_UNKNOWN);
    return whole;
}

void breakers_place(struct core *core, struct call *call)
{
    struct breaker *breaker = &call->instance->breaker.breaker;
    uint64_t retry_after;
    call->passes.instance = (struct breaker_pass){0};
    if (breaker->state != BREAKER_CLOSED)
        (void)breaker_admit(breaker, rules_of(core, call->service), core->now.mono_ns,
                            &call->passes.instance, &retry_after);
}

/* ---- the service as a whole ---- */

/* Are its calls bad even without the tenant that has most of the bad ones? */
static bool is_bad_for_others(const struct service_breakers *of, const struct breaker_rules *rules,
                              uint64_t now)
{
    struct breaker_counts all = breaker_counts(&of->whole.breaker, rules, now), worst = {0};
    size_t cursor = 0;
    if (!breaker_bad(&all, rules))
        return false;
    for (const struct guard *guard; (guard = map_next(&of->tenants, &cursor));) {
        struct breaker_counts counts = breaker_counts(&guard->breaker, rules, now);
        if (counts.failed + counts.slow > worst.failed + worst.slow)
            worst = counts;
    }
    all.calls -= worst.calls < all.calls ? worst.calls : all.calls;
    all.failed -= worst.failed < all.failed ? worst.failed : all.failed;
    all.slow -= worst.slow < all.slow ? worst.slow : all.slow;
    return breaker_bad(&all, rules);
}

/* It was the service, not they: those that are closed begin anew. */
static void clear_tenants(struct core *core, struct service *service)
{
    size_t cursor = 0;
    for (struct guard *guard; (guard = map_next(&service->breakers.tenants, &cursor));) {
        if (guard->breaker.state == BREAKER_CLOSED && !guard->breaker.forced)
            forget(core, guard);
    }
}

static void open_whole(struct core *core, struct guard *whole, const struct breaker_rules *rules)
{
    breaker_open(&whole->breaker, rules, core->now.mono_ns);
    moved(core, whole);
    clear_tenants(core, whole->service);
}

static void count(struct core *core, struct call *call, struct guard *own,
                  enum breaker_outcome outcome)
{
    struct guard *whole = &call->service->breakers.whole;
    const struct breaker_rules *rules = rules_of(core, call->service);
    uint64_t now = core->now.mono_ns;
    bool bad = is_bad(rules, outcome);
    if (bad && !own && !(own = breakers_take(core, call->service, call->identity->tenant)))
        return;
    breaker_note(&whole->breaker, rules, now, outcome);
    if (!own)
        return;
    breaker_note(&own->breaker, rules, now, outcome);
    file(core, own);
    const struct breaker_counts counts = breaker_counts(&own->breaker, rules, now);
    if (!bad)
        return;
    if (!whole->breaker.forced && is_bad_for_others(&call->service->breakers, rules, now)) {
        open_whole(core, whole, rules);
    } else if (!own->breaker.forced && breaker_bad(&counts, rules)) {
        breaker_open(&own->breaker, rules, now);
        moved(core, own);
    }
}

/* ---- probes ---- */

/* The probe of one tenant alone does not open the service's breaker again: it opens that
 * tenant's. A tenant that is itself on trial can speak for the service, not against it. */
static enum breaker_outcome testimony(struct core *core, struct call *call,
                                      enum breaker_outcome outcome)
{
    struct guard *whole = &call->service->breakers.whole;
    const struct breaker_rules *rules = rules_of(core, call->service);
    struct slice tenant = call->identity->tenant;
    if (!is_bad(rules, outcome) || call->passes.whole.round != whole->breaker.round)
        return outcome;
    struct guard *own = find(call->service, tenant);
    if (own && (own->breaker.state != BREAKER_CLOSED || own->breaker.forced))
        return BREAKER_UNKNOWN;
    if (whole->accused_in == whole->breaker.round)
        return outcome;
    own = breakers_take(core, call->service, tenant);
    if (!own)
        return BREAKER_UNKNOWN;
    whole->accused_in = whole->breaker.round;
    breaker_open(&own->breaker, rules, core->now.mono_ns);
    moved(core, own);
    return BREAKER_UNKNOWN;
}

static void tell_probe(struct core *core, struct guard *guard, struct breaker_pass pass,
                       enum breaker_outcome outcome)
{
    struct breaker before = guard->breaker;
    const struct breaker_rules *rules = rules_of(core, guard->service);
    uint64_t now = core->now.mono_ns;
    if (!breaker_tell(&guard->breaker, rules, now, pass, outcome))
        return;
    if (guard->breaker.state == BREAKER_CLOSED)
        withdraw(core, guard, &before);
    moved(core, guard);
}

/* ---- instances ---- */

static bool may_be_ejected(const struct service *service, uint32_t percent)
{
    uint32_t ejected = 1;
    for (uint32_t i = 0; i < service->n_instances; i++)
        ejected += service->at[i]->breaker.breaker.state != BREAKER_CLOSED;
    return (uint64_t)ejected * 100 <= (uint64_t)service->n_instances * percent;
}

/* It does badly, and the others do not. */
static bool is_outlier(const struct instance *instance, const struct breaker_rules *rules,
                       uint64_t now)
{
    const struct breaker *whole = &instance->service->breakers.whole.breaker;
    struct breaker_rules judge = *rules;
    judge.minimum_calls = (rules->minimum_calls + INSTANCE_SHARE - 1) / INSTANCE_SHARE;
    const struct breaker_counts own = breaker_counts(&instance->breaker.breaker, rules, now);
    struct breaker_counts others = breaker_counts(whole, rules, now);
    others.calls -= own.calls < others.calls ? own.calls : others.calls;
    others.failed -= own.failed < others.failed ? own.failed : others.failed;
    others.slow -= own.slow < others.slow ? own.slow : others.slow;
    return breaker_bad(&own, &judge) && !breaker_bad(&others, &judge);
}

static void instance_moved(struct core *core, struct instance *instance)
{
    struct instance_breaker *own = &instance->breaker;
    own->ejected = own->breaker.state == BREAKER_OPEN;
    if (own->ejected)
        wheel_arm(&core->wheel, &own->back, own->breaker.until);
    else
        wheel_disarm(&core->wheel, &own->back);
    announce_ejection(core, instance);
}

static void eject(struct core *core, struct instance *instance, const struct breaker_rules *rules)
{
    struct breaker *whole = &instance->service->breakers.whole.breaker;
    uint64_t now = core->now.mono_ns;
    breaker_discount(whole, &instance->breaker.breaker, rules, now);
    breaker_open(&instance->breaker.breaker, rules, now);
    instance_moved(core, instance);
}

static void tell_instance(struct core *core, struct call *call, enum breaker_outcome outcome)
{
    struct instance *instance = call->instance;
    struct breaker *breaker = &instance->breaker.breaker;
    const struct breaker_setting *setting = breakers_setting(core, call->service);
    const struct breaker_rules *rules = &setting->rules;
    if (instance->gone)
        return;
    if (call->passes.instance.probe) {
        if (breaker_tell(breaker, rules, core->now.mono_ns, call->passes.instance, outcome))
            instance_moved(core, instance);
        return;
    }
    breaker_note(breaker, rules, core->now.mono_ns, outcome);
    if (breaker->state == BREAKER_CLOSED && is_bad(rules, outcome) &&
        may_be_ejected(call->service, setting->eject_percent) &&
        is_outlier(instance, rules, core->now.mono_ns))
        eject(core, instance, rules);
}

static void on_back(struct timer *timer, void *arg)
{
    struct core *core = arg;
    struct instance *instance = LIST_ENTRY(timer, struct instance, breaker.back);
    instance->breaker.ejected = false;
    placement_changed(core, instance->service);
}

void breakers_instance_made(struct instance *instance)
{
    timer_init(&instance->breaker.back, on_back);
}

void breakers_instance_gone(struct core *core, struct instance *instance)
{
    wheel_disarm(&core->wheel, &instance->breaker.back);
}

/* ---- on the way out ---- */

void breakers_tell(struct core *core, struct call *call, enum breaker_outcome outcome)
{
    struct service *service = call->service;
    struct guard *whole = &service->breakers.whole;
    struct guard *own = find(service, call->identity->tenant);
    bool on_trial = call->passes.tenant.probe || (own && own->breaker.state != BREAKER_CLOSED);
    bool counts = !on_trial || !is_bad(rules_of(core, service), outcome);
    if (call->instance)
        tell_instance(core, call, counts ? outcome : BREAKER_UNKNOWN);
    if (call->passes.whole.probe)
        tell_probe(core, whole, call->passes.whole, testimony(core, call, outcome));
    if (call->passes.tenant.probe && own)
        tell_probe(core, own, call->passes.tenant, outcome);
    else if (!on_trial && !call->passes.whole.probe && whole->breaker.state == BREAKER_CLOSED)
        count(core, call, own, outcome);
}

/* ---- orders ---- */

static void let_instances_in(struct core *core, struct service *service)
{
    for (uint32_t i = 0; i < service->n_instances; i++) {
        struct instance *instance = service->at[i];
        if (instance->breaker.breaker.state == BREAKER_CLOSED)
            continue;
        breaker_reset(&instance->breaker.breaker, core->now.mono_ns);
        instance_moved(core, instance);
    }
    placement_changed(core, service);
}

/* NULL: there is none to be reset, or no room for another. */
static struct guard *addressee(struct core *core, struct service *service, struct slice tenant,
                               enum breaker_order order)
{
    if (tenant.len == 0)
        return &service->breakers.whole;
    return order == BREAKER_RESET ? find(service, tenant) : breakers_take(core, service, tenant);
}

static void force(struct breaker *breaker, enum breaker_order order, uint64_t now)
{
    switch (order) {
    case BREAKER_RESET:
        breaker_reset(breaker, now);
        break;
    case BREAKER_FORCE_OPEN:
        breaker_force_open(breaker, now, 0);
        break;
    case BREAKER_FORCE_CLOSE:
        breaker_force_close(breaker, now);
        break;
    }
}

enum breaker_obeys breakers_order(struct core *core, struct service *service, struct slice tenant,
                                  enum breaker_order order, const struct identity *by)
{
    struct guard *guard = addressee(core, service, tenant, order);
    if (!guard)
        return order == BREAKER_RESET ? BREAKER_OBEYS : BREAKER_NO_ROOM;
    const struct breaker before = guard->breaker;
    force(&guard->breaker, order, core->now.mono_ns);
    if (!breakers_keep(core, guard)) {
        guard->breaker = before;
        return BREAKER_NO_BOOKS;
    }
    withdraw(core, guard, &before);
    tell_of_move(core, guard);
    announce_order(guard, by);
    if (order == BREAKER_RESET && tenant.len == 0)
        let_instances_in(core, service);
    return BREAKER_OBEYS;
}

/* ---- life ---- */

void breakers_service_made(struct service *service)
{
    map_init(&service->breakers.tenants);
    service->breakers.whole.service = service;
    list_init(&service->breakers.whole.node);
}

static void forget_tenants(struct core *core, struct service *service, bool removed)
{
    size_t cursor = 0;
    for (struct guard *guard; (guard = map_next(&service->breakers.tenants, &cursor));) {
        if (removed)
            (void)breakers_unkeep(core, guard);
        forget(core, guard);
    }
}

void breakers_service_gone(struct core *core, struct service *service)
{
    (void)breakers_unkeep(core, &service->breakers.whole);
    forget_tenants(core, service, true);
    map_finish(&service->breakers.tenants);
}

void breakers_reload(struct core *core)
{
    size_t cursor = 0;
    core->breakers.generation++;
    for (struct service *service; (service = map_next(&core->registry.by_key, &cursor));)
        (void)breakers_setting(core, service);
}

int breakers_start(struct core *core)
{
    core->breakers.generation = 1;
    list_init(&core->breakers.closed);
    return breakers_load(core);
}

void breakers_finish(struct core *core)
{
    size_t cursor = 0;
    for (struct service *service; (service = map_next(&core->registry.by_key, &cursor));) {
        forget_tenants(core, service, false);
        map_finish(&service->breakers.tenants);
    }
}
