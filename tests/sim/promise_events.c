/* promise_events.c - what becomes of events and subscriptions. The broker's own order is
 * known from a witness: a feed of everything in every tenant, so that the event's sequence
 * number is its place in the log. */
#include "message.h"
#include "work.h"
#include "world.h"

/* ---- at the broker ---- */

static void on_published(struct world *world, const struct witnessed *entry, struct slice payload)
{
    struct message message;
    if (!message_read(&message, payload) || message.kind != MESSAGE_EVENT || message.number == 0 ||
        message.number > world->books.n_events)
        return;
    struct published *event = &world->books.events[message.number];
    if (event->forbidden || event->tenant != entry->tenant)
        promise_broken(world, PROMISE_REFUSED, "event %u was published in %s", message.number,
                       tenant_names[entry->tenant]);
    if (++event->witnessed > 1)
        promise_broken(world, PROMISE_EVENT_ONCE, "event %u was published again", message.number);
    if (strcmp(entry->topic, topics[event->topic].text) != 0)
        promise_broken(world, PROMISE_EVENT_MATCH, "event %u was published on %s", message.number,
                       entry->topic);
}

/* ---- at the subscriber ---- */

static const struct witnessed *entry_of(const struct world *world, uint64_t sequence)
{
    return sequence > 0 && sequence <= world->bus.n_log ? &world->bus.log[sequence - 1] : NULL;
}

static bool is_for(const struct listening *listening, const struct witnessed *entry)
{
    bool told = entry->tenant == listening->tenant || entry->also & 1u << listening->tenant;
    return (listening->across || told) &&
           topic_matches(patterns[listening->pattern].text, entry->topic);
}

/* Events in the broker's log behind `after` and before `until` that this subscription is to get. */
static uint64_t due_between(const struct world *world, const struct listening *listening,
                            uint64_t after, uint64_t until)
{
    uint64_t count = 0;
    for (uint64_t sequence = after + 1; sequence < until; sequence++)
        count += is_for(listening, entry_of(world, sequence));
    return count;
}

static void accounted_for(struct world *world, const struct listening *listening,
                          const struct wire_delivery *delivery)
{
    if (listening->group)
        return;
    if (listening->pinned) {
        uint64_t due = due_between(world, listening, listening->sequence, delivery->sequence);
        if (due != delivery->missed)
            promise_broken(world, PROMISE_EVENT_COUNT,
                           "subscription %llu missed %llu events and was told of %llu",
                           (unsigned long long)listening->id, (unsigned long long)due,
                           (unsigned long long)delivery->missed);
    } else if (listening->heard_at && listening->heard_at < delivery->sequence) {
        uint64_t due = due_between(world, listening, listening->heard_at - 1, delivery->sequence);
        if (due > delivery->missed)
            promise_broken(world, PROMISE_EVENT_COUNT,
                           "subscription %llu missed %llu events at first, told of %llu",
                           (unsigned long long)listening->id, (unsigned long long)due,
                           (unsigned long long)delivery->missed);
    }
}

static unsigned group_bit(const struct listening *listening)
{
    return (listening->pattern * 2 + listening->across) * GROUPS + listening->group - 1;
}

static void one_member(struct world *world, const struct listening *listening, unsigned number)
{
    struct published *event = &world->books.events[number];
    uint32_t bit = listening->group ? 1u << group_bit(listening) : 0;
    if (event->groups & bit)
        promise_broken(world, PROMISE_GROUP_ONE, "event %u went to two members of %s", number,
                       group_names[listening->group]);
    event->groups |= bit;
}

static void in_order(struct world *world, struct listening *listening, unsigned number)
{
    const struct published *event = &world->books.events[number];
    unsigned *newest = &listening->newest[event->publisher->number];
    if (event->publisher->raw == NULL && number <= *newest)
        promise_broken(world, PROMISE_EVENT_ORDER, "subscription %llu got event %u behind %u",
                       (unsigned long long)listening->id, number, *newest);
    *newest = number;
    listening->markers += event->marker;
}

