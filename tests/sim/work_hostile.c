/* work_hostile.c - a peer with a valid token and bad intentions: spoilt, repeated and
 * senseless frames, sessions that are not its own, other tenants' names, forged and stolen
 * seals, answers to calls it was never given. */
#include "message.h"
#include "work.h"
#include "world.h"

#include "base/mem.h"

static struct slice own_bytes(struct peer *peer, struct buf *room)
{
    const struct message message = {peer->user->tenant, MESSAGE_HOSTILE, 0,
                                    dice_below(&peer->world->dice, 100)};
    message_write(room, &message);
    return buf_slice(room);
}

static uint32_t put_bad_credential(struct peer *peer, struct wire_out *out)
{
    struct world *world = peer->world;
    const struct hoarded *stolen = books_any_hoarded(&world->books, &world->dice);
    struct buf bytes = {0};
    if (!stolen)
        return 0;
    buf_append(&bytes, stolen->credential.data, stolen->credential.len);
    for (unsigned flips = dice_below(&world->dice, 3); flips > 0; flips--)
        flip_a_bit(&world->dice, &bytes);
    uint32_t index = wire_put_credential(out, buf_slice(&bytes));
    buf_finish(&bytes);
    return index;
}

/* A call's id is a slot and a generation: not hard to guess. */
static uint64_t guess_call(struct dice *dice)
{
    uint64_t generation = 1 + dice_below(dice, 40);
    return generation << 32 | dice_below(dice, 30);
}

static void put_request(struct peer *peer, struct wire_out *out, struct slice payload)
{
    struct dice *dice = &peer->world->dice;
    struct wire_request request = {.payload = payload};
    request.service = slice_of(service_names[dice_below(dice, SERVICES)]);
    request.method = slice_of(method_names[dice_below(dice, METHODS)]);
    request.timeout_ms = dice_below(dice, 1000);
    request.stream = dice_chance(dice, 300);
    if (dice_chance(dice, 300))
        request.tenant = slice_of(tenant_names[dice_below(dice, TENANTS)]);
    if (dice_chance(dice, 200))
        request.parent = guess_call(dice);
    if (dice_chance(dice, 100))
        request.service = slice_of("../orders");
    uint32_t credential = dice_chance(dice, 300) ? put_bad_credential(peer, out) : 0;
    wire_put_request(out, dice_below(dice, 6), credential, &request);
}

static void put_publish(struct peer *peer, struct wire_out *out, struct slice payload)
{
    struct dice *dice = &peer->world->dice;
    struct wire_publish publish = {.payload = payload};
    publish.topic = slice_of(topics[dice_below(dice, n_topics)].text);
    publish.confirm = dice_chance(dice, 500);
    if (dice_chance(dice, 300))
        publish.tenant = slice_of(tenant_names[dice_below(dice, TENANTS)]);
    uint32_t credential = dice_chance(dice, 300) ? put_bad_credential(peer, out) : 0;
    wire_put_publish(out, dice_below(dice, 6), credential, &publish);
}

static void put_subscribe(struct peer *peer, struct wire_out *out)
{
    struct dice *dice = &peer->world->dice;
    Farebox__V1__Subscribe body = FAREBOX__V1__SUBSCRIBE__INIT;
    body.pattern = (char *)(uintptr_t)patterns[dice_below(dice, n_patterns)].text;
    if (dice_chance(dice, 500))
        body.tenant = (char *)(uintptr_t)tenant_names[dice_below(dice, TENANTS)];
    else if (dice_chance(dice, 300))
        body.tenant = (char *)(uintptr_t) "*";
    wire_put_control(out, dice_below(dice, 6), 0, WIRE_SUBSCRIBE, &body.base);
}

static void put_register(struct peer *peer, struct wire_out *out)
{
    struct dice *dice = &peer->world->dice;
    Farebox__V1__Register body = FAREBOX__V1__REGISTER__INIT;
    body.service = (char *)(uintptr_t)service_names[dice_below(dice, SERVICES)];
    if (dice_chance(dice, 500))
        body.tenant = (char *)(uintptr_t)tenant_names[dice_below(dice, TENANTS)];
    wire_put_control(out, dice_below(dice, 6), 0, WIRE_REGISTER, &body.base);
}

static void put_answer_to_another(struct peer *peer, struct wire_out *out, struct slice payload)
{
    struct dice *dice = &peer->world->dice;
    const struct wire_reply reply = {.status = STATUS_OK, .payload = payload};
    const struct wire_part part = {.payload = payload};
    uint64_t guessed = guess_call(dice);
    if (dice_chance(dice, 700))
        wire_put_reply(out, guessed, &reply);
    else
        wire_put_part(out, guessed, &part);
}

enum { BARE_HARMLESS = 3, BARE_KINDS = 5 }; /* the others end the session */

static void put_bare(struct dice *dice, struct wire_out *out, unsigned kinds)
{
    static const enum wire_kind bare[BARE_KINDS] = {WIRE_CANCEL, WIRE_UNSUBSCRIBE, WIRE_PING,
                                                    WIRE_DRAIN, WIRE_GOODBYE};
    enum wire_kind kind = bare[dice_below(dice, kinds)];
    wire_put_control(out, dice_below(dice, 6), 0, kind, NULL);
}

