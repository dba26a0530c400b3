/* work_admin.c - calls of the broker's own services: feeds, taps, lists. */
#include "work.h"
#include "world.h"

#include "base/mem.h"
#include "builtin/packing.h"

#include <stdio.h>
#include <stdlib.h>

#define LEASE_MAX_MS 1500u

enum question { FEED_OPEN, FEED_CLOSE_FOREIGN, TAP, SESSIONS, STATS, REGISTRY, QUESTIONS };

static const struct {
    const char *service, *method;
    bool admin, operator_; /* who may */
} questions[QUESTIONS] = {
    [FEED_OPEN] = {"bus.feed", "open", false, false},
    [FEED_CLOSE_FOREIGN] = {"bus.feed", "close", false, false},
    [TAP] = {"bus.tap", "watch", true, false},
    [SESSIONS] = {"bus.sessions", "list", true, false},
    [STATS] = {"bus.stats", "show", true, true},
    [REGISTRY] = {"bus.registry", "list", false, false},
};

/* One that another user has opened, and that may be open still; "": none is known. */
static const char *foreign_feed(struct world *world, const struct user *user)
{
    const struct bus *bus = &world->bus;
    unsigned first = dice_below(&world->dice, bus->n_feeds + 1);
    for (unsigned n = 0; n <= bus->n_feeds; n++) {
        const struct feed_model *feed = &bus->feeds[(first + n) % (bus->n_feeds + 1)];
        const struct user *opener = feed->opener;
        if (feed->open && opener &&
            (opener->tenant != user->tenant || strcmp(opener->name, user->name) != 0))
            return feed->id;
    }
    return "";
}

static void pack_question(struct buf *out, const struct peer *peer, enum question question,
                          unsigned pattern)
{
    static const unsigned pairs[QUESTIONS] = {[FEED_OPEN] = 2, [FEED_CLOSE_FOREIGN] = 1, [TAP] = 1};
    struct dice *dice = &peer->world->dice;
    msgpack_packer packer;
    packing_init(&packer, out);
    msgpack_pack_map(&packer, pairs[question]);
    if (question == FEED_OPEN) {
        pack_pair_text(&packer, "pattern", slice_of(patterns[pattern].text));
        pack_pair_uint(&packer, "lease_ms", 1 + dice_below(dice, LEASE_MAX_MS));
    } else if (question == FEED_CLOSE_FOREIGN) {
        pack_pair_text(&packer, "id", slice_of(foreign_feed(peer->world, peer->user)));
    } else if (question == TAP) {
        pack_pair_bool(&packer, "payloads", true);
    }
}

static bool must_refuse(const struct user *user, enum question question, unsigned pattern)
{
    if (question == FEED_OPEN)
        return !user_may_hear(user, patterns[pattern].class);
    if (question == FEED_CLOSE_FOREIGN)
        return true; /* it is another's, or nobody's */
    return (questions[question].admin && !user->admin) ||
           (questions[question].operator_ && !user->operator_);
}

void work_administer(struct peer *peer)
{
    struct world *world = peer->world;
    enum question question = dice_below(&world->dice, QUESTIONS);
    unsigned pattern = dice_below(&world->dice, n_patterns);
    struct buf payload = {0};
    pack_question(&payload, peer, question, pattern);
    const struct called plan = {.caller = peer,
                                .life = peer->life,
                                .user = peer->user,
                                .builtin = true,
                                .stream = question == TAP,
                                .made_at = world->now,
                                .timeout_ms = question == TAP ? 0 : 800,
                                .forbidden = must_refuse(peer->user, question, pattern)};
    unsigned number = books_add_call(&world->books, &plan);
    const struct wire_request request = {.service = slice_of(questions[question].service),
                                         .method = slice_of(questions[question].method),
                                         .payload = buf_slice(&payload),
                                         .timeout_ms = plan.timeout_ms,
                                         .stream = plan.stream};
    TRACE(world, "%s asks %s.%s: call %u%s", peer->user->name, questions[question].service,
          questions[question].method, number, plan.forbidden ? ", must be refused" : "");
    uint64_t id =
        engine_call(peer->engine, &request, slice_make(NULL, 0), work_arg(number), world->now);
    world->books.calls[number].id = id;
    peer->recent[peer->n_recent++ % (sizeof peer->recent / sizeof *peer->recent)] = number;
    buf_finish(&payload);
}

/* ---- answers ---- */

static void own_feed(struct world *world, struct slice url, struct slice id,
                     const struct user *user)
{
    static const char prefix[] = "sim://feed/";
    char text[64] = "";
    if (url.len >= sizeof text || url.len < sizeof prefix)
        return;
    memcpy(text, url.data, url.len);
    unsigned long handle = strtoul(text + sizeof prefix - 1, NULL, 10);
    if (handle == 0 || handle > world->bus.n_feeds)
        return;
    struct feed_model *feed = &world->bus.feeds[handle];
    feed->owner = 1u << user->tenant;
    feed->opener = user;
    snprintf(feed->id, sizeof feed->id, "%.*s", SLICE_FMT(id));
    if (feed->tenants & ~feed->owner)
        promise_broken(world, PROMISE_TENANCY, "feed %lu of %s has carried another's events",
                       handle, tenant_names[user->tenant]);
}

void work_admin_replied(struct peer *peer, unsigned number, const struct wire_reply *reply)
{
    struct arguments arguments;
    (void)number;
    if (reply->status != STATUS_OK || !arguments_read(&arguments, reply->payload))
        return;
    struct slice url = argument_text(&arguments, "url", slice_make(NULL, 0));
    own_feed(peer->world, url, argument_text(&arguments, "id", slice_make(NULL, 0)), peer->user);
    arguments_finish(&arguments);
}

void work_end_taps(struct world *world)
{
    for (unsigned number = 1; number <= world->books.n_calls; number++) {
        const struct called *called = &world->books.calls[number];
        const struct peer *peer = called->caller;
        if (called->builtin && called->outcomes == 0 && peer->alive && peer->life == called->life)
            engine_cancel(peer->engine, called->id, world->now);
    }
}
