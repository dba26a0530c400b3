#include "work_errands.h"

#include "work.h"
#include "world.h"

#define TIMEOUT_MS 800u

struct errand errand_next(const struct world *world)
{
    return (struct errand){
        .call = world->books.n_calls + 1, .made_at = world->now, .made_in = world->bus.boot};
}

void errand_ask(struct peer *peer, const struct asking *asking)
{
    struct world *world = peer->world;
    const struct called plan = {.caller = peer,
                                .life = peer->life,
                                .user = peer->user,
                                .builtin = true,
                                .made_at = world->now,
                                .timeout_ms = TIMEOUT_MS,
                                .forbidden = asking->forbidden};
    unsigned number = books_add_call(&world->books, &plan);
    const struct wire_request request = {.service = slice_of(asking->service),
                                         .method = slice_of(asking->method),
                                         .payload = asking->payload,
                                         .timeout_ms = TIMEOUT_MS};
    TRACE(world, "%s asks %s.%s: call %u%s", peer->user->name, asking->service, asking->method,
          number, plan.forbidden ? ", must be refused" : "");
    uint64_t id =
        engine_call(peer->engine, &request, slice_make(NULL, 0), work_arg(number), world->now);
    world->books.calls[number].id = id;
}

bool work_errand(struct peer *peer)
{
    struct dice *dice = &peer->world->dice;
    const struct user *user = peer->user;
    if (!dice_chance(dice, user->operator_ ? 300 : user->admin ? 150 : 30))
        return false;
    unsigned what = dice_below(dice, 100);
    if (what < 35)
        work_config(peer);
    else if (what < 60)
        work_look(peer);
    else if (what < 85)
        work_credit(peer);
    else
        work_order(peer);
    return true;
}

/* ---- what came of it ---- */

static enum errand_state judge(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return ERRAND_DONE;
    case STATUS_OUTCOME_UNKNOWN:
    case STATUS_DEADLINE_EXCEEDED:
    case STATUS_CANCELLED:
    case STATUS_INTERNAL:
        return ERRAND_UNKNOWN;
    default:
        return ERRAND_REFUSED;
    }
}

static void over(const struct world *world, struct errand *errand, enum status status)
{
    errand->state = judge(status);
    errand->status = status;
    errand->over_at = world->now;
    errand->over_in = world->bus.boot;
}

void work_errand_replied(struct peer *peer, unsigned call, const struct wire_reply *reply)
{
    struct world *world = peer->world;
    struct errands *errands = &world->errands;
    struct config_change *change = errands_change(errands, call);
    struct config_look *look = errands_look(errands, call);
    struct credit_asked *credit = errands_credit(errands, call);
    struct order *order = errands_order(errands, call);
    struct errand *errand = change   ? &change->errand
                            : look   ? &look->errand
                            : credit ? &credit->errand
                            : order  ? &order->errand
                                     : NULL;
    if (!errand)
        return;
    if (change && reply->status == STATUS_OK)
        work_config_done(change, reply);
    if (credit && reply->status == STATUS_OK)
        work_credit_done(credit, reply);
    over(world, errand, reply->status);
}
