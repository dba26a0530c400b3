#include "observer.h"

#include "world.h"

#include <stdarg.h>
#include <stdio.h>

static const struct observer *const observers[] = {
    &observer_calls,  &observer_tenancy,  &observer_events, &observer_rest,  &observer_sights,
    &observer_meter,  &observer_breakers, &observer_limits, &observer_keys,  &observer_fair,
    &observer_config, &observer_credits,  &observer_orders, &observer_quota,
};

#define TELL(what, ...)                                                 \
    for (size_t i = 0; i < sizeof observers / sizeof *observers; i++) { \
        if (observers[i]->what)                                         \
            observers[i]->what(__VA_ARGS__);                            \
    }

void observe_served(struct world *world, struct peer *peer, const struct serving *serving)
{
    TELL(served, world, peer, serving)
}

void observe_answered(struct world *world, struct peer *peer, unsigned number,
                      const struct wire_reply *reply)
{
    TELL(answered, world, peer, number, reply)
}

void observe_part(struct world *world, struct peer *peer, unsigned number,
                  const struct wire_part *part)
{
    TELL(part, world, peer, number, part)
}

void observe_acknowledged(struct world *world, struct control *control, enum status status)
{
    TELL(acknowledged, world, control, status)
}

void observe_published(struct world *world, const struct witnessed *entry, struct slice payload)
{
    TELL(published, world, entry, payload)
}

void observe_delivered(struct world *world, struct peer *peer, struct listening *listening,
                       const struct wire_delivery *delivery)
{
    TELL(delivered, world, peer, listening, delivery)
}

void observe_fed(struct world *world, struct feed_model *feed, struct slice payload)
{
    TELL(fed, world, feed, payload)
}

void observe_frame(struct world *world, struct peer *peer, struct slice frame)
{
    TELL(frame, world, peer, frame)
}

void observe_turn(struct world *world)
{
    TELL(turn, world)
}

void observe_destroyed(struct world *world)
{
    TELL(destroyed, world)
}

void observe_over(struct world *world)
{
    TELL(over, world)
}

/* ---- the list ---- */

static const struct {
    const char *name, *text;
} promises[PROMISES] = {
#define PROMISE(name, text) [PROMISE_##name] = {#name, text},
#include "promises.def"
#undef PROMISE
};

const char *promise_name(enum promise promise)
{
    return promises[promise].name;
}

const char *promise_text(enum promise promise)
{
    return promises[promise].text;
}

void promise_broken(struct world *world, enum promise promise, const char *format, ...)
{
    struct breach *breach = &world->breach;
    if (breach->broken)
        return;
    breach->broken = true;
    breach->promise = promise;
    va_list args;
    va_start(args, format);
    vsnprintf(breach->what, sizeof breach->what, format, args);
    va_end(args);
    TRACE(world, "BROKEN %s: %s", promise_name(promise), breach->what);
}
