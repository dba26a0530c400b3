/* engine_control.c - what the broker acknowledges: registrations, subscriptions,
 * pings, confirmed events. */
#include "client/engine_parts.h"

#include "base/mem.h"

#define AGAIN_NS NS_PER_SEC
/* A session that comes back after a lost connection usually does so within this. */
#define LOST_PATIENCE_NS (2 * NS_PER_SEC)

void controls_init(struct engine *engine)
{
    list_init(&engine->waiting);
    list_init(&engine->standing);
}

/* ---- what stands from session to session ---- */

static bool is_standing_kind(enum wire_kind kind)
{
    return kind == WIRE_REGISTER || kind == WIRE_SUBSCRIBE;
}

static ProtobufCMessage *copy_body(const ProtobufCMessage *body)
{
    size_t size = protobuf_c_message_get_packed_size(body);
    uint8_t *packed = mem_alloc(size + 1);
    protobuf_c_message_pack(body, packed);
    ProtobufCMessage *copy = protobuf_c_message_unpack(body->descriptor, NULL, size, packed);
    mem_free(packed);
    return copy;
}

static void put_standing(struct engine *engine, struct standing *standing)
{
    struct wire_out *out = link_out(engine->link);
    uint32_t index = wire_put_credential(out, standing->credential);
    wheel_disarm(&engine->wheel, &standing->again);
    wire_put_control(out, standing->id, index, standing->kind, standing->body);
}

static void on_again(struct timer *timer, void *arg)
{
    put_standing(arg, LIST_ENTRY(timer, struct standing, again));
}

static void stand(struct engine *engine, enum wire_kind kind, uint64_t id,
                  const ProtobufCMessage *body, struct slice credential)
{
    struct standing *standing = mem_zalloc(sizeof(*standing));
    standing->id = id;
    standing->kind = kind;
    standing->body = copy_body(body);
    standing->credential = slice_make(mem_dup(credential.data, credential.len), credential.len);
    timer_init(&standing->again, on_again);
    list_push(&engine->standing, &standing->node);
}

static void forget_standing(struct engine *engine, struct standing *standing)
{
    wheel_disarm(&engine->wheel, &standing->again);
    list_remove(&standing->node);
    if (standing->body)
        protobuf_c_message_free_unpacked(standing->body, NULL);
    mem_free((void *)(uintptr_t)standing->credential.data);
    mem_free(standing);
}

static struct standing *find_standing(const struct engine *engine, uint64_t id)
{
    for (struct list *node = engine->standing.next; node != &engine->standing; node = node->next) {
        struct standing *standing = LIST_ENTRY(node, struct standing, node);
        if (standing->id == id)
            return standing;
    }
    return NULL;
}

static void forget_by_id(struct engine *engine, uint64_t id)
{
    struct standing *standing = find_standing(engine, id);
    if (standing)
        forget_standing(engine, standing);
}

static bool registers(const struct standing *standing, const Farebox__V1__Deregister *wanted)
{
    if (standing->kind != WIRE_REGISTER || !standing->body)
        return false;
    const Farebox__V1__Register *body = (const Farebox__V1__Register *)standing->body;
    return strcmp(body->service, wanted->service) == 0 && strcmp(body->tenant, wanted->tenant) == 0;
}

static void forget_service(struct engine *engine, const Farebox__V1__Deregister *body)
{
    for (struct list *node = engine->standing.next; node != &engine->standing; node = node->next) {
        struct standing *standing = LIST_ENTRY(node, struct standing, node);
        if (registers(standing, body)) {
            forget_standing(engine, standing);
            return;
        }
    }
}

/* ---- asking ---- */

static void patience_over(struct timer *timer, void *arg);

static void await(struct engine *engine, enum wire_kind kind, uint64_t id, void *arg)
{
    struct waiting *waiting = mem_zalloc(sizeof(*waiting));
    waiting->id = id;
    waiting->kind = kind;
    waiting->session = engine->session;
    waiting->arg = arg;
    timer_init(&waiting->patience, patience_over);
    list_push(&engine->waiting, &waiting->node);
}

static bool is_over(const struct engine *engine)
{
    return engine->state == ENGINE_REFUSED || engine->state == ENGINE_CLOSED || engine->leaving;
}

static void refuse(struct engine *engine, void *control_arg)
{
    bool refused = engine->state == ENGINE_REFUSED;
    engine->up.acknowledged(engine->up.arg, control_arg,
                            refused ? STATUS_UNAUTHENTICATED : STATUS_CANCELLED,
                            refused ? "the broker refused the token" : "the bus is closed");
}