static void put_something(struct peer *peer, struct wire_out *out)
{
    struct dice *dice = &peer->world->dice;
    struct buf room = {0};
    struct slice payload = own_bytes(peer, &room);
    unsigned what = dice_below(dice, 100);
    if (what < 35)
        put_request(peer, out, payload);
    else if (what < 50)
        put_publish(peer, out, payload);
    else if (what < 65)
        put_subscribe(peer, out);
    else if (what < 75)
        put_register(peer, out);
    else if (what < 90)
        put_answer_to_another(peer, out, payload);
    else
        put_bare(dice, out, what < 98 ? BARE_HARMLESS : BARE_KINDS);
    buf_finish(&room);
}

/* ---- frames ---- */

static void hello(struct peer *peer, struct wire_out *out)
{
    Farebox__V1__Hello body = FAREBOX__V1__HELLO__INIT;
    body.token = (char *)(uintptr_t)peer->user->token;
    body.name = (char *)(uintptr_t)peer->user->name;
    body.protocol = 1;
    wire_put_control(out, 0, 0, WIRE_HELLO, &body.base);
}

static void spoil(struct dice *dice, struct buf *bytes)
{
    if (dice_chance(dice, 300)) {
        bytes->len = dice_below(dice, (unsigned)bytes->len + 1);
        return;
    }
    for (unsigned flips = 1 + dice_below(dice, 4); flips > 0 && bytes->len > 0; flips--)
        flip_a_bit(dice, bytes);
}

static struct wire_head head_of(struct peer *peer)
{
    struct dice *dice = &peer->world->dice;
    struct wire_head head = {.session = peer->session_id, .acknowledged = peer->heard};
    if (dice_chance(dice, 10))
        head.acknowledged += dice_below(dice, 100);
    if (dice_chance(dice, 100))
        head.sequence = dice_below(dice, 60);
    else
        head.sequence = ++peer->sequence;
    if (dice_chance(dice, 10)) /* a session there is not */
        peer->session_id[dice_below(dice, 16)] ^= 1;
    return head;
}

static void act(struct world *world, struct peer *peer)
{
    struct dice *dice = &world->dice;
    unsigned slot = peer_free_slot(peer);
    struct wire_out out;
    struct buf bytes = {0};
    if (slot == PEER_SLOTS || peer->pipe == 0)
        return;
    wire_out_init(&out);
    uint64_t before = peer->sequence;
    struct wire_head head = {0};
    if (!peer->greeted) {
        hello(peer, &out);
    } else {
        for (unsigned n = 1 + dice_below(dice, 4); n > 0; n--)
            put_something(peer, &out);
        head = dice_chance(dice, 900) ? head_of(peer) : head;
    }
    struct slice frame = wire_seal_frame(&out, &head);
    buf_append(&bytes, frame.data, frame.len);
    if (dice_chance(dice, 150)) {
        spoil(dice, &bytes);
        peer->sequence = before; /* or whatever follows would wait for it */
    }
    peer_send(peer, slot, buf_slice(&bytes));
    if (dice_chance(dice, 100) && (slot = peer_free_slot(peer)) < PEER_SLOTS)
        peer_send(peer, slot, buf_slice(&bytes));
    buf_finish(&bytes);
    wire_out_finish(&out);
}

static void on_answer(struct world *world, struct peer *peer, unsigned slot, struct slice bytes)
{
    struct wire_frame frame;
    struct wire_envelope envelope;
    struct arena arena;
    (void)slot;
    arena_init(&arena);
    if (wire_read_frame(&frame, bytes, &arena) == 0) {
        if (frame.sequence > peer->heard)
            peer->heard = frame.sequence;
        while (wire_next(&frame, &envelope, &arena) == 1) {
            if (envelope.kind == WIRE_WELCOME) {
                memcpy(peer->session_id, envelope.welcome->session.data, sizeof peer->session_id);
                peer->greeted = true;
                SAW(world, HOSTILE_IN);
                peer->sequence = peer->heard = 0;
            } else if (envelope.kind == WIRE_ERROR) {
                peer->greeted = false;
            }
        }
    }
    arena_finish(&arena);
}

static void on_failed(struct world *world, struct peer *peer, unsigned slot)
{
    (void)world;
    (void)peer;
    (void)slot;
}

static void on_up(struct world *world, struct peer *peer)
{
    (void)world;
    (void)peer;
}

const struct raw_role role_hostile = {
    .up = on_up,
    .answer = on_answer,
    .failed = on_failed,
    .act = act,
};

bool work_is_hostile(const struct world *world, const struct user *user)
{
    for (unsigned i = 0; i < world->n_peers; i++) {
        if (world->peers[i].user == user && world->peers[i].raw == &role_hostile)
            return true;
    }
    return false;
}

bool work_has_hostile(const struct world *world, unsigned tenant)
{
    for (unsigned i = 0; i < world->cast.n_users; i++) {
        const struct user *user = &world->cast.users[i];
        if (user->tenant == tenant && work_is_hostile(world, user))
            return true;
    }
    return false;
}
