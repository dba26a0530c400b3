/* pubsub.c - events, out and in. */
#include "client/ask.h"
#include "client/call.h"
#include "client/serve.h"

#include "base/mem.h"
#include "client/ticker.h"

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

static int take_event(struct wire_publish *wire, const char *topic, fbx_bytes payload,
                      const fbx_publish_options *options)
{
    *wire = (struct wire_publish){.payload = slice_make(payload.data, payload.len)};
    if (payload.len > WIRE_PAYLOAD_MAX) {
        text_set_error("too_large: the payload is over %u bytes", WIRE_PAYLOAD_MAX);
        return FBX_EREFUSED;
    }
    return topic && text_take(&wire->topic, topic) && describe(wire, options) ? 0 : FBX_EINVAL;
}

static int publisher(fbx_bus *bus, const fbx_publish_options *options, struct slice *credential)
{
    if (bus->state == ENGINE_REFUSED) {
        text_set_error("%s", bus->why);
        return FBX_EREFUSED;
    }
    if (!options)
        return 0;
    return call_credential(bus, options->parent, options->context, options->token, credential);
}

static int publish_locked(fbx_bus *bus, const struct wire_publish *wire,
                          const fbx_publish_options *options)
{
    struct slice credential = {0};
    int error = bus_await_room(bus);
    if (error == 0)
        error = publisher(bus, options, &credential);
    if (error < 0)
        return error;
    if (wire->confirm)
        return bus_ask_publish(bus, wire, credential, options ? options->timeout_ms : 0);
    engine_publish(bus->engine, wire, credential, NULL);
    return 0;
}

int fbx_publish(fbx_bus *bus, const char *topic, fbx_bytes payload,
                const fbx_publish_options *options)
{
    struct wire_publish wire;
    int error = bus ? take_event(&wire, topic, payload, options) : FBX_EINVAL;
    if (error < 0)
        return error;
    if (wire.confirm && bus_on_io_thread())
        return FBX_EWOULDBLOCK;
    bus_lock(bus);
    error = publish_locked(bus, &wire, options);
    bus_unlock(bus);
    return error;
}

static int publish_async_locked(fbx_bus *bus, const struct wire_publish *wire,
                                const fbx_publish_options *options, fbx_on_answer on_answer,
                                void *arg)
{
    struct slice credential = {0};
    int error = bus_has_room(bus);
    if (error == 0)
        error = publisher(bus, options, &credential);
    if (error < 0)
        return error;
    struct ask *ask = on_answer ? ask_later(answer_create(on_answer, arg, NULL)) : NULL;
    uint64_t id = engine_publish(bus->engine, wire, credential, ask);
    if (options)
        engine_limit(bus->engine, id, options->timeout_ms, bus_now());
    return 0;
}

int fbx_publish_async(fbx_bus *bus, const char *topic, fbx_bytes payload,
                      const fbx_publish_options *options, fbx_on_answer on_answer, void *arg)
{
    struct wire_publish wire;
    int error = bus ? take_event(&wire, topic, payload, options) : FBX_EINVAL;
    if (error < 0)
        return error;
    wire.confirm = on_answer != NULL;
    bus_lock(bus);
    error = publish_async_locked(bus, &wire, options, on_answer, arg);
    bus_unlock_noted(bus);
    ticker_notice();
    return error;
}

/* ---- subscribing ---- */

void subscription_unref(struct subscription *subscription)
{
    if (--subscription->refs == 0)
        mem_free(subscription);
}

/* What an application asked for. */
struct wanted {
    Farebox__V1__Subscribe body;
    const char *token; /* or NULL */
    fbx_on_event on_event;
    fbx_on_answer on_over;
    void *arg;
    uint32_t timeout_ms; /* 0: not said */
};

static struct wanted want(const char *pattern, const fbx_subscribe_options *options,
                          fbx_on_event on_event, void *arg)
{
    struct wanted wanted = {.body = FAREBOX__V1__SUBSCRIBE__INIT, .on_event = on_event, .arg = arg};
    wanted.body.pattern = (char *)pattern;
    if (!options)
        return wanted;
    if (options->group)
        wanted.body.group = (char *)options->group;
    if (options->tenant)
        wanted.body.tenant = (char *)options->tenant;
    wanted.token = options->token;
    wanted.on_over = options->on_over;
    wanted.timeout_ms = options->timeout_ms;
    return wanted;
}