uint64_t engine_make_id(struct engine *engine)
{
    return engine_next_id(engine, SLOT_CONTROL);
}

static uint64_t ask(struct engine *engine, enum wire_kind kind, uint64_t id,
                    const ProtobufCMessage *body, struct slice credential, void *control_arg)
{
    if (id == 0)
        id = engine_make_id(engine);
    if (is_over(engine)) {
        refuse(engine, control_arg);
        return id;
    }
    if (is_standing_kind(kind))
        stand(engine, kind, id, body, credential);
    else if (kind == WIRE_UNSUBSCRIBE)
        forget_by_id(engine, id);
    else if (kind == WIRE_DEREGISTER)
        forget_service(engine, (const Farebox__V1__Deregister *)body);
    await(engine, kind, id, control_arg);
    struct wire_out *out = link_out(engine->link);
    uint32_t index = wire_put_credential(out, credential);
    wire_put_control(out, id, index, kind, body);
    engine_flush(engine);
    return id;
}

uint64_t engine_control(struct engine *engine, enum wire_kind kind, uint64_t id,
                        const ProtobufCMessage *body, void *control_arg)
{
    return ask(engine, kind, id, body, (struct slice){0}, control_arg);
}

uint64_t engine_subscribe(struct engine *engine, uint64_t id, const Farebox__V1__Subscribe *body,
                          struct slice credential, void *control_arg)
{
    return ask(engine, WIRE_SUBSCRIBE, id, &body->base, credential, control_arg);
}

uint64_t engine_publish(struct engine *engine, const struct wire_publish *publish,
                        struct slice credential, void *control_arg)
{
    if (is_over(engine)) {
        if (publish->confirm)
            refuse(engine, control_arg);
        return 0;
    }
    uint64_t id = 0;
    if (publish->confirm) {
        id = engine_next_id(engine, SLOT_CONTROL);
        await(engine, WIRE_PUBLISH, id, control_arg);
    }
    struct wire_out *out = link_out(engine->link);
    uint32_t index = wire_put_credential(out, credential);
    wire_put_publish(out, id, index, publish);
    engine_flush(engine);
    return id;
}

/* ---- being answered ---- */

/* The oldest: a Subscribe and its Unsubscribe share their id and are answered in order. */
static struct waiting *find_waiting(const struct engine *engine, uint64_t id)
{
    for (struct list *node = engine->waiting.next; node != &engine->waiting; node = node->next) {
        struct waiting *waiting = LIST_ENTRY(node, struct waiting, node);
        if (waiting->id == id)
            return waiting;
    }
    return NULL;
}

static void settle(struct engine *engine, struct waiting *waiting, enum status status,
                   const char *message)
{
    void *arg = waiting->arg;
    if (is_standing_kind(waiting->kind) && status != STATUS_OK)
        forget_by_id(engine, waiting->id);
    wheel_disarm(&engine->wheel, &waiting->patience);
    list_remove(&waiting->node);
    mem_free(waiting);
    engine->up.acknowledged(engine->up.arg, arg, status, message);
}

static void end_subscription(struct engine *engine, struct standing *standing, enum status status,
                             const char *message)
{
    uint64_t id = standing->id;
    forget_standing(engine, standing);
    engine->up.over(engine->up.arg, id, status, message);
}

/* Of what had been granted, in another session or until now. */
static void withdraw(struct engine *engine, struct standing *standing, enum status status,
                     const char *message)
{
    if (status_retryable(status) || status == STATUS_SUBSCRIPTION_EXPIRED)
        wheel_arm(&engine->wheel, &standing->again, engine->now + AGAIN_NS);
    else if (status != STATUS_OK && standing->kind == WIRE_SUBSCRIBE)
        end_subscription(engine, standing, status, message);
}

void controls_acknowledged(struct engine *engine, uint64_t id, enum status status,
                           const char *message)
{
    struct waiting *waiting = find_waiting(engine, id);
    struct standing *standing = waiting ? NULL : find_standing(engine, id);
    if (waiting)
        settle(engine, waiting, status, message);
    else if (standing)
        withdraw(engine, standing, status, message);
}

/* ---- waiting no longer ---- */

static void give_up_event(struct engine *engine, struct waiting *waiting)
{
    if (engine->state == ENGINE_LOST)
        settle(engine, waiting, STATUS_OUTCOME_UNKNOWN,
               "the connection was lost; the event may have been published");
    else
        settle(engine, waiting, STATUS_DEADLINE_EXCEEDED,
               "the broker did not answer in time; the event may have been published");
}

