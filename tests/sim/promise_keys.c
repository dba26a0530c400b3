/* promise_keys.c - calls with one idempotency key get one answer, over deaths of everybody. A
 * service answers each time otherwise, so that an answer is known again. */
#include "keyed.h"
#include "work.h"
#include "world.h"

/* With the power, what was on no disk went; unless nobody heard of it before it was. */
static bool may_be_forgotten(const struct world *world)
{
    return world->bus.store.ledger > 0 && world->bus.limits.durability != DURABILITY_POWER;
}

static void on_answered(struct world *world, struct peer *peer, unsigned number,
                        const struct wire_reply *reply)
{
    const struct called *called = &world->books.calls[number];
    const struct called *first = &world->books.calls[called->key];
    (void)peer;
    if (!called->keyed || reply->status != STATUS_OK)
        return;
    bool by_its_own = keyed_answer_by_its_own(first, reply->payload.len);
    const struct keyed_answer *before = &first->answers[by_its_own];
    if (before->length == 0)
        return;
    if (reply->payload.len == before->length) {
        SAW(world, ANSWERED_AGAIN);
        SAW_IF(before->boot < world->bus.boot, world, ANSWER_KEPT);
    } else if (!may_be_forgotten(world)) {
        promise_broken(world, PROMISE_KEYED, "call %u, which is call %u again, got another answer",
                       number, called->key);
    }
}

const struct observer observer_keys = {
    .answered = on_answered,
};
