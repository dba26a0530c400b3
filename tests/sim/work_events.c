#include "message.h"
#include "work.h"
#include "world.h"

#include "base/mem.h"

#define MARKER_TOPIC 0u /* news.a */
#define MARKER_PAUSE_NS (50 * NS_PER_MS)

/* ---- publishing ---- */

void work_publish(struct peer *peer, const struct published *plan, struct slice credential)
{
    struct world *world = peer->world;
    struct buf payload = {0};
    unsigned number = books_add_event(&world->books, plan), control = 0;
    const struct message message = {plan->tenant, MESSAGE_EVENT, number,
                                    plan->marker ? 0 : work_draw_length(world)};
    if (message.length > world->bus.limits.max_payload_bytes)
        world->books.events[number].forbidden = true;
    message_write(&payload, &message);
    struct wire_publish publish = {
        .topic = slice_of(topics[plan->topic].text),
        .payload = buf_slice(&payload),
        .tenant = slice_of(plan->named),
        .confirm = dice_chance(&world->dice, 200),
    };
    if (publish.confirm)
        control = books_add_control(&world->books, &(struct control){.kind = CONTROL_PUBLISH,
                                                                     .peer = peer,
                                                                     .life = peer->life,
                                                                     .what = number});
    TRACE(world, "%s publishes event %u in %s on %s%s", peer->user->name, number,
          tenant_names[plan->tenant], topics[plan->topic].text,
          plan->forbidden ? ", must be refused" : "");
    engine_publish(peer->engine, &publish, credential, work_arg(control));
    buf_finish(&payload);
}

void work_publish_some(struct peer *peer)
{
    unsigned topic = dice_below(&peer->world->dice, n_topics);
    struct published plan = {
        .publisher = peer,
        .tenant = peer->user->tenant,
        .topic = topic,
        .forbidden = !user_may_publish(peer->user, topics[topic].class) ||
                     world_expired(peer->world, peer->user),
    };
    if (dice_chance(&peer->world->dice, 50)) {
        unsigned named = dice_below(&peer->world->dice, TENANTS);
        plan.named = tenant_names[named];
        plan.forbidden = plan.forbidden || named != plan.tenant;
    }
    work_publish(peer, &plan, slice_make(NULL, 0));
}

void work_publish_for(struct peer *peer, const struct user *user, struct slice credential)
{
    unsigned topic = dice_below(&peer->world->dice, n_topics);
    unsigned class = topics[topic].class;
    const struct published plan = {
        .publisher = peer,
        .tenant = user->tenant,
        .topic = topic,
        .forbidden = (!user_may_publish(user, class) && !user_may_publish(peer->user, class)) ||
                     world_expired(peer->world, user),
    };
    work_publish(peer, &plan, credential);
}

static void mark(struct world *world, void *arg, uint64_t stamp)
{
    struct peer *peer = arg;
    const struct published plan = {
        .publisher = peer, .tenant = peer->user->tenant, .topic = MARKER_TOPIC, .marker = true};
    if (!peer_stale(peer, stamp) && !world_expired(world, peer->user))
        work_publish(peer, &plan, slice_make(NULL, 0));
}

/* One after the other, so that no outbox overflows. */
void work_markers(struct world *world)
{
    for (unsigned i = 0; i < world->n_peers; i++) {
        struct peer *peer = &world->peers[i];
        if (peer->engine && user_may_publish(peer->user, topics[MARKER_TOPIC].class))
            agenda_add(&world->agenda, world->now + i * MARKER_PAUSE_NS, mark, peer,
                       peer_stamp(peer, 0));
    }
}

/* ---- listening ---- */

bool work_listens(const struct listening *listening)
{
    return listening->accepted && !listening->ended && listening->peer->alive &&
           listening->peer->life == listening->life && !listening->peer->refused_at;
}