static void give_up_subscription(struct engine *engine, struct waiting *waiting)
{
    /* It may still be on its way, and would be granted. */
    wire_put_control(link_out(engine->link), waiting->id, 0, WIRE_UNSUBSCRIBE, NULL);
    settle(engine, waiting, STATUS_UNAVAILABLE, "the broker did not answer in time");
}

static void patience_over(struct timer *timer, void *arg)
{
    struct waiting *waiting = LIST_ENTRY(timer, struct waiting, patience);
    if (waiting->kind == WIRE_SUBSCRIBE)
        give_up_subscription(arg, waiting);
    else
        give_up_event(arg, waiting);
}

void engine_limit(struct engine *engine, uint64_t id, uint32_t timeout_ms, uint64_t now)
{
    struct waiting *newest = LIST_ENTRY(engine->waiting.prev, struct waiting, node);
    if (timeout_ms > 0 && !list_empty(&engine->waiting) && newest->id == id)
        wheel_arm(&engine->wheel, &newest->patience, now + timeout_ms * NS_PER_MS);
}

void controls_hurry(struct engine *engine)
{
    uint64_t latest = engine->now + LOST_PATIENCE_NS;
    for (struct list *node = engine->waiting.next; node != &engine->waiting; node = node->next) {
        struct waiting *waiting = LIST_ENTRY(node, struct waiting, node);
        if (waiting->patience.due > latest)
            wheel_arm(&engine->wheel, &waiting->patience, latest);
    }
}

/* ---- when a session ends ---- */

bool controls_rescued(struct engine *engine, uint64_t id)
{
    struct waiting *waiting = find_waiting(engine, id);
    if (waiting)
        waiting->session = engine->session;
    return waiting != NULL;
}

void controls_renew(struct engine *engine)
{
    for (struct list *node = engine->standing.next; node != &engine->standing; node = node->next) {
        struct standing *standing = LIST_ENTRY(node, struct standing, node);
        put_standing(engine, standing);
        (void)controls_rescued(engine, standing->id);
    }
}

/* What the loss of the session means for a control it had not answered. */
static void settle_lost(struct engine *engine, struct waiting *waiting)
{
    switch (waiting->kind) {
    case WIRE_PING:
        waiting->session = engine->session;
        wire_put_control(link_out(engine->link), waiting->id, 0, WIRE_PING, NULL);
        break;
    case WIRE_PUBLISH:
        settle(engine, waiting, STATUS_OUTCOME_UNKNOWN,
               "the session was lost; the event may have been published");
        break;
    default: /* to be undone, and gone with the session */
        settle(engine, waiting, STATUS_OK, "");
        break;
    }
}

static struct waiting *first_lost(const struct engine *engine)
{
    for (struct list *node = engine->waiting.next; node != &engine->waiting; node = node->next) {
        struct waiting *waiting = LIST_ENTRY(node, struct waiting, node);
        if (waiting->session != engine->session)
            return waiting;
    }
    return NULL;
}

void controls_settle(struct engine *engine)
{
    struct waiting *waiting;
    while ((waiting = first_lost(engine)) != NULL)
        settle_lost(engine, waiting);
}

void controls_give_up(struct engine *engine, enum status status, const char *why)
{
    struct list *node;
    while ((node = list_first(&engine->waiting)) != NULL)
        settle(engine, LIST_ENTRY(node, struct waiting, node), status, why);
}

static struct standing *first_subscription(const struct engine *engine)
{
    for (struct list *node = engine->standing.next; node != &engine->standing; node = node->next) {
        struct standing *standing = LIST_ENTRY(node, struct standing, node);
        if (standing->kind == WIRE_SUBSCRIBE)
            return standing;
    }
    return NULL;
}

void controls_end_standing(struct engine *engine, enum status status, const char *why)
{
    struct standing *standing;
    while ((standing = first_subscription(engine)) != NULL)
        end_subscription(engine, standing, status, why);
}

void controls_finish(struct engine *engine)
{
    struct list *node;
    while ((node = list_first(&engine->waiting)) != NULL) {
        struct waiting *waiting = LIST_ENTRY(node, struct waiting, node);
        wheel_disarm(&engine->wheel, &waiting->patience);
        list_remove(node);
        mem_free(waiting);
    }
    while ((node = list_first(&engine->standing)) != NULL)
        forget_standing(engine, LIST_ENTRY(node, struct standing, node));
}
