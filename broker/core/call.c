#include "core/call.h"

#include "base/mem.h"
#include "builtin/tap.h"
#include "core/placement.h"
#include "core/state.h"
#include "core/tell.h"

#include <stdlib.h>

#define SLAB_CALLS 256u

/* Which states may follow which: one row a state, one bit for each that may follow. */
#define MAY(state) (1u << (state))
static const unsigned legal_moves[CALL_STATES] = {
    [CALL_FREE] = MAY(CALL_OPEN),
    [CALL_OPEN] = MAY(CALL_WAITING) | MAY(CALL_ATTACHED) | MAY(CALL_SERVING) | MAY(CALL_FREE),
    [CALL_WAITING] = MAY(CALL_OPEN) | MAY(CALL_SERVING) | MAY(CALL_FREE),
    [CALL_ATTACHED] = MAY(CALL_OPEN) | MAY(CALL_FREE),
    [CALL_SERVING] = MAY(CALL_OPEN) | MAY(CALL_ABANDONED) | MAY(CALL_FREE),
    [CALL_ABANDONED] = MAY(CALL_FREE),
};

static void on_deadline(struct timer *timer, void *arg);

void call_move(struct call *call, enum call_state to)
{
    if (!(legal_moves[call->state] & MAY(to)))
        abort(); /* a defect of ours: better a crash the store survives than a call answered twice
                  */
    call->state = to;
}

/* ---- the slab ---- */

void calls_init(struct calls *calls, uint32_t boot)
{
    *calls = (struct calls){.boot = boot};
}

void calls_finish(struct calls *calls)
{
    for (size_t i = 0; i < calls->n_slabs; i++)
        mem_free(calls->slabs[i]);
    mem_free(calls->slabs);
    mem_free(calls->free_slots);
    *calls = (struct calls){0};
}

static struct call *at_slot(const struct calls *calls, uint32_t slot)
{
    return &calls->slabs[slot / SLAB_CALLS][slot % SLAB_CALLS];
}

static void add_slab(struct calls *calls)
{
    struct call *slab = mem_zalloc(SLAB_CALLS * sizeof *slab);
    calls->slabs = mem_realloc(calls->slabs, (calls->n_slabs + 1) * sizeof *calls->slabs);
    calls->slabs[calls->n_slabs] = slab;
    calls->cap_free += SLAB_CALLS;
    calls->free_slots = mem_realloc(calls->free_slots, calls->cap_free * sizeof(uint32_t));
    for (uint32_t i = SLAB_CALLS; i-- > 0;) {
        uint32_t slot = (uint32_t)calls->n_slabs * SLAB_CALLS + i;
        slab[i].id = slot;
        list_init(&slab[i].by_caller);
        list_init(&slab[i].by_place);
        timer_init(&slab[i].timer, on_deadline);
        calls->free_slots[calls->n_free++] = slot;
    }
    calls->n_slabs++;
}

/* An id is the slot below and the generation above; a generation is never 0. */
static uint64_t next_id(uint64_t old)
{
    uint32_t generation = (uint32_t)(old >> 32) + 1;
    return (uint64_t)(generation ? generation : 1) << 32 | (uint32_t)old;
}

struct call *call_open(struct core *core)
{
    struct calls *calls = &core->calls;
    if (calls->pending >= core->limits.max_calls)
        return NULL;
    if (calls->n_free == 0)
        add_slab(calls);
    struct call *call = at_slot(calls, calls->free_slots[--calls->n_free]);
    call->id = next_id(call->id);
    call_move(call, CALL_OPEN);
    call->started = core->now.mono_ns;
    calls->pending++;
    return call;
}

struct call *call_find(struct core *core, uint64_t id)
{
    uint32_t slot = (uint32_t)id;
    if (slot >= core->calls.n_slabs * SLAB_CALLS)
        return NULL;
    struct call *call = at_slot(&core->calls, slot);
    return call->state != CALL_FREE && call->id == id ? call : NULL;
}

