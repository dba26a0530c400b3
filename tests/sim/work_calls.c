#include "keyed.h"
#include "message.h"
#include "work.h"
#include "world.h"

#include "base/mem.h"

#include <stdio.h>

#define SMALL_LENGTH 200u
#define LARGE_LENGTH 6000u
#define BULK_LENGTH 70000u
#define MANY 12u
#define AROUND_NS (30 * NS_PER_MS)
#define PROBE_TIMEOUT_MS 1000u
#define PROBE_PAUSE_NS (50 * NS_PER_MS)
#define PROBE_FIRST_NS (25 * NS_PER_MS) /* between the markers: an outbox may hold little */

/* ---- drawing one ---- */

static unsigned draw_weighted(struct dice *dice, const unsigned *weights, unsigned count)
{
    unsigned sum = 0, at = 0;
    for (unsigned i = 0; i < count; i++)
        sum += weights[i];
    for (unsigned left = dice_below(dice, sum); left >= weights[at]; at++)
        left -= weights[at];
    return at;
}

size_t work_draw_length(struct world *world)
{
    unsigned largest = world->bulk ? BULK_LENGTH : LARGE_LENGTH;
    bool large = dice_chance(&world->dice, world->bulk ? 500 : 80);
    return dice_below(&world->dice, large ? largest : SMALL_LENGTH);
}

static void draw_what(struct world *world, struct called *plan)
{
    struct dice *dice = &world->dice;
    static const unsigned services[SERVICES] = {50, 25, 20, 5};
    static const unsigned methods[METHODS] = {50, 8, 15, 4, 2, 11, 10};
    plan->service = draw_weighted(dice, services, SERVICES);
    plan->method = draw_weighted(dice, methods, METHODS);
    plan->length = work_draw_length(world);
    plan->timeout_ms = dice_chance(dice, 100) ? 0 : (uint32_t)dice_between(dice, 5, 1500);
    plan->idempotent = dice_chance(dice, 300);
    plan->stream = plan->method == STREAM ? dice_chance(dice, 900) : dice_chance(dice, 50);
}

static struct slice token_credential(const char *token, struct arena *arena)
{
    const struct wire_credential credential = {.token = slice_of(token)};
    return wire_write_credential(&credential, arena);
}

/* A client may hold other tokens of its tenant; a gateway those of everyone. */
static const struct user *another_user(struct peer *peer)
{
    struct cast *cast = &peer->world->cast;
    const struct user *other = &cast->users[dice_below(&peer->world->dice, cast->n_users)];
    return peer->sees_all || other->tenant == peer->user->tenant ? other : peer->user;
}

static void draw_for_whom(struct peer *peer, struct called *plan, struct call_extras *extras,
                          struct arena *arena)
{
    unsigned odd = dice_below(&peer->world->dice, 100);
    if (odd < (peer->sees_all ? 50 : 10)) {
        plan->user = another_user(peer);
        extras->credential = token_credential(plan->user->token, arena);
    } else if (odd >= 97) {
        extras->credential = token_credential("no-such-token", arena);
        plan->forbidden = true;
    } else if (odd >= 94) {
        unsigned named = dice_below(&peer->world->dice, TENANTS);
        extras->tenant = tenant_names[named];
        plan->forbidden = named != plan->user->tenant;
    }
}

bool work_must_refuse(const struct world *world, const struct called *plan)
{
    bool permitted = user_may_call(plan->user, plan->service, plan->method) ||
                     (plan->actor && user_may_call(plan->actor, plan->service, plan->method));
    bool known = plan->service != GHOST && (plan->service != VAULT || plan->method == ECHO);
    return !permitted || !known || world_expired(world, plan->user) ||
           plan->length > world->bus.limits.max_payload_bytes ||
           plan->depth > world->bus.limits.call_depth;
}

