/* request.c - requests the application holds until it has answered them. */
#include "client/serve.h"

#include "base/clock.h"
#include "base/mem.h"

/* ---- taking one in ---- */

static fbx_request *take_object(fbx_bus *bus)
{
    if (list_empty(&bus->free_requests))
        return mem_alloc(sizeof(fbx_request));
    fbx_request *request = LIST_ENTRY(list_first(&bus->free_requests), fbx_request, held);
    list_remove(&request->held);
    bus->n_free_requests--;
    return request;
}

static const char *copy_text(uint8_t **at, struct slice text)
{
    if (text.len == 0)
        return "";
    char *copy = (char *)*at;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *at += text.len + 1;
    return copy;
}

/* The frame is gone when the handler of a worker thread looks: everything is copied at once. */
static void copy_bytes(fbx_request *request, const struct wire_request *wire)
{
    size_t size = wire->method.len + wire->content_type.len + wire->request_id.len +
                  wire->traceparent.len + wire->tracestate.len + wire->idempotency_key.len +
                  wire->payload.len + 6;
    request->spill = size > REQUEST_SPACE ? mem_alloc(size) : NULL;
    uint8_t *at = request->spill ? request->spill : request->space;
    request->payload = (fbx_bytes){at, wire->payload.len};
    if (wire->payload.len > 0)
        memcpy(at, wire->payload.data, wire->payload.len);
    at += wire->payload.len;
    request->method = copy_text(&at, wire->method);
    request->content_type =
        wire->content_type.len > 0 ? copy_text(&at, wire->content_type) : DEFAULT_CONTENT_TYPE;
    request->request_id = copy_text(&at, wire->request_id);
    request->traceparent = copy_text(&at, wire->traceparent);
    request->tracestate = copy_text(&at, wire->tracestate);
    request->idempotency_key = copy_text(&at, wire->idempotency_key);
}

static struct service *find_service(const fbx_bus *bus, struct slice name)
{
    for (struct list *node = bus->services.next; node != &bus->services; node = node->next) {
        struct service *service = LIST_ENTRY(node, struct service, node);
        if (slice_is(name, service->name))
            return service;
    }
    return NULL;
}

fbx_request *request_take(fbx_bus *bus, uint64_t id, const struct wire_request *wire,
                          struct slice credential)
{
    struct service *service = find_service(bus, wire->service);
    if (!service)
        return NULL;
    fbx_request *request = take_object(bus);
    request->bus = bus;
    request->service = service;
    service->refs++;
    request->context = contexts_get(&bus->contexts, credential);
    request->id = id;
    request->session = bus->session;
    request->parts = 0;
    request->deadline = wire->timeout_ms ? bus_now() + wire->timeout_ms * NS_PER_MS : 0;
    request->refs = 1;
    request->stream = wire->stream;
    request->check = credential.len == 0 && slice_is(wire->method, "health");
    atomic_init(&request->answered, false);
    atomic_init(&request->cancelled, false);
    copy_bytes(request, wire);
    list_init(&request->queued);
    list_push(&bus->requests, &request->held);
    bus->n_requests++;
    return request;
}

static void answer_check(fbx_request *request)
{
    /* {"status": "pass" | "warn" | "fail"} */
    static const char *const said[] = {"\x81\xa6status\xa4"
                                       "pass",
                                       "\x81\xa6status\xa4"
                                       "warn",
                                       "\x81\xa6status\xa4"
                                       "fail"};
    const struct service *service = request->service;
    fbx_health health = service->on_health ? service->on_health(service->arg) : FBX_HEALTHY;
    const char *answer = said[health < FBX_UNHEALTHY ? health : FBX_UNHEALTHY];
    fbx_respond(request, (fbx_bytes){answer, strlen(answer)}, NULL);
}

void request_run(fbx_request *request)
{
    if (request->check)
        answer_check(request);
    else
        request->service->handler(request->service->arg, request);
}

fbx_request *request_find(const fbx_bus *bus, uint64_t id)
{
    for (struct list *node = bus->requests.next; node != &bus->requests; node = node->next) {
        fbx_request *request = LIST_ENTRY(node, fbx_request, held);
        if (request->id == id && request->session == bus->session)
            return request;
    }
    return NULL;
}

/* ---- giving it back ---- */