static bool is_sound(const Farebox__V1__Subscribe *body)
{
    return text_is_sound(body->pattern) && text_is_sound(body->group) &&
           text_is_sound(body->tenant);
}

static struct subscription *add_subscription(fbx_bus *bus, const struct wanted *wanted)
{
    struct subscription *subscription = mem_zalloc(sizeof(*subscription));
    subscription->id = engine_make_id(bus->engine);
    subscription->on_event = wanted->on_event;
    subscription->on_over = wanted->on_over;
    subscription->arg = wanted->arg;
    subscription->refs = 1;
    atomic_init(&subscription->closed, false);
    map_put_u64(&bus->subscriptions, subscription->id, subscription);
    return subscription;
}

void subscription_drop(fbx_bus *bus, struct subscription *subscription)
{
    atomic_store(&subscription->closed, true);
    if (map_remove_u64(&bus->subscriptions, subscription->id))
        subscription_unref(subscription);
}

void subscription_over(fbx_bus *bus, uint64_t id, enum status status, const char *message)
{
    struct subscription *subscription = map_get_u64(&bus->subscriptions, id);
    if (!subscription || subscription->over)
        return;
    subscription->over = true;
    answer_note(bus, answer_create(subscription->on_over, subscription->arg, subscription), status,
                message);
}

static int subscriber(fbx_bus *bus, const struct wanted *wanted, struct slice *credential)
{
    if (bus->closing)
        return FBX_ECLOSED;
    if (!is_sound(&wanted->body))
        return FBX_EINVAL;
    return call_credential(bus, NULL, NULL, wanted->token, credential);
}

static int subscribe_locked(fbx_bus *bus, const struct wanted *wanted, uint64_t *id)
{
    struct slice credential = {0};
    int error = subscriber(bus, wanted, &credential);
    if (error < 0)
        return error;
    struct subscription *subscription = add_subscription(bus, wanted);
    uint64_t made = subscription->id;
    error = bus_ask_subscribe(bus, made, &wanted->body, credential, wanted->timeout_ms);
    if (error < 0)
        subscription_drop(bus, subscription);
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
    struct wanted wanted = want(pattern, options, on_event, arg);
    bus_lock(bus);
    int error = subscribe_locked(bus, &wanted, id);
    bus_unlock(bus);
    return error;
}

static int subscribe_async_locked(fbx_bus *bus, const struct wanted *wanted,
                                  fbx_on_answer on_answer, uint64_t *id)
{
    struct slice credential = {0};
    int error = bus_has_room(bus);
    if (error == 0)
        error = subscriber(bus, wanted, &credential);
    if (error < 0)
        return error;
    struct subscription *subscription = add_subscription(bus, wanted);
    struct answer *answer = answer_create(on_answer, wanted->arg, subscription);
    if (id)
        *id = subscription->id;
    engine_subscribe(bus->engine, subscription->id, &wanted->body, credential, ask_later(answer));
    engine_limit(bus->engine, subscription->id, wanted->timeout_ms, bus_now());
    return 0;
}

int fbx_subscribe_async(fbx_bus *bus, const char *pattern, const fbx_subscribe_options *options,
                        fbx_on_event on_event, fbx_on_answer on_answer, void *arg, uint64_t *id)
{
    if (!bus || !pattern || !on_event || !on_answer)
        return FBX_EINVAL;
    struct wanted wanted = want(pattern, options, on_event, arg);
    bus_lock(bus);
    int error = subscribe_async_locked(bus, &wanted, on_answer, id);
    bus_unlock_noted(bus);
    ticker_notice();
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
        bool over = subscription->over;
        subscription_drop(bus, subscription);
        if (!over)
            error = bus_ask(bus, WIRE_UNSUBSCRIBE, id, NULL, bus->connect_timeout_ms);
        bus_settle(bus);
    }
    bus_unlock(bus);
    return error;
}

int fbx_unsubscribe_async(fbx_bus *bus, uint64_t id)
{
    if (!bus)
        return FBX_EINVAL;
    bus_lock(bus);
    const struct subscription *subscription = map_get_u64(&bus->subscriptions, id);
    int error = subscription ? 0 : FBX_EINVAL;
    if (subscription && !subscription->over) {
        engine_control(bus->engine, WIRE_UNSUBSCRIBE, id, NULL, NULL);
        subscription_over(bus, id, STATUS_CANCELLED, "it was unsubscribed");
    }
    bus_unlock_noted(bus);
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
