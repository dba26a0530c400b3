/* sightings.c - no promise: notes what happens, for sights.def. */
#include "core/core.h"
#include "work.h"
#include "world.h"

static void on_served(struct world *world, struct peer *peer, const struct serving *serving)
{
    const struct called *called = serving->called;
    (void)peer;
    if (!called) {
        SAW(world, HOSTILE_SERVED);
        return;
    }
    SAW_IF(called->served == 2, world, SERVED_AGAIN);
    SAW_IF(called->depth >= 3, world, NESTED_DEEP);
}

static void on_answered(struct world *world, struct peer *peer, unsigned number,
                        const struct wire_reply *reply)
{
    const struct called *called = &world->books.calls[number];
    bool kept = called->actor && !called->parent;
    (void)peer;
    SAW_IF(reply->status == STATUS_OVERLOADED, world, OVERLOADED);
    SAW_IF(reply->status == STATUS_OUTCOME_UNKNOWN, world, UNKNOWN_OUTCOME);
    SAW_IF(reply->status == STATUS_DEADLINE_EXCEEDED, world, EXPIRED);
    SAW_IF(reply->status == STATUS_CANCELLED, world, CANCELLED);
    SAW_IF(reply->status == STATUS_OK && called->one_shot, world, ONE_SHOT);
    SAW_IF(reply->status == STATUS_OK && kept, world, CONTEXT_TAKEN);
    SAW_IF(reply->status == STATUS_UNAUTHENTICATED && kept, world, CONTEXT_REFUSED);
    SAW_IF(reply->status == STATUS_INVALID_ARGUMENT && called->depth > world->bus.limits.call_depth,
           world, TOO_DEEP);
}

static void on_part(struct world *world, struct peer *peer, unsigned number,
                    const struct wire_part *part)
{
    (void)peer;
    (void)part;
    SAW_IF(world->books.calls[number].builtin, world, TAPPED);
    SAW_IF(!world->books.calls[number].builtin, world, STREAMED);
}

static void on_delivered(struct world *world, struct peer *peer, struct listening *listening,
                         const struct wire_delivery *delivery)
{
    (void)peer;
    SAW_IF(delivery->missed > 0, world, MISSED);
    SAW_IF(listening->group > 0, world, GROUPED);
    SAW_IF(listening->across, world, ACROSS);
}

static void on_fed(struct world *world, struct feed_model *feed, struct slice payload)
{
    (void)feed;
    (void)payload;
    SAW(world, FED);
}

const struct observer observer_sights = {
    .served = on_served,
    .answered = on_answered,
    .part = on_part,
    .delivered = on_delivered,
    .fed = on_fed,
};
