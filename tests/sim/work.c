#include "work.h"

#include "work_errands.h"
#include "world.h"

#define RETRY_NS (60 * NS_PER_MS)
#define REBIRTH_NS (100 * NS_PER_MS)

void *work_arg(unsigned number)
{
    return (void *)(uintptr_t)number;
}

unsigned work_number(const void *arg)
{
    return (unsigned)(uintptr_t)arg;
}

/* ---- registering ---- */

static void register_service(struct peer *peer, unsigned service)
{
    struct control control = {
        .kind = CONTROL_REGISTER, .peer = peer, .life = peer->life, .what = service};
    Farebox__V1__Register body = FAREBOX__V1__REGISTER__INIT;
    char *echo_only[] = {(char *)(uintptr_t)method_names[ECHO]};
    body.service = (char *)(uintptr_t)service_names[service];
    if (peer->owns) {
        body.tenant = (char *)(uintptr_t)tenant_names[peer->user->tenant];
        body.version = (char *)(uintptr_t)peer->user->name;
    }
    if (service == VAULT) {
        body.n_methods = 1;
        body.methods = echo_only;
    }
    if (dice_chance(&peer->world->dice, 400))
        body.capacity = 1 + dice_below(&peer->world->dice, 4);
    unsigned number = books_add_control(&peer->world->books, &control);
    engine_control(peer->engine, WIRE_REGISTER, 0, &body.base, work_arg(number));
}

static void register_later(struct world *world, void *arg, uint64_t stamp)
{
    struct peer *peer = arg;
    if (peer_stale(peer, stamp) || peer_postpones(world, peer, register_later, arg, stamp))
        return;
    register_service(peer, (uint32_t)stamp);
}

static void deregister(struct peer *peer, unsigned service)
{
    struct control control = {
        .kind = CONTROL_DEREGISTER, .peer = peer, .life = peer->life, .what = service};
    Farebox__V1__Deregister body = FAREBOX__V1__DEREGISTER__INIT;
    body.service = (char *)(uintptr_t)service_names[service];
    unsigned number = books_add_control(&peer->world->books, &control);
    engine_control(peer->engine, WIRE_DEREGISTER, 0, &body.base, work_arg(number));
}

/* Leaves, and comes back for the same service a little later. */
static void deregister_one(struct peer *peer)
{
    struct world *world = peer->world;
    unsigned service = dice_below(&world->dice, SERVICES);
    if (!(peer->serves & 1u << service))
        return;
    deregister(peer, service);
    agenda_add(&world->agenda, world->now + dice_below(&world->dice, RETRY_NS), register_later,
               peer, peer_stamp(peer, service));
}

static void on_acknowledged(void *arg, void *control_arg, enum status status, const char *message)
{
    struct peer *peer = arg;
    struct world *world = peer->world;
    struct control *control = &world->books.controls[work_number(control_arg)];
    TRACE(world, "%s: control %u acknowledged: %s %s", peer->user->name, work_number(control_arg),
          status_text(status), message);
    control->acknowledged++;
    control->status = status;
    observe_acknowledged(world, control, status);
    if (control->kind == CONTROL_REGISTER && status != STATUS_OK && status != STATUS_CANCELLED)
        agenda_add(&world->agenda, world->now + RETRY_NS, register_later, peer,
                   peer_stamp(peer, control->what));
    if (control->kind == CONTROL_LISTEN)
        work_listening_answered(peer, control);
}

/* ---- acting ---- */

static void ping(struct peer *peer)
{
    struct control control = {.kind = CONTROL_PING, .peer = peer, .life = peer->life};
    unsigned number = books_add_control(&peer->world->books, &control);
    engine_control(peer->engine, WIRE_PING, 0, NULL, work_arg(number));
}

static void call_some(struct peer *peer)
{
    struct called plan;
    struct call_extras extras;
    struct arena arena;
    arena_init(&arena);
    work_draw_call(peer, &plan, &extras, &arena);
    work_call(peer, &plan, &extras);
    arena_finish(&arena);
}

static void die(struct world *world, void *arg, uint64_t stamp)
{
    struct peer *peer = arg;
    if (peer_stale(peer, stamp))
        return;
    peer_kill(peer);
    peer_restart_at(peer, world->now + dice_below(&world->dice, REBIRTH_NS));
}

static void leave(struct peer *peer)
{
    struct world *world = peer->world;
    TRACE(world, "%s says goodbye", peer->user->name);
    SAW_IF(peer_ready(peer), world, LEFT);
    engine_goodbye(peer->engine, world->now);
    agenda_add(&world->agenda, world->now + REBIRTH_NS, die, peer, peer_stamp(peer, 0));
}

