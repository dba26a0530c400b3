/* call.c - making calls. */
#include "client/call.h"

#include "base/mem.h"
#include "client/serve.h"
#include "client/ticker.h"

#include <errno.h>

/* ---- call objects, used again rather than allocated ---- */

static struct client_call *take_call(fbx_bus *bus)
{
    struct client_call *call = bus->free_calls;
    if (!call)
        return mem_alloc(sizeof(*call));
    bus->free_calls = call->next_free;
    return call;
}

void call_release(fbx_bus *bus, struct client_call *call)
{
    call->next_free = bus->free_calls;
    bus->free_calls = call;
}

void calls_free(fbx_bus *bus)
{
    while (bus->free_calls) {
        struct client_call *call = bus->free_calls;
        bus->free_calls = call->next_free;
        mem_free(call);
    }
}

/* ---- what a call says ---- */

int call_credential(fbx_bus *bus, const fbx_request *parent, const fbx_context *context,
                    const char *token, struct slice *out)
{
    if (parent && parent->bus != bus)
        return FBX_EINVAL;
    if (token) {
        struct wire_credential credential = {
            .token = slice_make(token, strnlen(token, TOKEN_BYTES_MAX + 1)),
        };
        if (credential.token.len > TOKEN_BYTES_MAX)
            return FBX_EINVAL;
        arena_reset(&bus->scratch);
        *out = wire_write_credential(&credential, &bus->scratch);
    } else if (context) {
        *out = context_credential(context);
    } else if (parent) {
        *out = context_credential(parent->context);
    }
    return 0;
}

static bool take_texts(struct wire_request *wire, const fbx_call_options *options)
{
    return text_take(&wire->content_type, options->content_type) &&
           text_take(&wire->idempotency_key, options->idempotency_key) &&
           text_take(&wire->tenant, options->tenant) &&
           text_take(&wire->traceparent, options->traceparent) &&
           text_take(&wire->tracestate, options->tracestate) &&
           text_take(&wire->request_id, options->request_id);
}

/* A nested call ends with what it was made for, and is part of the same trace. */
static void inherit(struct wire_request *wire, const fbx_bus *bus, const fbx_request *parent)
{
    uint32_t left = request_left_ms(parent);
    if (left < wire->timeout_ms)
        wire->timeout_ms = left;
    if (parent->session == bus->session)
        wire->parent = parent->id;
    if (wire->traceparent.len == 0) {
        wire->traceparent = slice_of(parent->traceparent);
        wire->tracestate = slice_of(parent->tracestate);
    }
}

static int describe(struct wire_request *wire, const fbx_bus *bus, const fbx_call_options *options)
{
    if (!options)
        return 0;
    if (!take_texts(wire, options))
        return FBX_EINVAL;
    wire->idempotent = options->idempotent;
    wire->stream = options->on_part != NULL;
    wire->terms = options->terms;
    if (options->timeout_ms > 0)
        wire->timeout_ms = options->timeout_ms;
    if (options->parent)
        inherit(wire, bus, options->parent);
    return 0;
}

/* ---- making it ---- */

struct making {
    const char *service, *method;
    fbx_bytes payload;
    const fbx_call_options *options;
    struct client_call call;
};

static int make_locked(fbx_bus *bus, const struct making *making, uint64_t *id)
{
    const fbx_call_options *options = making->options;
    struct wire_request wire = {.timeout_ms = bus->default_timeout_ms};
    struct slice credential = {0};
    if (!bus->engine || bus->state == ENGINE_CLOSED)
        return FBX_ECLOSED;
    if (!text_take(&wire.service, making->service) || !text_take(&wire.method, making->method))
        return FBX_EINVAL;
    int error = describe(&wire, bus, options);
    if (error == 0 && options)
        error =
            call_credential(bus, options->parent, options->context, options->token, &credential);
    if (error < 0)
        return error;
    wire.payload = slice_make(making->payload.data, making->payload.len);
    struct client_call *call = take_call(bus);
    *call = making->call;
    call->on_terms = options ? options->on_terms : NULL;
    call->on_part = options ? options->on_part : NULL;
    *id = engine_call(bus->engine, &wire, credential, call, bus_now());
    return 0;
}

int fbx_call_async(fbx_bus *bus, const char *service, const char *method, fbx_bytes payload,
                   const fbx_call_options *options, fbx_on_reply on_reply, void *arg, uint64_t *id)
{
    if (!bus || !service || !method || !on_reply)
        return FBX_EINVAL;
    struct making making = {
        .service = service,
        .method = method,
        .payload = payload,
        .options = options,
        .call = {.on_reply = on_reply, .arg = arg},
    };
    uint64_t made = 0;
    bus_lock(bus);
    int error = bus_is_full(bus) ? FBX_EWOULDBLOCK : make_locked(bus, &making, &made);
    if (error == 0 && id)
        *id = made;
    bus_unlock_noted(bus);
    ticker_notice();
    return error;
}

static fbx_reply *await_reply(struct caller *caller)
{
    while (sem_wait(&caller->answered) < 0 && errno == EINTR)
        continue;
    return caller->reply;
}

int fbx_call(fbx_bus *bus, const char *service, const char *method, fbx_bytes payload,
             const fbx_call_options *options, fbx_reply **out)
{
    if (!bus || !service || !method || !out)
        return FBX_EINVAL;
    if (bus_on_io_thread())
        return FBX_EWOULDBLOCK;
    struct caller caller = {.reply = NULL};
    struct making making = {
        .service = service,
        .method = method,
        .payload = payload,
        .options = options,
        .call = {.caller = &caller},
    };
    uint64_t id;
    sem_init(&caller.answered, 0, 0);
    bus_lock(bus);
    int error = bus_await_room(bus);
    if (error == 0)
        error = make_locked(bus, &making, &id);
    bus_unlock_noted(bus);
    ticker_notice();
    if (error == 0)
        *out = await_reply(&caller);
    sem_destroy(&caller.answered);
    return error;
}

int fbx_cancel(fbx_bus *bus, uint64_t id)
{
    if (!bus)
        return FBX_EINVAL;
    bus_lock(bus);
    bool found = bus->engine && engine_cancel(bus->engine, id, bus_now());
    bus_unlock_noted(bus);
    return found ? 0 : FBX_EINVAL;
}

/* ---- being answered ---- */

void call_tell_reply(fbx_bus *bus, const struct client_call *call, const struct wire_reply *wire)
{
    fbx_reply view = {.wire = *wire, .texts = &bus->texts};
    if (!call->caller) {
        call->on_reply(call->arg, &view);
        return;
    }
    call->caller->reply = fbx_reply_retain(&view);
    sem_post(&call->caller->answered); /* it may be gone from here on */
}

static void tell_terms(fbx_bus *bus, const struct client_call *call, const struct wire_part *part)
{
    fbx_reply view = {.wire = {.said = part->said}, .texts = &bus->texts};
    call->on_terms(call->arg, &view);
}

void call_tell_part(fbx_bus *bus, const struct client_call *call, const struct wire_part *part)
{
    if (call->on_terms && part->request_id.len > 0)
        tell_terms(bus, call, part);
    if (call->on_part)
        call->on_part(call->arg, (fbx_bytes){part->payload.data, part->payload.len}, part->index);
}
