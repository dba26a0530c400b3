#include "core/placement.h"

#include "builtin/builtin.h"
#include "core/state.h"

bool instance_ready(const struct instance *instance)
{
    return !instance->draining && !instance->session->draining &&
           instance->session->state == SESSION_READY &&
           health_serves(instance->health.checked.state);
}

static bool has_room(const struct core *core, const struct instance *instance)
{
    return instance->in_flight < instance->capacity && !session_full(core, instance->session);
}

/* What holds for all instances of a service: found out once for whoever looks through them. */
enum found { NOT_LOOKED, FOUND, NOT_FOUND };

struct search {
    const struct core *core;
    const struct service *service;
    enum found others, better;
};

static bool find(struct search *search, enum found *found, bool (*any)(const struct service *))
{
    if (*found == NOT_LOOKED)
        *found = any(search->service) ? FOUND : NOT_FOUND;
    return *found == FOUND;
}

/* Is there another that is not ejected? */
static bool others_serve(const struct service *service)
{
    for (uint32_t i = 0; i < service->n_instances; i++) {
        const struct instance *instance = service->at[i];
        if (!instance->breaker.ejected && !instance->draining && !instance->session->draining &&
            instance->health.checked.state != HEALTH_DOWN)
            return true;
    }
    return false;
}

/* Ejected, or on trial with as many probes as it gets. */
static bool is_spared(struct search *search, const struct instance *instance)
{
    const struct breaker *breaker = &instance->breaker.breaker;
    if (breaker->state == BREAKER_CLOSED)
        return false;
    const struct breaker_setting *setting = instance->service->breakers.setting;
    bool tried = breaker->state == BREAKER_HALF_OPEN && breaker->trying >= setting->rules.probes;
    return (instance->breaker.ejected || tried) && find(search, &search->others, others_serve);
}

/* ---- choosing ---- */

#define FEW 8u           /* so many are all looked at */
#define FASTEST_US 100u  /* quicker ones are all the same: the noise is larger */
#define HICCUP_US 10000u /* a process that is well may be kept from running for so long */

/* Is any ready, and not ejected? */
static bool has_better(const struct service *service)
{
    for (uint32_t i = 0; i < service->n_instances; i++) {
        const struct instance *instance = service->at[i];
        if (instance->health.state == HEALTH_READY && !instance->breaker.ejected)
            return true;
    }
    return false;
}

/* Degraded ones are for services that have nothing better. */
static bool is_preferred(struct search *search, const struct instance *instance)
{
    return instance->health.checked.state == HEALTH_READY ||
           !find(search, &search->better, has_better);
}

static bool is_open(struct search *search, const struct instance *instance)
{
    return instance_ready(instance) && has_room(search->core, instance) &&
           !is_spared(search, instance) && is_preferred(search, instance);
}

bool placement_has_room(const struct core *core, const struct service *service)
{
    struct search search = {.core = core, .service = service};
    for (uint32_t i = 0; i < service->n_instances; i++) {
        if (is_open(&search, service->at[i]))
            return true;
    }
    return false;
}

/* Microseconds for which it has had calls and answered none: it may be stopped. */
static uint64_t silence_us(const struct core *core, const struct instance *instance)
{
    bool silent = instance->in_flight > 0 && instance->silent_since > 0;
    return silent ? (core->now.mono_ns - instance->silent_since) / 1000 : 0;
}

/* A stream may be quiet for long. */
static void begin_silence(const struct core *core, struct instance *instance,
                          const struct call *call)
{
    if (instance->in_flight == 0)
        instance->silent_since = 0;
    if (instance->silent_since == 0 && !call->stream)
        instance->silent_since = core->now.mono_ns;
}

/* What one of its calls usually takes, in microseconds. Who has never answered is taken for an
 * average one. */
static uint64_t usual_us(const struct core *core, const struct instance *instance)
{
    uint64_t others = instance->service->pace.average_us;
    return pace_recent_us(&instance->pace, core->now.mono_ns, others);
}

/* On a busy machine all are silent at times: who is stopped is silent for much longer than the
 * other, and than is usual for it, however much the other has to do. */
static bool seems_stopped(const struct core *core, const struct instance *instance,
                          const struct instance *other)
{
    uint64_t expected = usual_us(core, instance) + HICCUP_US + silence_us(core, other);
    return silence_us(core, instance) > 2 * expected;
}

/* Microseconds until it would have answered one call more. */
static uint64_t burden(const struct core *core, const struct instance *instance)
{
    uint64_t each = usual_us(core, instance);
    uint64_t silence = silence_us(core, instance);
    if (each < silence)
        each = silence;
    return (instance->in_flight + UINT64_C(1)) * (each + FASTEST_US);
}

