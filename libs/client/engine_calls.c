/* engine_calls.c - calls from being made to being answered, exactly once. */
#include "client/engine_parts.h"

#include "base/mem.h"

/* The broker's own answer, which knows more, usually comes within this. */
#define DEADLINE_SLACK_NS (50 * NS_PER_MS)

/* The request's bytes follow the struct. */
struct saved_request {
    struct wire_request request;
    struct slice credential;
};

static void deadline_passed(struct timer *timer, void *arg);

/* ---- slots ---- */

void engine_calls_init(struct engine *engine)
{
    list_init(&engine->calls);
    list_init(&engine->free_calls);
}

void engine_calls_finish(struct engine *engine)
{
    struct list *node;
    while ((node = list_first(&engine->calls)) != NULL) {
        list_remove(node);
        mem_free(LIST_ENTRY(node, struct call, node)->saved);
    }
    for (uint32_t i = 0; i < engine->n_chunks; i++)
        mem_free(engine->chunks[i]);
    mem_free(engine->chunks);
}

static struct call *call_at(const struct engine *engine, uint32_t slot)
{
    return &engine->chunks[slot / CALLS_PER_CHUNK][slot % CALLS_PER_CHUNK];
}

static void add_chunk(struct engine *engine)
{
    uint32_t first = engine->n_chunks++ * CALLS_PER_CHUNK;
    size_t size = engine->n_chunks * sizeof(*engine->chunks);
    engine->chunks = mem_realloc(engine->chunks, size);
    engine->chunks[engine->n_chunks - 1] = mem_zalloc(CALLS_PER_CHUNK * sizeof(struct call));
    for (uint32_t slot = first; slot < first + CALLS_PER_CHUNK; slot++) {
        struct call *call = call_at(engine, slot);
        call->slot = slot;
        timer_init(&call->timer, deadline_passed);
        list_push(&engine->free_calls, &call->node);
    }
}

/* NULL when there are as many calls as slots can be named. */
static struct call *take_slot(struct engine *engine)
{
    if (list_empty(&engine->free_calls)) {
        if ((engine->n_chunks + 1) * CALLS_PER_CHUNK > SLOT_CONTROL)
            return NULL;
        add_chunk(engine);
    }
    struct call *call = LIST_ENTRY(list_first(&engine->free_calls), struct call, node);
    list_remove(&call->node);
    list_push(&engine->calls, &call->node);
    return call;
}

struct call *calls_find(const struct engine *engine, uint64_t id)
{
    uint32_t slot = id & SLOT_CONTROL;
    if (slot >= engine->n_chunks * CALLS_PER_CHUNK)
        return NULL;
    struct call *call = call_at(engine, slot);
    return id != 0 && call->id == id ? call : NULL;
}

/* ---- keeping a request that may be made again ---- */

static const size_t byte_fields[] = {
    offsetof(struct wire_request, service),         offsetof(struct wire_request, method),
    offsetof(struct wire_request, payload),         offsetof(struct wire_request, content_type),
    offsetof(struct wire_request, idempotency_key), offsetof(struct wire_request, request_id),
    offsetof(struct wire_request, traceparent),     offsetof(struct wire_request, tracestate),
    offsetof(struct wire_request, tenant),
};
#define N_BYTE_FIELDS (sizeof(byte_fields) / sizeof(byte_fields[0]))

static struct slice *byte_field(struct wire_request *request, size_t i)
{
    return (struct slice *)(void *)((char *)request + byte_fields[i]);
}

static uint8_t *move_slice(struct slice *slice, uint8_t *at)
{
    if (slice->len > 0)
        memcpy(at, slice->data, slice->len);
    slice->data = at;
    return at + slice->len;
}

static struct saved_request *save_request(const struct wire_request *request,
                                          struct slice credential)
{
    struct saved_request fields = {*request, credential};
    size_t size = sizeof(fields) + credential.len;
    for (size_t i = 0; i < N_BYTE_FIELDS; i++)
        size += byte_field(&fields.request, i)->len;

    struct saved_request *saved = mem_alloc(size);
    uint8_t *at = (uint8_t *)(saved + 1);
    for (size_t i = 0; i < N_BYTE_FIELDS; i++)
        at = move_slice(byte_field(&fields.request, i), at);
    move_slice(&fields.credential, at);
    *saved = fields;
    return saved;
}

/* ---- the life of a call ---- */

static void put_call(struct engine *engine, struct call *call, const struct wire_request *request,
                     struct slice credential)
{
    struct wire_out *out = link_out(engine->link);
    uint32_t index = wire_put_credential(out, credential);
    wire_put_request(out, call->id, index, request);
    call->session = engine->session;
}

void calls_put_again(struct engine *engine, struct call *call, const struct wire_request *request,
                     struct slice credential)
{
    struct wire_request again = *request;
    if (call->timer.due > 0) {
        uint64_t end = call->timer.due - DEADLINE_SLACK_NS;
        uint64_t left = end > engine->now ? (end - engine->now) / NS_PER_MS : 0;
        again.timeout_ms = left > 0 ? (uint32_t)left : 1;
    }
    put_call(engine, call, &again, credential);
}

