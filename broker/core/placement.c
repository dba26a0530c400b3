#include "core/placement.h"

#include "builtin/builtin.h"
#include "core/state.h"

bool instance_ready(const struct instance *instance)
{
    return !instance->draining && !instance->session->draining &&
           instance->session->state == SESSION_READY;
}

static bool has_room(const struct core *core, const struct instance *instance)
{
    return instance->in_flight < instance->capacity && !session_full(core, instance->session);
}

struct instance *placement_choose(const struct core *core, const struct service *service)
{
    struct instance *best = NULL;
    const struct list *head = &service->instances;
    for (struct list *node = head->next; node != head; node = node->next) {
        struct instance *instance = LIST_ENTRY(node, struct instance, by_service);
        if (instance_ready(instance) && has_room(core, instance) &&
            (!best || instance->in_flight < best->in_flight))
            best = instance;
    }
    return best;
}

bool placement_possible(const struct service *service)
{
    const struct list *head = &service->instances;
    for (struct list *node = head->next; node != head; node = node->next) {
        const struct instance *instance = LIST_ENTRY(node, struct instance, by_service);
        if (!instance->draining && !instance->session->draining)
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
        identity_sealed(core->identities, call->identity, slice_of(call->service->key), call->depth,
                        core->now.unix_ms, core->limits.max_timeout_ms);
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
    instance->in_flight++;
    instance->n_calls++;
    list_push(&instance->calls, &call->by_place);
    put_request(core, call);
    if (call->idempotent)
        call_keep_request(call);
    else
        call->request = NULL; /* the frame it is in goes */
}

/* ---- waiting ---- */

/* Timers fire when the turn ends: a deadline may have passed already. */
static void resume(struct core *core, struct call *call)
{
    call_move(call, CALL_OPEN);
    if (call->deadline <= core->now.mono_ns)
        call_fail(core, call, STATUS_DEADLINE_EXCEEDED, "time ran out");
    else
        chain_resume(core, call);
}

static void go_on(struct core *core, struct call *call)
{
    call->service->n_waiting--;
    list_remove(&call->by_place);
    resume(core, call);
}

void placement_changed(struct core *core, struct service *service)
{
    while (service->n_waiting > 0 && placement_choose(core, service))
        go_on(core, LIST_ENTRY(list_first(&service->waiting), struct call, by_place));
}

void placement_room(struct core *core, struct instance *instance)
{
    if (instance->gone)
        return;
    if (instance->service->n_waiting > 0)
        placement_changed(core, instance->service);
    if (instance->draining && instance->in_flight == 0)
        instance_remove(core, instance);
}

void placement_again(struct core *core, struct call *call)
{
    resume(core, call);
}