/* Twice as much is more; less of a difference is the luck of a few calls, and would give the rest
 * of them to whoever had it. */
static bool bears_less(const struct core *core, const struct instance *a, const struct instance *b)
{
    if (seems_stopped(core, a, b) || seems_stopped(core, b, a))
        return seems_stopped(core, b, a);
    uint64_t of_a = burden(core, a), of_b = burden(core, b);
    if (2 * of_a < of_b || 2 * of_b < of_a)
        return of_a < of_b;
    return a->in_flight < b->in_flight;
}

static struct instance *better(struct search *search, struct instance *a, struct instance *b)
{
    if (!b || !is_open(search, b))
        return a;
    return !a || bears_less(search->core, b, a) ? b : a;
}

/* splitmix64; a bound so small needs no care for its remainder. */
static uint32_t chance(struct core *core, uint32_t below)
{
    uint64_t z = core->chance += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) % below);
}

static struct instance *better_of_two(struct core *core, struct search *search)
{
    const struct service *service = search->service;
    uint32_t one = chance(core, service->n_instances);
    uint32_t other = (one + 1 + chance(core, service->n_instances - 1)) % service->n_instances;
    return better(search, better(search, NULL, service->at[one]), service->at[other]);
}

struct instance *placement_choose(struct core *core, const struct service *service)
{
    struct search search = {.core = core, .service = service};
    struct instance *best = service->n_instances > FEW ? better_of_two(core, &search) : NULL;
    if (best || service->n_instances == 0)
        return best;
    uint32_t first = service->n_instances > 1 ? chance(core, service->n_instances) : 0;
    for (uint32_t i = 0; i < service->n_instances; i++)
        best = better(&search, best, service->at[(first + i) % service->n_instances]);
    return best;
}

bool placement_possible(const struct service *service)
{
    if (service->awaited)
        return true;
    const struct list *head = &service->instances;
    for (struct list *node = head->next; node != head; node = node->next) {
        const struct instance *instance = LIST_ENTRY(node, struct instance, by_service);
        if (!instance->draining && !instance->session->draining &&
            instance->health.checked.state != HEALTH_DOWN)
            return true;
    }
    return false;
}

/* ---- sending ---- */

static uint32_t ms_left(const struct core *core, const struct call *call)
{
    uint64_t left = call->deadline - core->now.mono_ns;
    return (uint32_t)((left + NS_PER_MS - 1) / NS_PER_MS);
}

static void put_request(struct core *core, struct call *call)
{
    const struct identity_seal *seal =
        standing_seal(core, call->identity, slice_of(call->service->key), call->depth);
    struct wire_request out = *call->request;
    out.parent = 0;
    out.tenant = slice_make(NULL, 0);
    out.timeout_ms = ms_left(core, call);
    out.request_id = slice_make(call->request_id, call->request_id_len);
    struct wire_out *to = session_out(core, call->instance->session);
    uint32_t credential = wire_put_credential(to, buf_slice(&seal->credential));
    wire_put_request(to, call->id, credential, &out);
}

void placement_send(struct core *core, struct call *call)
{
    call_move(call, CALL_SERVING);
    if (call->service->builtin) {
        builtin_call(core, call);
        return;
    }
    struct instance *instance = call->instance;
    call->attempts++;
    begin_silence(core, instance, call);
    instance->in_flight++;
    call->service->in_flight++;
    call->sent = core->now.mono_ns;
    breakers_place(core, call);
    budget_call(&call->service->retries, core->now.mono_ns);
    instance->n_calls++;
    list_push(&instance->calls, &call->by_place);
    put_request(core, call);
    if (call->idempotent)
        call_keep_request(call);
    else
        call->request = NULL; /* the frame it is in goes */
}

void placement_answered(struct core *core, struct call *call)
{
    uint64_t took = core->now.mono_ns - call->sent;
    call->instance->silent_since = 0;
    pace_add(&call->instance->pace, took, core->now.mono_ns);
    pace_add(&call->service->pace, took, core->now.mono_ns);
}

/* ---- waiting ---- */

void placement_changed(struct core *core, struct service *service)
{
    while (service->waiting.n > 0 && placement_has_room(core, service))
        chain_resume(core, LIST_ENTRY(fair_pop(&service->waiting), struct call, turn));
}

void placement_room(struct core *core, struct instance *instance)
{
    if (instance->gone)
        return;
    if (instance->service->waiting.n > 0)
        placement_changed(core, instance->service);
    if (instance->draining && instance->in_flight == 0)
        instance_remove(core, instance);
}
