/* pubsub.c - events, out and in. */
#include "client/call.h"
#include "client/serve.h"

#include "base/mem.h"

/* ---- publishing ---- */

static bool describe(struct wire_publish *wire, const fbx_publish_options *options)
{
    if (!options)
        return true;
    wire->confirm = options->confirm;
    if (options->parent)
        wire->traceparent = slice_of(options->parent->traceparent);
    if (options->traceparent && !text_take(&wire->traceparent, options->traceparent))
        return false;
    return text_take(&wire->content_type, options->content_type) &&
           text_take(&wire->event_id, options->event_id) &&
           text_take(&wire->tenant, options->tenant);
}

static int publish_locked(fbx_bus *bus, const struct wire_publish *wire,
                          const fbx_publish_options *options)
{
    struct slice credential = {0};
    int error = bus_await_room(bus);
    if (error == 0 && bus->state == ENGINE_REFUSED) {
        text_set_error("%s", bus->why);
        return FBX_EREFUSED;
    }
    if (error == 0 && options)
        error =
            call_credential(bus, options->parent, options->context, options->token, &credential);
    if (error < 0)
        return error;
    if (wire->confirm)
        return bus_ask_publish(bus, wire, credential);
    engine_publish(bus->engine, wire, credential, NULL);
    return 0;
}

int fbx_publish(fbx_bus *bus, const char *topic, fbx_bytes payload,
                const fbx_publish_options *options)
{
    struct wire_publish wire = {.payload = slice_make(payload.data, payload.len)};
    if (payload.len > WIRE_PAYLOAD_MAX) {
        text_set_error("too_large: the payload is over %u bytes", WIRE_PAYLOAD_MAX);
        return FBX_EREFUSED;
    }
    if (!bus || !topic || !text_take(&wire.topic, topic) || !describe(&wire, options))
        return FBX_EINVAL;
    if (wire.confirm && bus_on_io_thread())
        return FBX_EWOULDBLOCK;
    bus_lock(bus);
    int error = publish_locked(bus, &wire, options);
    bus_unlock(bus);
    return error;
}

/* ---- subscribing ---- */

void subscription_unref(struct subscription *subscription)
{
    if (--subscription->refs == 0)
        mem_free(subscription);
}

static struct subscription *add_subscription(fbx_bus *bus, fbx_on_event on_event, void *arg)
{
    struct subscription *subscription = mem_zalloc(sizeof(*subscription));
    subscription->id = engine_make_id(bus->engine);
    subscription->on_event = on_event;
    subscription->arg = arg;
    subscription->refs = 1;
    atomic_init(&subscription->closed, false);
    map_put_u64(&bus->subscriptions, subscription->id, subscription);
    return subscription;
}

static void drop_subscription(fbx_bus *bus, struct subscription *subscription)
{
    map_remove_u64(&bus->subscriptions, subscription->id);
    atomic_store(&subscription->closed, true);
    subscription_unref(subscription);
}

static int subscribe_locked(fbx_bus *bus, Farebox__V1__Subscribe *body, fbx_on_event on_event,
                            void *arg, uint64_t *id)
{
    if (bus->closing)
        return FBX_ECLOSED;
    struct subscription *subscription = add_subscription(bus, on_event, arg);
    uint64_t made = subscription->id;
    int error = bus_ask(bus, WIRE_SUBSCRIBE, made, &body->base, bus->connect_timeout_ms);
    if (error < 0)
        drop_subscription(bus, subscription);
    else if (id)
        *id = made;
    /* It may still be on its way, and would stand from session to session. */
    if (error == FBX_ETIMEDOUT)
        engine_control(bus->engine, WIRE_UNSUBSCRIBE, made, NULL, NULL);
    return error;
}

int fbx_subscribe(fbx_bus *bus, const char *pattern, const fbx_subscribe_options *options,
                  fbx_on_event on_event, void *arg, uint64_t *id)
{
    if (!bus || !pattern || !on_event)
        return FBX_EINVAL;
    if (bus_on_io_thread())
        return FBX_EWOULDBLOCK;
    Farebox__V1__Subscribe body = FAREBOX__V1__SUBSCRIBE__INIT;
    body.pattern = (char *)pattern;
    if (options && options->group)
        body.group = (char *)options->group;
    if (options && options->tenant)
        body.tenant = (char *)options->tenant;
    bus_lock(bus);
    int error = subscribe_locked(bus, &body, on_event, arg, id);
    bus_unlock(bus);
    return error;
}

int fbx_unsubscribe(fbx_bus *bus, uint64_t id)
{
    if (!bus)
        return FBX_EINVAL;
    if (bus_on_io_thread())
        return FBX_EWOULDBLOCK;
    bus_lock(bus);
    struct subscription *subscription = map_get_u64(&bus->subscriptions, id);
    int error = subscription ? 0 : FBX_EINVAL;
    if (subscription) {
        drop_subscription(bus, subscription);
        error = bus_ask(bus, WIRE_UNSUBSCRIBE, id, NULL, bus->connect_timeout_ms);
        bus_settle(bus);
    }
    bus_unlock(bus);
    return error;
}

void subscriptions_free(fbx_bus *bus)
{
    struct subscription *subscription;
    size_t cursor = 0;
    while ((subscription = map_next(&bus->subscriptions, &cursor)) != NULL)
        subscription_unref(subscription);
    map_finish(&bus->subscriptions);
}

/* ---- being told ---- */

static const char *text(fbx_bus *bus, struct slice bytes)
{
    return bytes.len > 0 ? arena_text(&bus->texts, bytes) : "";
}

void subscription_tell(fbx_bus *bus, const struct event *event)
{
    const struct subscription *subscription = event->subscription;
    const struct wire_delivery *wire = &event->delivery;
    if (atomic_load(&subscription->closed))
        return;
    fbx_event told = {
        .topic = text(bus, wire->topic),
        .content_type =
            wire->content_type.len > 0 ? text(bus, wire->content_type) : DEFAULT_CONTENT_TYPE,
        .event_id = text(bus, wire->event_id),
        .tenant = text(bus, wire->tenant),
        .user = text(bus, wire->user),
        .traceparent = text(bus, wire->traceparent),
        .payload = {wire->payload.data, wire->payload.len},
        .sequence = wire->sequence,
        .missed = wire->missed,
        .context = event->context,
    };
    subscription->on_event(subscription->arg, &told);
}
