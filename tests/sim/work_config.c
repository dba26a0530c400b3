/* work_config.c - administrators change the configuration, several of them the same, most of them
 * only if it is as they know it; everybody looks at it. */
#include "work_errands.h"
#include "world.h"

#include "builtin/packing.h"

#define LOOK_FIRST_NS \
    (1200 * NS_PER_MS) /* after the markers and probes: an outbox may hold little */
#define LOOK_PAUSE_NS (20 * NS_PER_MS)

/* ---- changes ---- */

/* What a conditional change expects that knows all answers. */
static uint64_t newest_known(const struct errands *errands, unsigned scope, unsigned key)
{
    const struct config_change *newest = NULL;
    for (unsigned i = 0; i < errands->n_changes; i++) {
        const struct config_change *change = &errands->changes[i];
        if (change->errand.state == ERRAND_DONE && change->scope == scope && change->key == key &&
            (!newest || change->revision > newest->revision))
            newest = change;
    }
    return newest && !newest->deletes ? newest->revision : 0;
}

static unsigned draw_scope(struct peer *peer)
{
    struct world *world = peer->world;
    if (peer->user->operator_)
        return dice_chance(&world->dice, 200) ? EVERYBODY
                                              : dice_below(&world->dice, world->cast.n_tenants);
    return dice_chance(&world->dice, 100) ? dice_below(&world->dice, TENANTS + 1)
                                          : peer->user->tenant;
}

static struct config_change draw_change(struct peer *peer)
{
    struct world *world = peer->world;
    struct dice *dice = &world->dice;
    struct config_change change = {.errand = errand_next(world),
                                   .scope = draw_scope(peer),
                                   .key = dice_below(dice, CONFIG_KEYS),
                                   .deletes = dice_chance(dice, 150),
                                   .conditional = dice_chance(dice, 800)};
    change.expected = newest_known(&world->errands, change.scope, change.key);
    if (dice_chance(dice, 100) && world->errands.n_changes > 0)
        change.expected =
            world->errands.changes[dice_below(dice, world->errands.n_changes)].revision;
    return change;
}

/* Who does not name a tenant means their own, or everybody if they are an operator. */
static bool is_named(const struct user *user, unsigned scope)
{
    return scope != EVERYBODY && (user->operator_ || scope != user->tenant);
}

static void pack_change(struct buf *out, const struct config_change *change,
                        const struct user *user)
{
    msgpack_packer packer;
    char text[CONFIG_TEXT_BYTES];
    bool named = is_named(user, change->scope), tier = change->scope == EVERYBODY;
    config_text(text, change);
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 1u + !change->deletes + change->conditional + named +
                                  (tier && !user->operator_));
    pack_pair_text(&packer, "key", slice_of(config_keys[change->key]));
    if (!change->deletes)
        pack_pair_text(&packer, "value", slice_of(text));
    if (change->conditional)
        pack_pair_uint(&packer, "if_revision", change->expected);
    if (named)
        pack_pair_text(&packer, "tenant", slice_of(tenant_names[change->scope]));
    if (tier && !user->operator_)
        pack_pair_text(&packer, "tier", slice_of("free"));
}

void work_config(struct peer *peer)
{
    struct world *world = peer->world;
    struct errands *errands = &world->errands;
    const struct user *user = peer->user;
    struct buf payload = {0};
    if (errands->n_changes == ERRANDS_MAX)
        return;
    const struct config_change change = draw_change(peer);
    bool may = user->operator_ || (user->admin && change.scope == user->tenant);
    errands->changes[errands->n_changes++] = change;
    pack_change(&payload, &change, user);
    TRACE(world, "%s of %u, %s, if its revision is %llu%s", config_keys[change.key], change.scope,
          change.deletes ? "deleted" : "set", (unsigned long long)change.expected,
          change.conditional ? "" : " or another");
    errand_ask(peer, &(struct asking){.service = "bus.config",
                                      .method = change.deletes ? "delete" : "set",
                                      .payload = buf_slice(&payload),
                                      .forbidden = !may});
    buf_finish(&payload);
}

void work_config_done(struct config_change *change, const struct wire_reply *reply)
{
    struct arguments value;
    if (!arguments_read(&value, reply->payload))
        return;
    change->revision = argument_uint(&value, "revision", 0);
    arguments_finish(&value);
}

/* ---- looks ---- */

static void look_at(struct peer *peer, unsigned scope, unsigned key, bool inherits)
{
    struct errands *errands = &peer->world->errands;
    struct buf payload = {0};
    msgpack_packer packer;
    if (errands->n_looks == ERRANDS_MAX)
        return;
    errands->looks[errands->n_looks++] = (struct config_look){
        .errand = errand_next(peer->world), .scope = scope, .key = key, .inherits = inherits};
    packing_init(&packer, &payload);
    msgpack_pack_map(&packer, inherits ? 1 : 2);
    pack_pair_text(&packer, "key", slice_of(config_keys[key]));
    if (!inherits)
        pack_pair_text(&packer, "tenant", slice_of(tenant_names[scope]));
    errand_ask(
        peer, &(struct asking){.service = "bus.config",
                               .method = "get",
                               .payload = buf_slice(&payload),
                               .forbidden = !peer->user->operator_ && scope != peer->user->tenant});
    buf_finish(&payload);
}

void work_look(struct peer *peer)
{
    struct world *world = peer->world;
    bool names = dice_chance(&world->dice, peer->user->operator_ ? 800 : 50);
    unsigned scope = names ? dice_below(&world->dice, TENANTS) : peer->user->tenant;
    look_at(peer, scope, dice_below(&world->dice, CONFIG_KEYS), !names);
}

static void look_again(struct world *world, void *arg, uint64_t stamp)
{
    struct peer *peer = arg;
    if (peer_stale(peer, stamp))
        return;
    for (unsigned key = 0; key < CONFIG_KEYS; key++) {
        look_at(peer, peer->user->tenant, key, true);
        if (peer->user->operator_)
            look_at(peer, dice_below(&world->dice, world->cast.n_tenants), key, false);
    }
}

void work_looks(struct world *world)
{
    for (unsigned i = 0; i < world->n_peers; i++) {
        struct peer *peer = &world->peers[i];
        if (peer->calls)
            agenda_add(&world->agenda, world->now + LOOK_FIRST_NS + i * LOOK_PAUSE_NS, look_again,
                       peer, peer_stamp(peer, 0));
    }
}
