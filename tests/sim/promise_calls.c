/* promise_calls.c - what becomes of calls. */
#include "message.h"
#include "world.h"

#define SLACK_NS (50 * NS_PER_MS) /* the engine lets the broker speak first */
#define LATE_NS (SLACK_NS + TICK_NS + 20 * NS_PER_MS)

/* ---- at the service ---- */

static void context_is_the_callers(struct world *world, const struct peer *peer,
                                   const struct serving *serving)
{
    const struct called *called = serving->called;
    const Farebox__V1__Context *context = serving->context;
    if (!context) {
        promise_broken(world, PROMISE_CONTEXT, "call %u came without a sealed context",
                       serving->number);
        return;
    }
    if (strcmp(context->tenant, tenant_names[called->user->tenant]) != 0 ||
        strcmp(context->user, called->user->name) != 0 || context->depth != called->depth ||
        context->n_permissions != called->user->n_permissions)
        promise_broken(world, PROMISE_CONTEXT, "call %u of %s came as of %s in %s, depth %u",
                       serving->number, called->user->name, context->user, context->tenant,
                       context->depth);
    (void)peer;
}

static void within_its_parent(struct world *world, const struct serving *serving)
{
    const struct called *called = serving->called;
    if (called->depth > world->bus.limits.call_depth)
        promise_broken(world, PROMISE_NESTED, "call %u is %u deep", serving->number, called->depth);
    if (!called->parent)
        return;
    const struct called *parent = &world->books.calls[called->parent];
    uint64_t latest = parent->served_at + parent->served_timeout_ms * NS_PER_MS;
    uint64_t claimed = called->made_at + (serving->request->timeout_ms - 1) * NS_PER_MS;
    if (claimed > latest)
        promise_broken(world, PROMISE_NESTED, "call %u outlives its parent %u by %llu us",
                       serving->number, called->parent,
                       (unsigned long long)(claimed - latest) / 1000);
}

static void has_time_left(struct world *world, const struct serving *serving)
{
    const struct limits *limits = &world->bus.limits;
    uint32_t asked = serving->called->timeout_ms;
    uint32_t most = asked == 0 ? limits->default_timeout_ms : asked;
    if (most > limits->max_timeout_ms)
        most = limits->max_timeout_ms;
    if (serving->request->timeout_ms == 0 || serving->request->timeout_ms > most)
        promise_broken(world, PROMISE_TIME_LEFT, "call %u comes with %u ms left, of %u",
                       serving->number, serving->request->timeout_ms, most);
}

static bool is_asked_for(const struct called *called, unsigned number,
                         const struct wire_request *request)
{
    const struct message message = {called->user->tenant, MESSAGE_CALL, number, called->length};
    return slice_is(request->service, service_names[called->service]) &&
           slice_is(request->method, method_names[called->method]) &&
           message_is(request->payload, &message);
}

static void on_served(struct world *world, struct peer *peer, const struct serving *serving)
{
    const struct called *called = serving->called;
    if (!called)
        return;
    if (!is_asked_for(called, serving->number, serving->request))
        promise_broken(world, PROMISE_OWN_BYTES, "call %u was altered on its way", serving->number);
    if (called->forbidden)
        promise_broken(world, PROMISE_REFUSED, "call %u reached %s", serving->number,
                       peer->user->name);
    if (!called->idempotent && !called->keyed && called->served > 1)
        promise_broken(world, PROMISE_AT_MOST_ONCE, "call %u was served %u times", serving->number,
                       called->served);
    has_time_left(world, serving);
    context_is_the_callers(world, peer, serving);
    within_its_parent(world, serving);
}

/* ---- at the caller ---- */