static void do_something(struct peer *peer)
{
    unsigned what = dice_below(&peer->world->dice, 100);
    if (peer->calls && work_errand(peer))
        return;
    if (!peer->calls)
        what < 80 ? work_replay(peer) : deregister_one(peer);
    else if (what < 57)
        call_some(peer);
    else if (what < 60)
        work_replay(peer);
    else if (what < 63)
        work_repeat(peer);
    else if (what < 82)
        work_publish_some(peer);
    else if (what < 88)
        work_cancel_some(peer);
    else if (what < 94)
        work_listen_some(peer);
    else if (what < 98)
        work_administer(peer);
    else if (what < 99 || dice_chance(&peer->world->dice, 800))
        ping(peer);
    else
        leave(peer);
}

static void act(struct world *world, void *arg, uint64_t stamp)
{
    struct peer *peer = arg;
    if (peer_stale(peer, stamp) || world->phase != PHASE_BUSY ||
        peer_postpones(world, peer, act, arg, stamp))
        return;
    bool cork = peer->engine && dice_chance(&world->dice, 300);
    if (cork)
        engine_cork(peer->engine);
    for (unsigned n = 1 + dice_below(&world->dice, 4); n > 0; n--) {
        if (peer->raw)
            peer->raw->act(world, peer);
        else
            do_something(peer);
    }
    if (cork)
        engine_uncork(peer->engine, world->now);
    uint64_t pause = dice_between(&world->dice, NS_PER_MS, world->pace);
    agenda_add(&world->agenda, world->now + (peer->calls || peer->raw ? pause : 4 * pause), act,
               peer, stamp);
}

void work_born(struct peer *peer)
{
    for (unsigned service = 0; service < SERVICES; service++) {
        if (peer->serves & 1u << service)
            register_service(peer, service);
    }
    agenda_add(&peer->world->agenda, peer->world->now + NS_PER_MS, act, peer, peer_stamp(peer, 0));
}

/* ---- what the engine tells ---- */

static void retire(struct world *world, void *arg, uint64_t stamp)
{
    struct peer *peer = arg;
    (void)world;
    if (!peer_stale(peer, stamp))
        peer_kill(peer);
}

static void on_refused(struct peer *peer, const char *why)
{
    struct world *world = peer->world;
    peer->refused_at = world->now;
    SAW(world, TOKEN_ENDED);
    if (!world_expired(world, peer->user))
        promise_broken(world, PROMISE_LIVENESS, "%s is refused: %s", peer->user->name, why);
    agenda_add(&world->agenda, world->now + REBIRTH_NS, retire, peer, peer_stamp(peer, 0));
}

static void on_state(void *arg, enum engine_state state, const char *why)
{
    static const char *const texts[] = {"down", "greeting", "ready", "lost", "refused", "closed"};
    struct peer *peer = arg;
    TRACE(peer->world, "%s is %s %s", peer->user->name, texts[state], why);
    SAW_IF(state == ENGINE_READY && strcmp(why, "resumed") == 0, peer->world, RESUMED);
    SAW_IF(state == ENGINE_GREETING && peer->session > peer->life, peer->world, RENEWED);
    if (state == ENGINE_DOWN || state == ENGINE_GREETING)
        peer->session++;
    if (state == ENGINE_REFUSED)
        on_refused(peer, why);
}

static void on_reply(void *arg, void *call_arg, const struct wire_reply *reply)
{
    struct peer *peer = arg;
    unsigned number = work_number(call_arg);
    work_replied(peer, number, reply);
    if (peer->world->books.calls[number].builtin) {
        work_admin_replied(peer, number, reply);
        work_errand_replied(peer, number, reply);
    }
    work_nested_over(peer, number, reply);
}

static void on_part(void *arg, void *call_arg, const struct wire_part *part)
{
    struct peer *peer = arg;
    observe_part(peer->world, peer, work_number(call_arg), part);
}

static void on_request(void *arg, uint64_t id, const struct wire_request *request,
                       struct slice credential)
{
    work_serve(arg, id, request, credential);
}

static void on_cancel(void *arg, uint64_t id)
{
    const struct peer *peer = arg;
    TRACE(peer->world, "%s is told to stop %llx", peer->user->name, (unsigned long long)id);
}

static void on_delivery(void *arg, uint64_t subscription, const struct wire_delivery *delivery,
                        struct slice credential)
{
    work_delivered(arg, subscription, delivery, credential);
}

static void on_over(void *arg, uint64_t subscription, enum status status, const char *message)
{
    work_listening_over(arg, subscription, status, message);
}

static void on_drain(void *arg)
{
    const struct peer *peer = arg;
    TRACE(peer->world, "%s hears that the broker drains", peer->user->name);
}

struct engine_upcalls work_upcalls(struct peer *peer)
{
    return (struct engine_upcalls){
        .arg = peer,
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