void calls_each(struct core *core, void (*each)(struct core *core, struct call *call))
{
    size_t slots = core->calls.n_slabs * SLAB_CALLS;
    for (uint32_t slot = 0; slot < slots; slot++) {
        struct call *call = at_slot(&core->calls, slot);
        if (call->state != CALL_FREE)
            each(core, call);
    }
}

void call_settle(struct core *core, struct call *call, const struct wire_reply *reply, bool metered)
{
    struct answer *answer = call->answer;
    call->answer = NULL;
    if (!answer)
        return;
    if (reply && answer_is_final(reply))
        answers_keep(core, answer, reply, metered);
    else
        answers_drop(core, answer);
}

static void release(struct core *core, struct call *call)
{
    call_settle(core, call, NULL, false);
    uint64_t id = call->id;
    if (call->state == CALL_ABANDONED)
        core->calls.abandoned--;
    wheel_disarm(&core->wheel, &call->timer);
    list_remove(&call->by_place);
    identity_unref(call->identity);
    identity_unref(call->actor);
    mem_free(call->kept_bytes);
    call_move(call, CALL_FREE);
    struct timer timer = call->timer;
    *call = (struct call){.id = id};
    timer_init(&call->timer, timer.fire);
    list_init(&call->by_caller);
    list_init(&call->by_place);
    core->calls.free_slots[core->calls.n_free++] = (uint32_t)id;
    core->calls.pending--;
}

void call_discard(struct core *core, struct call *call)
{
    release(core, call);
}

/* ---- the request ---- */

static void keep(struct slice *field, uint8_t **at)
{
    if (field->len)
        memcpy(*at, field->data, field->len);
    field->data = *at;
    *at += field->len;
}

void call_keep_request(struct call *call)
{
    if (call->request == &call->kept)
        return;
    call->kept = *call->request;
    struct slice *const fields[] = {
        &call->kept.service,         &call->kept.method,     &call->kept.payload,
        &call->kept.content_type,    &call->kept.request_id, &call->kept.traceparent,
        &call->kept.idempotency_key, &call->kept.tracestate, &call->kept.tenant,
    };
    size_t size = 1;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        size += fields[i]->len;
    uint8_t *at = call->kept_bytes = mem_alloc(size);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        keep(fields[i], &at);
    call->request = &call->kept;
}

void call_name(struct core *core, struct call *call, struct slice wanted)
{
    static const char hex[] = "0123456789abcdef";
    if (name_valid_request(wanted)) {
        memcpy(call->request_id, wanted.data, wanted.len);
        call->request_id_len = (uint8_t)wanted.len;
        return;
    }
    uint64_t serial = ++core->calls.serial;
    for (unsigned i = 0; i < 8; i++)
        call->request_id[i] = hex[core->calls.boot >> (28 - 4 * i) & 15];
    for (unsigned i = 0; i < 12; i++)
        call->request_id[8 + i] = hex[serial >> (44 - 4 * i) & 15];
    call->request_id_len = 20;
}

/* ---- endings ---- */

static void detach_caller(struct call *call)
{
    if (call->caller)
        map_remove_u64(&call->caller->calls_by_id, call->caller_id);
    if (call->pipe)
        call->pipe->n_one_shots--;
    list_remove(&call->by_caller);
    call->pipe = NULL;
    call->caller = NULL;
    call->exchange = NULL;
}

static void count(struct core *core, struct call *call, const struct wire_reply *reply)
{
    uint64_t took = core->now.mono_ns - call->started;
    core->stats.calls++;
    hist_add(&core->stats.latency, took);
    if (reply->status != STATUS_OK)
        core->stats.errors[reply->status]++;
    if (call->attempts == 0) /* no instance had it: it is none of the service's work */
        return;
    call->service->calls++;
    hist_add(&call->service->latency, took);
    if (reply->status != STATUS_OK)
        call->service->errors++;
}