void work_draw_call(struct peer *peer, struct called *plan, struct call_extras *extras,
                    struct arena *arena)
{
    *plan = (struct called){.caller = peer, .life = peer->life, .user = peer->user};
    *extras = (struct call_extras){0};
    draw_what(peer->world, plan);
    draw_for_whom(peer, plan, extras, arena);
    plan->forbidden = plan->forbidden || work_must_refuse(peer->world, plan);
    bool usual = !plan->forbidden && !plan->stream && plan->user == peer->user;
    bool short_enough =
        plan->length + 2 * KEYED_ANSWER_BYTES < peer->world->bus.limits.max_payload_bytes;
    plan->keyed = usual && short_enough && dice_chance(&peer->world->dice, 200);
}

/* ---- making one ---- */

struct wire_request work_request_of(const struct called *called, unsigned number,
                                    const struct call_extras *extras, struct buf *payload)
{
    const struct message message = {called->user->tenant, MESSAGE_CALL,
                                    called->key ? called->key : number, called->length};
    message_write(payload, &message);
    return (struct wire_request){
        .service = slice_of(service_names[called->service]),
        .method = slice_of(method_names[called->method]),
        .payload = buf_slice(payload),
        .timeout_ms = called->timeout_ms,
        .idempotent = called->idempotent,
        .stream = called->stream,
        .parent = extras->parent,
        .tenant = slice_of(extras->tenant),
    };
}

static void remember_recent(struct peer *peer, unsigned number)
{
    unsigned cap = sizeof peer->recent / sizeof *peer->recent;
    peer->recent[peer->n_recent++ % cap] = number;
}

unsigned work_call(struct peer *peer, const struct called *plan, const struct call_extras *extras)
{
    struct world *world = peer->world;
    struct buf payload = {0};
    char key[16] = "";
    unsigned number = books_add_call(&world->books, plan);
    struct called *called = &world->books.calls[number];
    called->made_at = world->now;
    called->made_in = world_month(world);
    if (called->keyed && !called->key)
        called->key = number;
    struct wire_request request = work_request_of(called, number, extras, &payload);
    if (called->keyed)
        snprintf(key, sizeof key, "%u", called->key);
    request.idempotency_key = slice_of(key);
    TRACE(world, "%s calls %s.%s for %s: call %u, %u ms%s%s, key '%s'", peer->user->name,
          service_names[plan->service], method_names[plan->method], plan->user->name, number,
          plan->timeout_ms, plan->forbidden ? ", must be refused" : "",
          plan->idempotent ? ", idempotent" : "", key);
    uint64_t id =
        engine_call(peer->engine, &request, extras->credential, work_arg(number), world->now);
    world->books.calls[number].id = id;
    remember_recent(peer, number);
    buf_finish(&payload);
    return number;
}

/* One that may be repeated is made again after each death of the broker or of a session. */
unsigned work_times_made(const struct world *world, const struct called *called)
{
    return called->idempotent ? world->bus.boot + called->caller->session : 1;
}

void work_repeat(struct peer *peer)
{
    struct world *world = peer->world;
    unsigned cap = sizeof peer->recent / sizeof *peer->recent;
    unsigned number = peer->recent[dice_below(&world->dice, cap)];
    const struct called *first = number > 0 ? &world->books.calls[number] : NULL;
    if (!first || !first->keyed)
        return;
    struct called plan = {.caller = peer,
                          .life = peer->life,
                          .user = first->user,
                          .service = first->service,
                          .method = first->method,
                          .idempotent = first->idempotent,
                          .keyed = true,
                          .key = first->key,
                          .length = first->length,
                          .timeout_ms = first->timeout_ms};
    plan.forbidden = work_must_refuse(world, &plan);
    work_call(peer, &plan, &(struct call_extras){0});
}