void request_unref(fbx_bus *bus, fbx_request *request)
{
    if (--request->refs > 0)
        return;
    fbx_context_free(request->context);
    service_unref(request->service);
    mem_free(request->spill);
    if (bus->n_free_requests == REQUESTS_KEPT) {
        mem_free(request);
        return;
    }
    /* The last one in is the first one out: its memory is still in the cache. */
    list_init(&request->held);
    list_push(bus->free_requests.next, &request->held);
    bus->n_free_requests++;
}

void requests_free(fbx_bus *bus)
{
    struct list *node;
    while ((node = list_first(&bus->free_requests)) != NULL) {
        list_remove(node);
        mem_free(LIST_ENTRY(node, fbx_request, held));
    }
    bus->n_free_requests = 0;
}

static bool is_awaited(const fbx_request *request, uint64_t now)
{
    return request->deadline == 0 || request->deadline > now;
}

/* The earliest moment at which one fewer is to be waited for; 0: none is. */
static uint64_t next_deadline(const fbx_bus *bus, uint64_t now)
{
    uint64_t next = 0;
    for (struct list *node = bus->requests.next; node != &bus->requests; node = node->next) {
        const fbx_request *request = LIST_ENTRY(node, fbx_request, held);
        uint64_t until = request->deadline ? request->deadline : UINT64_MAX;
        if (is_awaited(request, now) && (next == 0 || until < next))
            next = until;
    }
    return next;
}

bool requests_await(fbx_bus *bus, uint64_t limit)
{
    uint64_t until, now = clock_mono_ns();
    bus->awaiting++;
    while ((until = next_deadline(bus, now)) != 0 && now < limit) {
        bus_wait(bus, &bus->changed, until < limit ? until : limit);
        now = clock_mono_ns();
    }
    bus->awaiting--;
    return until == 0;
}

int fbx_await_requests(fbx_bus *bus, uint32_t timeout_ms)
{
    if (!bus)
        return FBX_EINVAL;
    if (bus_on_io_thread())
        return FBX_EWOULDBLOCK;
    bus_lock(bus);
    bool answered = requests_await(bus, clock_mono_ns() + timeout_ms * NS_PER_MS);
    bus_unlock(bus);
    return answered ? 0 : FBX_ETIMEDOUT;
}

/* ---- answering ---- */

static void answer_locked(fbx_bus *bus, fbx_request *request, const struct wire_reply *reply)
{
    atomic_store(&request->answered, true);
    if (bus->engine && request->session == bus->session)
        engine_reply(bus->engine, request->id, reply);
    list_remove(&request->held);
    bus->n_requests--;
    request_unref(bus, request);
    if (bus->awaiting > 0)
        pthread_cond_broadcast(&bus->changed);
}

static void answer(fbx_request *request, const struct wire_reply *reply)
{
    fbx_bus *bus = request->bus;
    bus_lock(bus);
    answer_locked(bus, request, reply);
    bus_release(bus);
}

void request_cancel(fbx_bus *bus, fbx_request *request)
{
    static const struct wire_reply cancelled = {.status = STATUS_CANCELLED};
    atomic_store(&request->cancelled, true);
    if (!list_empty(&request->queued)) {
        list_remove(&request->queued);
        answer_locked(bus, request, &cancelled);
    } else if (request->service->on_cancel) {
        request->refs++;
        events_add(&bus->events, EVENT_CANCEL)->request = request;
    }
}

void requests_void(fbx_bus *bus)
{
    struct list *next;
    for (struct list *node = bus->requests.next; node != &bus->requests; node = next) {
        next = node->next;
        request_cancel(bus, LIST_ENTRY(node, fbx_request, held));
    }
}

void fbx_respond(fbx_request *request, fbx_bytes payload, const char *content_type)
{
    struct wire_reply reply = {.payload = slice_make(payload.data, payload.len)};
    /* The default is not said. A type that cannot be said is as good as none. */
    if (content_type && strcmp(content_type, DEFAULT_CONTENT_TYPE) != 0)
        (void)text_take(&reply.content_type, content_type);
    answer(request, &reply);
}