static void listen(struct peer *peer)
{
    struct world *world = peer->world;
    struct listening plan = {
        .peer = peer,
        .life = peer->life,
        .tenant = peer->user->tenant,
    };
    plan.pattern = dice_below(&world->dice, n_patterns);
    plan.group = dice_chance(&world->dice, 400) ? 1 + dice_below(&world->dice, GROUPS) : 0;
    plan.across = dice_chance(&world->dice, peer->user->across ? 600 : 30);
    const struct subject *pattern = &patterns[plan.pattern];
    plan.forbidden =
        !user_may_hear(peer->user, pattern->class) || (plan.across && !peer->user->across);
    unsigned number = books_add_listening(&world->books, &plan);
    world->books.listenings[number].id = number;

    Farebox__V1__Subscribe body = FAREBOX__V1__SUBSCRIBE__INIT;
    body.pattern = (char *)(uintptr_t)pattern->text;
    body.group = (char *)(uintptr_t)group_names[plan.group];
    body.tenant = (char *)(uintptr_t)(plan.across ? "*" : "");
    const struct control control = {
        .kind = CONTROL_LISTEN, .peer = peer, .life = peer->life, .what = number};
    unsigned waiting = books_add_control(&world->books, &control);
    TRACE(world, "%s listens to %s%s as %u%s", peer->user->name, plan.across ? "*/" : "",
          pattern->text, number, plan.forbidden ? ", must be refused" : "");
    engine_control(peer->engine, WIRE_SUBSCRIBE, number, &body.base, work_arg(waiting));
}

static void unlisten(struct peer *peer)
{
    struct world *world = peer->world;
    if (world->books.n_listenings == 0)
        return;
    unsigned number = 1 + dice_below(&world->dice, world->books.n_listenings);
    struct listening *listening = &world->books.listenings[number];
    if (listening->peer != peer || !work_listens(listening))
        return;
    const struct control control = {
        .kind = CONTROL_UNLISTEN, .peer = peer, .life = peer->life, .what = number};
    unsigned waiting = books_add_control(&world->books, &control);
    listening->ended = true;
    TRACE(world, "%s no longer listens as %u", peer->user->name, number);
    engine_control(peer->engine, WIRE_UNSUBSCRIBE, number, NULL, work_arg(waiting));
}

void work_listen_some(struct peer *peer)
{
    if (dice_chance(&peer->world->dice, 700))
        listen(peer);
    else
        unlisten(peer);
}

/* The session has changed: what came between the two nobody has promised. */
static void begin_account(struct listening *listening, uint32_t session)
{
    listening->session = session;
    listening->pinned = false;
    listening->heard_at = 0;
}

void work_listening_answered(struct peer *peer, struct control *control)
{
    struct listening *listening = &peer->world->books.listenings[control->what];
    listening->accepted = control->status == STATUS_OK;
    begin_account(listening, peer->session);
    if (listening->accepted)
        listening->heard_at = peer->world->bus.n_log + 1;
}

/* Nobody's rights change here, so that only the end of a token is a reason. */
void work_listening_over(struct peer *peer, uint64_t subscription, enum status status,
                         const char *message)
{
    struct world *world = peer->world;
    TRACE(world, "%s hears that %llu is over: %s", peer->user->name,
          (unsigned long long)subscription, message);
    world->books.listenings[subscription].ended = true;
    if (status != STATUS_UNAUTHENTICATED || !world_expired(world, peer->user))
        promise_broken(world, PROMISE_LIVENESS, "%s listens no more: %s", peer->user->name,
                       message);
}

static void keep_context_of(struct peer *peer, const struct wire_delivery *delivery,
                            struct slice credential)
{
    struct cast *cast = &peer->world->cast;
    const struct hoarded what = {.user = cast_find(cast, delivery->user), .event = true};
    if (what.user && credential.len > 0)
        work_keep(peer, &what, credential);
}

void work_delivered(struct peer *peer, uint64_t subscription, const struct wire_delivery *delivery,
                    struct slice credential)
{
    struct world *world = peer->world;
    if (subscription == 0 || subscription > world->books.n_listenings) {
        promise_broken(world, PROMISE_EVENT_MATCH, "delivery for no subscription");
        return;
    }
    struct listening *listening = &world->books.listenings[subscription];
    TRACE(world, "%s hears %.*s, event %llu of the broker, as %llu, missed %llu", peer->user->name,
          SLICE_FMT(delivery->topic), (unsigned long long)delivery->sequence,
          (unsigned long long)subscription, (unsigned long long)delivery->missed);
    if (listening->session != peer->session)
        begin_account(listening, peer->session);
    world->books.deliveries++;
    listening->delivered++;
    keep_context_of(peer, delivery, credential);
    observe_delivered(world, peer, listening, delivery);
    listening->pinned = true;
    listening->sequence = delivery->sequence;
}