static void tell_instance_to_stop(struct core *core, struct call *call)
{
    struct session *session = call->instance->session;
    wire_put_control(session_out(core, session), call->id, 0, WIRE_CANCEL, NULL);
}

/* The caller has its outcome, but the instance is still at it: it keeps its
 * slot, so that a stuck instance does not look idle, though not for ever. */
static void abandon(struct core *core, struct call *call)
{
    call_move(call, CALL_ABANDONED);
    core->calls.abandoned++;
    tell_instance_to_stop(core, call);
    wheel_arm(&core->wheel, &call->timer,
              core->now.mono_ns + core->limits.max_timeout_ms * NS_PER_MS);
}

static void leave(struct call *call)
{
    list_remove(&call->by_place);
    call->instance->in_flight--;
    call->service->in_flight--;
    call->instance = NULL;
}

/* `let_go`: whoever served it is done with it. */
static void end(struct core *core, struct call *call, const struct wire_reply *reply, bool let_go)
{
    struct instance *instance = call->state == CALL_SERVING ? call->instance : NULL;
    chain_reply(core, call, reply);
    count(core, call, reply);
    taps_call(core, call, reply);
    tell_reply(core, call, reply);
    detach_caller(call);
    if (instance && !let_go) {
        abandon(core, call);
        placement_room(core, instance); /* of a probe that said nothing */
        return;
    }
    if (call->state == CALL_WAITING)
        fair_remove(&call->service->waiting, &call->turn);
    if (instance)
        leave(call);
    release(core, call);
    if (instance)
        placement_room(core, instance);
}

void call_end(struct core *core, struct call *call, const struct wire_reply *reply)
{
    end(core, call, reply, false);
}

void call_answer(struct core *core, struct call *call, const struct wire_reply *reply)
{
    struct instance *instance = call->instance;
    if (reply)
        placement_answered(core, call);
    if (call->state != CALL_ABANDONED) {
        end(core, call, reply, true);
        return;
    }
    call_settle(core, call, reply, false);
    leave(call);
    release(core, call);
    placement_room(core, instance);
}

static void fail(struct core *core, struct call *call, enum status status, const char *message,
                 bool let_go)
{
    struct wire_reply reply = {
        .status = status,
        .message = slice_of(message),
        .retryable = status_retryable(status),
    };
    end(core, call, &reply, let_go);
}

void call_fail(struct core *core, struct call *call, enum status status, const char *message)
{
    fail(core, call, status, message, false);
}

void call_orphan(struct core *core, struct call *call)
{
    if (call->exchange)
        core->io.release(core->io.arg, call->exchange);
    detach_caller(call);
    call_fail(core, call, STATUS_CANCELLED, "the caller is gone");
}

/* Not once the caller has parts of an answer: it would get them a second time. */
static bool may_be_tried_again(const struct core *core, const struct call *call)
{
    return call->idempotent && call->attempts < CALL_ATTEMPTS_MAX && call->parts == 0 &&
           budget_retry(&call->service->retries, core->now.mono_ns);
}

void call_instance_gone(struct core *core, struct call *call)
{
    if (call->state == CALL_ABANDONED) {
        leave(call);
        release(core, call);
    } else if (may_be_tried_again(core, call)) {
        leave(call);
        chain_resume(core, call);
    } else {
        fail(core, call, STATUS_OUTCOME_UNKNOWN, "the service vanished while it had the call",
             true);
    }
}

static void on_deadline(struct timer *timer, void *arg)
{
    struct core *core = arg;
    struct call *call = LIST_ENTRY(timer, struct call, timer);
    if (call->state == CALL_ABANDONED)
        call_answer(core, call, NULL);
    else if (call->ends_ms > core->now.unix_ms)
        wheel_arm(&core->wheel, timer, identity_look_at(call->ends_ms, core->now));
    else
        call_fail(core, call, STATUS_DEADLINE_EXCEEDED, "time ran out");
}