static void on_delivered(struct world *world, struct peer *peer, struct listening *listening,
                         const struct wire_delivery *delivery)
{
    const struct witnessed *entry = entry_of(world, delivery->sequence);
    struct message message;
    (void)peer;
    if (!entry || !slice_is(delivery->topic, entry->topic) || !is_for(listening, entry)) {
        promise_broken(world, PROMISE_EVENT_MATCH, "subscription %llu to %s got event %llu, %.*s",
                       (unsigned long long)listening->id, patterns[listening->pattern].text,
                       (unsigned long long)delivery->sequence, SLICE_FMT(delivery->topic));
        return;
    }
    if (listening->forbidden)
        promise_broken(world, PROMISE_REFUSED, "subscription %llu should have been refused",
                       (unsigned long long)listening->id);
    if (listening->pinned && delivery->sequence <= listening->sequence)
        promise_broken(world, PROMISE_EVENT_ORDER, "subscription %llu got event %llu behind %llu",
                       (unsigned long long)listening->id, (unsigned long long)delivery->sequence,
                       (unsigned long long)listening->sequence);
    accounted_for(world, listening, delivery);
    if (!message_read(&message, delivery->payload) || message.kind != MESSAGE_EVENT)
        return;
    if (message.number != entry->event || !message_is(delivery->payload, &message)) {
        promise_broken(world, PROMISE_EVENT_MATCH, "event %u came as another", entry->event);
        return;
    }
    in_order(world, listening, message.number);
    one_member(world, listening, message.number);
}

/* ---- acknowledgements ---- */

static void on_acknowledged(struct world *world, struct control *control, enum status status)
{
    if (control->acknowledged > 1 || control->life != control->peer->life)
        promise_broken(world, PROMISE_ACKNOWLEDGED, "%s got an acknowledgement twice",
                       control->peer->user->name);
    if (control->kind == CONTROL_LISTEN) {
        const struct listening *listening = &world->books.listenings[control->what];
        if (listening->forbidden && status == STATUS_OK)
            promise_broken(world, PROMISE_REFUSED, "subscription %u was accepted", control->what);
        if (!listening->forbidden && status == STATUS_PERMISSION_DENIED)
            promise_broken(world, PROMISE_NOT_REFUSED, "subscription %u was refused",
                           control->what);
    }
    if (control->kind == CONTROL_PUBLISH) {
        const struct published *event = &world->books.events[control->what];
        if (event->forbidden && status == STATUS_OK)
            promise_broken(world, PROMISE_REFUSED, "event %u was accepted", control->what);
        if (status == STATUS_OK && event->witnessed == 0)
            promise_broken(world, PROMISE_ACKNOWLEDGED, "event %u is confirmed, not published",
                           control->what);
    }
}

/* ---- at the end ---- */

/* Every marker must have reached each plain subscription, and one member of each group. */
static unsigned markers_for(const struct world *world, const struct listening *listening)
{
    unsigned count = 0;
    for (unsigned i = 1; i <= world->books.n_events; i++) {
        const struct published *event = &world->books.events[i];
        const struct witnessed entry = {.tenant = event->tenant};
        struct witnessed probe = entry;
        memcpy(probe.topic, topics[event->topic].text, strlen(topics[event->topic].text) + 1);
        count += event->marker && is_for(listening, &probe);
    }
    return count;
}

static unsigned markers_of_group(const struct world *world, const struct listening *like)
{
    unsigned count = 0;
    for (unsigned i = 1; i <= world->books.n_listenings; i++) {
        const struct listening *other = &world->books.listenings[i];
        if (other->group == like->group && group_bit(other) == group_bit(like) &&
            (like->across || other->tenant == like->tenant))
            count += other->markers;
    }
    return count;
}

static void on_over(struct world *world)
{
    for (unsigned i = 1; i <= world->books.n_listenings; i++) {
        const struct listening *listening = &world->books.listenings[i];
        if (!work_listens(listening))
            continue;
        unsigned due = markers_for(world, listening);
        unsigned got = listening->group ? markers_of_group(world, listening) : listening->markers;
        if (got != due)
            promise_broken(world, PROMISE_LIVENESS,
                           "subscription %u to %s got %u of %u events at the end", i,
                           patterns[listening->pattern].text, got, due);
    }
    for (unsigned i = 1; i <= world->books.n_controls; i++) {
        const struct control *control = &world->books.controls[i];
        bool there = control->peer->alive && control->peer->life == control->life;
        if (there && control->acknowledged != 1)
            promise_broken(world, PROMISE_ACKNOWLEDGED, "control %u of %s: %u acknowledgements", i,
                           control->peer->user->name, control->acknowledged);
    }
}

const struct observer observer_events = {
    .published = on_published,
    .delivered = on_delivered,
    .acknowledged = on_acknowledged,
    .over = on_over,
};
