/* upcalls.c - what the engine says, noted for the callbacks to come. Under the lock. */
#include "client/ask.h"
#include "client/bus.h"

#include "base/mem.h"
#include "client/call.h"
#include "client/serve.h"

static void on_state(void *arg, enum engine_state state, const char *why)
{
    fbx_bus *bus = arg;
    bus->state = state;
    mem_free(bus->why);
    bus->why = mem_strdup(why);
    if (state == ENGINE_DOWN || state == ENGINE_GREETING) {
        bus->session++;
        requests_void(bus);
    }
    bool connected = state == ENGINE_READY;
    if (connected != bus->connected && bus->on_state)
        events_add(&bus->events, EVENT_STATE)->connected = connected;
    bus->connected = connected;
    pthread_cond_broadcast(&bus->changed);
}

static void on_reply(void *arg, void *call, const struct wire_reply *reply)
{
    fbx_bus *bus = arg;
    struct event *event = events_add(&bus->events, EVENT_REPLY);
    event->call = call;
    event->reply = *reply;
}

static void on_part(void *arg, void *call, const struct wire_part *part)
{
    fbx_bus *bus = arg;
    struct event *event = events_add(&bus->events, EVENT_PART);
    event->call = call;
    event->part = *part;
}

static void refuse_request(fbx_bus *bus, uint64_t id)
{
    struct wire_reply reply = {
        .status = STATUS_UNAVAILABLE,
        .message = slice_of("the instance does not take this request"),
        .retryable = true,
    };
    engine_reply(bus->engine, id, &reply);
}

static void on_request(void *arg, uint64_t id, const struct wire_request *wire,
                       struct slice credential)
{
    fbx_bus *bus = arg;
    fbx_request *request = request_take(bus, id, wire, credential);
    if (!request)
        refuse_request(bus, id);
    else if (request->check || request->service->on_io_thread)
        events_add(&bus->events, EVENT_REQUEST)->request = request;
    else
        pool_put(bus, request);
}

static void on_cancel(void *arg, uint64_t id)
{
    fbx_bus *bus = arg;
    fbx_request *request = request_find(bus, id);
    if (request)
        request_cancel(bus, request);
}

static void on_delivery(void *arg, uint64_t id, const struct wire_delivery *delivery,
                        struct slice credential)
{
    fbx_bus *bus = arg;
    struct subscription *subscription = map_get_u64(&bus->subscriptions, id);
    if (!subscription)
        return;
    struct event *event = events_add(&bus->events, EVENT_DELIVERY);
    subscription->refs++;
    event->subscription = subscription;
    event->delivery = *delivery;
    event->context = credential.len > 0 ? contexts_get(&bus->contexts, credential) : NULL;
}

static void on_acknowledged(void *arg, void *ask, enum status status, const char *message)
{
    if (ask)
        ask_answered(arg, ask, status, message);
}

static void on_over(void *arg, uint64_t id, enum status status, const char *message)
{
    subscription_over(arg, id, status, message);
}

/* What the broker's end means for calls under way is said by their own outcomes. */
static void on_drain(void *arg)
{
    (void)arg;
}

struct engine_upcalls bus_upcalls(fbx_bus *bus)
{
    return (struct engine_upcalls){
        .arg = bus,
        .state = on_state,
        .reply = on_reply,
        .part = on_part,
        .request = on_request,
        .cancel = on_cancel,
        .delivery = on_delivery,
        .acknowledged = on_acknowledged,
        .over = on_over,
        .drain = on_drain,
    };
}