void work_cancel_some(struct peer *peer)
{
    struct world *world = peer->world;
    unsigned cap = sizeof peer->recent / sizeof *peer->recent;
    unsigned number = peer->recent[dice_below(&world->dice, cap)];
    struct called *called = number > 0 ? &world->books.calls[number] : NULL;
    if (!called || called->life != peer->life || called->outcomes > 0)
        return;
    TRACE(world, "%s cancels call %u", peer->user->name, number);
    called->cancelled = true;
    engine_cancel(peer->engine, called->id, world->now);
}

static void call_often(struct world *world, void *arg, uint64_t method)
{
    (void)arg;
    for (unsigned i = 0; world->phase == PHASE_BUSY && i < world->n_peers; i++) {
        struct peer *peer = &world->peers[i];
        struct called plan = {.caller = peer,
                              .life = peer->life,
                              .user = peer->user,
                              .service = ORDERS,
                              .method = (enum method_name)method,
                              .length = 50,
                              .timeout_ms = PROBE_TIMEOUT_MS};
        bool busy = peer->calls && peer->alive && peer->engine && peer->frozen_until <= world->now;
        plan.forbidden = busy && work_must_refuse(world, &plan);
        for (unsigned n = busy ? dice_below(&world->dice, MANY) : 0; n > 0; n--)
            work_call(peer, &plan, &(struct call_extras){0});
    }
}

void work_month_ends(struct world *world, uint64_t at)
{
    agenda_add(&world->agenda, at - AROUND_NS, call_often, NULL, SLOW);
    agenda_add(&world->agenda, at + AROUND_NS, call_often, NULL, ECHO);
}

static void probe(struct world *world, void *arg, uint64_t stamp)
{
    struct peer *peer = arg;
    if (peer_stale(peer, stamp))
        return;
    struct called plan = {.caller = peer,
                          .life = peer->life,
                          .user = peer->user,
                          .service = ORDERS,
                          .method = ECHO,
                          .length = 50,
                          .timeout_ms = PROBE_TIMEOUT_MS};
    plan.forbidden = work_must_refuse(world, &plan);
    plan.probe = !plan.forbidden;
    work_call(peer, &plan, &(struct call_extras){0});
}

/* One after the other, so that the smallest capacity will do. */
void work_probes(struct world *world)
{
    for (unsigned i = 0; i < world->n_peers; i++) {
        struct peer *peer = &world->peers[i];
        if (peer->calls)
            agenda_add(&world->agenda, world->now + PROBE_FIRST_NS + i * PROBE_PAUSE_NS, probe,
                       peer, peer_stamp(peer, 0));
    }
}

/* ---- outcomes ---- */

static bool is_known(const struct books *books, const struct called *called, size_t answer)
{
    for (unsigned number = called->key; number <= books->n_calls; number++) {
        if (books->calls[number].key == called->key && books->calls[number].answer == answer)
            return true;
    }
    return false;
}

static void remember_answer(struct world *world, struct called *called, size_t length)
{
    struct called *first = &world->books.calls[called->key];
    struct keyed_answer *answer = &first->answers[keyed_answer_by_its_own(first, length)];
    called->answered_again = is_known(&world->books, called, length);
    called->answer = length;
    if (answer->length == 0)
        *answer = (struct keyed_answer){length, world->bus.boot};
}

void work_replied(struct peer *peer, unsigned number, const struct wire_reply *reply)
{
    struct world *world = peer->world;
    if (number == 0 || number > world->books.n_calls) {
        promise_broken(world, PROMISE_ONE_OUTCOME, "reply for a call never made: %u", number);
        return;
    }
    struct called *called = &world->books.calls[number];
    called->outcomes++;
    called->status = reply->status;
    called->ended_at = world->now;
    called->ended_in = world_month(world);
    TRACE(world, "%s: call %u ends: %s %.*s", peer->user->name, number, status_text(reply->status),
          SLICE_FMT(reply->message));
    observe_answered(world, peer, number, reply);
    if (called->keyed && reply->status == STATUS_OK)
        remember_answer(world, called, reply->payload.len);
}
