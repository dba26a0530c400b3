/* work_one_shot.c - a peer of ten lines in any nng binding: no session, one envelope a
 * frame, its token with each. */
#include "message.h"
#include "work.h"
#include "world.h"

#include "base/mem.h"

static uint32_t put_token(struct wire_out *out, const struct user *user)
{
    struct arena arena;
    arena_init(&arena);
    const struct wire_credential token = {.token = slice_of(user->token)};
    uint32_t index = wire_put_credential(out, wire_write_credential(&token, &arena));
    arena_finish(&arena);
    return index;
}

static void send_out(struct peer *peer, unsigned slot, struct wire_out *out)
{
    peer_send(peer, slot, wire_seal_frame(out, &(struct wire_head){0}));
}

static void call(struct peer *peer, unsigned slot, struct wire_out *out)
{
    struct world *world = peer->world;
    struct call_extras extras;
    struct called plan;
    struct arena arena;
    struct buf payload = {0};

    arena_init(&arena);
    work_draw_call(peer, &plan, &extras, &arena);
    plan.one_shot = true;
    plan.keyed = false;
    plan.made_at = world->now;
    plan.made_in = world_month(world);
    plan.stream = false;
    if (extras.credential.len == 0 && dice_chance(&world->dice, 50))
        plan.forbidden = true;
    else if (extras.credential.len == 0)
        put_token(out, peer->user);
    uint32_t index =
        extras.credential.len ? wire_put_credential(out, extras.credential) : out->n_credentials;
    unsigned number = books_add_call(&world->books, &plan);
    struct wire_request request = work_request_of(&plan, number, &extras, &payload);
    TRACE(world, "%s calls %s.%s at one go: call %u", peer->user->name, service_names[plan.service],
          method_names[plan.method], number);
    wire_put_request(out, number, index, &request);
    peer->recent[slot] = number;
    send_out(peer, slot, out);
    buf_finish(&payload);
    arena_finish(&arena);
}

static void publish(struct peer *peer, unsigned slot, struct wire_out *out)
{
    struct world *world = peer->world;
    struct buf payload = {0};
    unsigned topic = dice_below(&world->dice, n_topics);
    const struct published plan = {
        .publisher = peer,
        .tenant = peer->user->tenant,
        .topic = topic,
        .forbidden = !user_may_publish(peer->user, topics[topic].class),
    };
    unsigned number = books_add_event(&world->books, &plan);
    const struct message message = {plan.tenant, MESSAGE_EVENT, number, 60};
    message_write(&payload, &message);
    const struct wire_publish body = {.topic = slice_of(topics[topic].text),
                                      .payload = buf_slice(&payload)};
    wire_put_publish(out, number, put_token(out, peer->user), &body);
    peer->recent[slot] = 0;
    send_out(peer, slot, out);
    buf_finish(&payload);
}

static void act(struct world *world, struct peer *peer)
{
    unsigned slot = peer_free_slot(peer);
    struct wire_out out;
    if (slot == PEER_SLOTS || peer->pipe == 0)
        return;
    wire_out_init(&out);
    if (dice_chance(&world->dice, 800))
        call(peer, slot, &out);
    else
        publish(peer, slot, &out);
    wire_out_finish(&out);
}

static void over(struct peer *peer, unsigned slot, const struct wire_reply *reply)
{
    if (peer->recent[slot])
        work_replied(peer, peer->recent[slot], reply);
    peer->recent[slot] = 0;
}

static void on_answer(struct world *world, struct peer *peer, unsigned slot, struct slice bytes)
{
    struct wire_frame frame;
    struct wire_envelope envelope;
    struct arena arena;
    const struct wire_reply no_reply = {.status = STATUS_UNAVAILABLE};

    arena_init(&arena);
    if (wire_read_frame(&frame, bytes, &arena) < 0 || frame.n_envelopes != 1 ||
        wire_next(&frame, &envelope, &arena) != 1)
        promise_broken(world, PROMISE_ONE_OUTCOME, "%s cannot read its answer", peer->user->name);
    else if (envelope.kind == WIRE_REPLY && envelope.id != peer->recent[slot])
        promise_broken(world, PROMISE_ONE_OUTCOME, "%s got another's reply", peer->user->name);
    else
        over(peer, slot, envelope.kind == WIRE_REPLY ? &envelope.reply : &no_reply);
    arena_finish(&arena);
}

static void on_failed(struct world *world, struct peer *peer, unsigned slot)
{
    (void)world;
    over(peer, slot, &(struct wire_reply){.status = STATUS_OUTCOME_UNKNOWN});
}

static void on_up(struct world *world, struct peer *peer)
{
    (void)world;
    (void)peer;
}

const struct raw_role role_one_shot = {
    .up = on_up,
    .answer = on_answer,
    .failed = on_failed,
    .act = act,
};