static void refuse(struct engine *engine, void *call_arg, enum status status, const char *message)
{
    struct wire_reply reply = {
        .status = status,
        .message = slice_of(message),
        .retryable = status_retryable(status),
    };
    engine->up.reply(engine->up.arg, call_arg, &reply);
}

/* A call that cannot even be put into a frame. */
static bool refuse_at_once(struct engine *engine, const struct wire_request *request,
                           void *call_arg)
{
    if (engine->state == ENGINE_REFUSED)
        refuse(engine, call_arg, STATUS_UNAUTHENTICATED, "the broker refused the token");
    else if (engine->leaving || engine->state == ENGINE_CLOSED)
        refuse(engine, call_arg, STATUS_CANCELLED, "the bus is closed");
    else if (request->payload.len > WIRE_PAYLOAD_MAX)
        refuse(engine, call_arg, STATUS_TOO_LARGE, "the payload is over the limit");
    else
        return false;
    return true;
}

uint64_t engine_call(struct engine *engine, const struct wire_request *request,
                     struct slice credential, void *call_arg, uint64_t now)
{
    engine->now = now;
    if (refuse_at_once(engine, request, call_arg))
        return engine_next_id(engine, SLOT_CONTROL);
    struct call *call = take_slot(engine);
    if (!call) {
        refuse(engine, call_arg, STATUS_OVERLOADED, "too many calls are under way");
        return engine_next_id(engine, SLOT_CONTROL);
    }
    uint64_t id = engine_next_id(engine, call->slot);
    call->id = id;
    call->arg = call_arg;
    call->streamed = false;
    call->saved = request->idempotent ? save_request(request, credential) : NULL;
    if (request->timeout_ms > 0)
        wheel_arm(&engine->wheel, &call->timer,
                  now + request->timeout_ms * NS_PER_MS + DEADLINE_SLACK_NS);
    put_call(engine, call, request, credential);
    engine_flush(engine);
    return id;
}

void calls_end(struct engine *engine, struct call *call, const struct wire_reply *reply)
{
    void *arg = call->arg;
    call->id = 0;
    wheel_disarm(&engine->wheel, &call->timer);
    if (call->saved) {
        mem_free(call->saved);
        call->saved = NULL;
    }
    list_remove(&call->node);
    list_push(engine->free_calls.next, &call->node);
    engine->up.reply(engine->up.arg, arg, reply);
}

void calls_end_with(struct engine *engine, struct call *call, enum status status,
                    const char *message)
{
    struct wire_reply reply = {
        .status = status,
        .message = slice_of(message),
        .retryable = status_retryable(status),
    };
    calls_end(engine, call, &reply);
}

static void put_cancel(struct engine *engine, uint64_t id)
{
    wire_put_control(link_out(engine->link), id, 0, WIRE_CANCEL, NULL);
}

static void deadline_passed(struct timer *timer, void *arg)
{
    struct engine *engine = arg;
    struct call *call = LIST_ENTRY(timer, struct call, timer);
    put_cancel(engine, call->id);
    calls_end_with(engine, call, STATUS_DEADLINE_EXCEEDED,
                   engine->state == ENGINE_READY ? "no answer within the deadline"
                                                 : "no session with the broker");
}

bool engine_cancel(struct engine *engine, uint64_t id, uint64_t now)
{
    struct call *call = calls_find(engine, id);
    if (!call)
        return false;
    engine->now = now;
    put_cancel(engine, id);
    calls_end_with(engine, call, STATUS_CANCELLED, "cancelled by the caller");
    engine_flush(engine);
    return true;
}

/* ---- when a session ends ---- */

/* Moved aside first, so that calls made by the upcalls are not visited. */
static void take_all(struct engine *engine, struct list *calls)
{
    list_init(calls);
    if (list_empty(&engine->calls))
        return;
    list_push(&engine->calls, calls);
    list_remove(&engine->calls);
}

static void renew(struct engine *engine, struct call *call)
{
    list_remove(&call->node);
    list_push(&engine->calls, &call->node);
    if (call->session == engine->session)
        return; /* never left in the old session, and is in a frame of this one */
    if (call->saved && !call->streamed)
        calls_put_again(engine, call, &call->saved->request, call->saved->credential);
    else
        calls_end_with(engine, call, STATUS_OUTCOME_UNKNOWN,
                       "the session was lost; the call may have happened");
}

void calls_renew(struct engine *engine)
{
    struct list calls, *node;
    take_all(engine, &calls);
    while ((node = list_first(&calls)) != NULL)
        renew(engine, LIST_ENTRY(node, struct call, node));
}

void calls_give_up(struct engine *engine, enum status status, const char *why)
{
    struct list calls, *node;
    take_all(engine, &calls);
    while ((node = list_first(&calls)) != NULL)
        calls_end_with(engine, LIST_ENTRY(node, struct call, node), status, why);
}