static void in_time(struct world *world, const struct peer *peer, const struct called *called,
                    unsigned number)
{
    if (called->timeout_ms == 0 || called->one_shot)
        return;
    uint64_t due = called->made_at + called->timeout_ms * NS_PER_MS + LATE_NS;
    if (due < peer->thawed_at + LATE_NS && called->made_at < peer->thawed_at)
        due = peer->thawed_at + LATE_NS;
    if (world->now > due)
        promise_broken(world, PROMISE_ONE_OUTCOME, "call %u ended %llu ms after its deadline",
                       number, (unsigned long long)(world->now - due) / NS_PER_MS);
}

static bool says_forbidden(enum status status)
{
    return status == STATUS_PERMISSION_DENIED || status == STATUS_UNAUTHENTICATED ||
           status == STATUS_TENANT_MISMATCH || status == STATUS_METHOD_NOT_FOUND ||
           status == STATUS_TOO_LARGE;
}

static bool may_be_refused(const struct called *called)
{
    return called->shaky || user_expires(called->user) || user_expires(called->caller->user);
}

static void rightly_judged(struct world *world, const struct called *called, unsigned number)
{
    if (called->forbidden && called->status == STATUS_OK)
        promise_broken(world, PROMISE_REFUSED, "call %u should have been refused", number);
    if (!called->forbidden && !may_be_refused(called) && says_forbidden(called->status))
        promise_broken(world, PROMISE_NOT_REFUSED, "call %u was refused: %s", number,
                       status_text(called->status));
    if (called->probe && called->status != STATUS_OK && called->status != STATUS_QUOTA_EXCEEDED)
        promise_broken(world, PROMISE_LIVENESS, "call %u, made when all was well, ended: %s",
                       number, status_text(called->status));
}

static void on_answered(struct world *world, struct peer *peer, unsigned number,
                        const struct wire_reply *reply)
{
    const struct called *called = &world->books.calls[number];
    unsigned message = called->keyed ? called->key : number;
    const struct message own = {called->user->tenant, MESSAGE_CALL, message,
                                called->keyed ? reply->payload.len : called->length};
    if (called->caller != peer || called->life != peer->life)
        promise_broken(world, PROMISE_ONE_OUTCOME, "call %u was answered to another", number);
    if (called->outcomes > 1)
        promise_broken(world, PROMISE_ONE_OUTCOME, "call %u has %u outcomes", number,
                       called->outcomes);
    if (reply->status == STATUS_OK && !called->builtin && world->books.calls[message].served == 0)
        promise_broken(world, PROMISE_OWN_BYTES, "call %u is ok and was never served", number);
    if (reply->status == STATUS_OK && !called->builtin && !message_is(reply->payload, &own))
        promise_broken(world, PROMISE_OWN_BYTES, "call %u got another reply", number);
    in_time(world, peer, called, number);
    rightly_judged(world, called, number);
}

static void on_part(struct world *world, struct peer *peer, unsigned number,
                    const struct wire_part *part)
{
    struct called *called = &world->books.calls[number];
    const struct message own = {called->user->tenant, MESSAGE_PART, number, 30 + part->index};
    (void)peer;
    if (called->outcomes > 0)
        promise_broken(world, PROMISE_PARTS, "call %u got a part after its end", number);
    if (part->index != called->parts)
        promise_broken(world, PROMISE_PARTS, "call %u got part %u for part %u", number, part->index,
                       called->parts);
    if (!called->builtin && !message_is(part->payload, &own))
        promise_broken(world, PROMISE_PARTS, "call %u got another's part", number);
    called->parts = part->index + 1;
}

static void on_over(struct world *world)
{
    for (unsigned number = 1; number <= world->books.n_calls; number++) {
        const struct called *called = &world->books.calls[number];
        bool there = called->caller->alive && called->caller->life == called->life;
        if (there && called->outcomes != 1)
            promise_broken(world, PROMISE_ONE_OUTCOME, "call %u has %u outcomes", number,
                           called->outcomes);
    }
}

const struct observer observer_calls = {
    .served = on_served,
    .answered = on_answered,
    .part = on_part,
    .over = on_over,
};