static size_t take_details(struct wire_detail out[FBX_DETAILS_MAX], const char *const *texts)
{
    struct slice key, value;
    size_t n = 0;
    for (; texts && texts[0] && texts[1] && n < FBX_DETAILS_MAX; texts += 2)
        if (text_take(&key, texts[0]) && text_take(&value, texts[1]))
            out[n++] = (struct wire_detail){texts[0], texts[1]};
    return n;
}

static void refuse(fbx_request *request, const fbx_refusal *refusal, bool retryable)
{
    struct wire_detail details[FBX_DETAILS_MAX];
    bool known = refusal->status >= 0 && refusal->status < STATUS_COUNT;
    struct wire_reply reply = {
        .status = known ? (enum status)refusal->status : STATUS_INTERNAL,
        .details = details,
        .n_details = take_details(details, refusal->details),
        .retry_after_ms = refusal->retry_after_ms,
        .retryable = retryable,
        .message = text_cut(refusal->message),
    };
    answer(request, &reply);
}

void fbx_refuse(fbx_request *request, const fbx_refusal *refusal)
{
    bool known = refusal->status >= 0 && refusal->status < STATUS_COUNT;
    refuse(request, refusal,
           status_retryable(known ? (enum status)refusal->status : STATUS_INTERNAL));
}

void fbx_respond_status(fbx_request *request, int status, const char *message)
{
    fbx_refuse(request, &(fbx_refusal){.status = status, .message = message});
}

void fbx_refuse_as(fbx_request *request, const fbx_reply *reply)
{
    const char *details[2 * FBX_DETAILS_MAX + 1] = {NULL};
    for (size_t i = 0; i < FBX_DETAILS_MAX && i < fbx_reply_details(reply); i++)
        details[2 * i] = fbx_reply_detail_at(reply, i, &details[2 * i + 1]);
    const fbx_refusal refusal = {
        .status = fbx_reply_status(reply),
        .message = fbx_reply_message(reply),
        .details = details,
        .retry_after_ms = fbx_reply_retry_after_ms(reply),
    };
    refuse(request, &refusal, fbx_reply_retryable(reply));
}

static int send_part(fbx_bus *bus, fbx_request *request, fbx_bytes bytes)
{
    if (!request->stream)
        return FBX_ECLOSED;
    int error = bus_await_room(bus);
    if (error < 0)
        return error;
    struct wire_part part = {.payload = slice_make(bytes.data, bytes.len), .index = request->parts};
    if (request->session != bus->session || !engine_part(bus->engine, request->id, &part))
        return FBX_ECLOSED;
    request->parts++;
    return 0;
}

int fbx_send_part(fbx_request *request, fbx_bytes part)
{
    if (!request || part.len > WIRE_PAYLOAD_MAX)
        return FBX_EINVAL;
    fbx_bus *bus = request->bus;
    bus_lock(bus);
    int error = send_part(bus, request, part);
    bus_unlock(bus);
    return error;
}

/* ---- reading ---- */

const char *fbx_request_service(const fbx_request *request)
{
    return request->service->name;
}

const char *fbx_request_method(const fbx_request *request)
{
    return request->method;
}

fbx_bytes fbx_request_payload(const fbx_request *request)
{
    return request->payload;
}

const char *fbx_request_content_type(const fbx_request *request)
{
    return request->content_type;
}

const char *fbx_request_id(const fbx_request *request)
{
    return request->request_id;
}

const char *fbx_request_traceparent(const fbx_request *request)
{
    return request->traceparent;
}

const char *fbx_request_idempotency_key(const fbx_request *request)
{
    return request->idempotency_key;
}

const fbx_context *fbx_request_context(const fbx_request *request)
{
    return request->context;
}

uint32_t fbx_request_remaining_ms(const fbx_request *request)
{
    uint64_t now = bus_now();
    if (request->deadline == 0)
        return UINT32_MAX;
    return request->deadline > now ? (uint32_t)((request->deadline - now) / NS_PER_MS) : 0;
}

uint32_t request_left_ms(const fbx_request *request)
{
    uint32_t left = fbx_request_remaining_ms(request);
    return left > 0 ? left : 1;
}

bool fbx_request_cancelled(const fbx_request *request)
{
    return atomic_load(&request->cancelled);
}

bool fbx_request_wants_stream(const fbx_request *request)
{
    return request->stream;
}

fbx_bus *fbx_request_bus(const fbx_request *request)
{
    return request->bus;
}
