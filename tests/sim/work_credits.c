/* work_credits.c - the operator takes calls back from the bill, gives credits again, and others
 * under the same id; others try to. */
#include "work.h"
#include "work_errands.h"
#include "world.h"

#include "builtin/packing.h"
#include "policy/calendar.h"

#include <stdio.h>

#define TRIES 8u
#define HOUR_MS 3600000u

static bool draw_row(struct world *world, struct credit_asked *credit)
{
    const struct books *books = &world->books;
    for (unsigned tries = 0; tries < TRIES && books->n_calls > 0; tries++) {
        const struct called *called = &books->calls[1 + dice_below(&world->dice, books->n_calls)];
        if (called->builtin || called->outcomes == 0 || called->status != STATUS_OK)
            continue;
        credit->user = called->user;
        credit->service = called->service;
        credit->method = called->method;
        credit->hour = world_moment(world).unix_ms / HOUR_MS;
        return true;
    }
    return false;
}

static bool draw_credit(struct world *world, struct credit_asked *credit)
{
    struct dice *dice = &world->dice;
    const struct errands *errands = &world->errands;
    *credit = (struct credit_asked){.errand = errand_next(world), .id = errands->n_credits};
    if (errands->n_credits > 0 && dice_chance(dice, 400)) {
        const struct errand errand = credit->errand;
        *credit = errands->credits[dice_below(dice, errands->n_credits)];
        credit->errand = errand;
        credit->at_ms = 0;
        credit->calls += dice_chance(dice, 250);
        return true;
    }
    credit->calls = 1 + dice_below(dice, 3);
    return draw_row(world, credit);
}

/* Replies that were received in what has gone of the hour, which is that of the month: at least so
 * many calls are in its row. */
static uint64_t received(const struct world *world, const struct credit_asked *credit)
{
    const struct books *books = &world->books;
    const unsigned month = world_month(world);
    uint64_t n = 0;
    for (unsigned number = 1; number <= books->n_calls; number++) {
        const struct called *called = &books->calls[number];
        bool counts = called->outcomes > 0 && called->status == STATUS_OK && !called->builtin &&
                      !called->answered_again && called->answered_in == month &&
                      called->ended_in == month;
        n += counts && called->user == credit->user && called->service == credit->service &&
             called->method == credit->method;
    }
    return n;
}

static void pack_credit(struct buf *out, const struct credit_asked *credit)
{
    msgpack_packer packer;
    char time[CALENDAR_HOUR + 1], id[16];
    calendar_print(credit->hour, time);
    snprintf(id, sizeof id, "credit-%u", credit->id);
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 7);
    pack_pair_text(&packer, "id", slice_of(id));
    pack_pair_text(&packer, "time", slice_of(time));
    pack_pair_text(&packer, "tenant", slice_of(tenant_names[credit->user->tenant]));
    pack_pair_text(&packer, "user", slice_of(credit->user->name));
    pack_pair_text(&packer, "service", slice_of(service_names[credit->service]));
    pack_pair_text(&packer, "method", slice_of(method_names[credit->method]));
    pack_pair_uint(&packer, "calls", credit->calls);
}

void work_credit(struct peer *peer)
{
    struct world *world = peer->world;
    struct errands *errands = &world->errands;
    struct credit_asked credit;
    struct buf payload = {0};
    if (errands->n_credits == ERRANDS_MAX || !draw_credit(world, &credit))
        return;
    if (!peer->user->operator_ && credit.user->tenant != peer->user->tenant)
        return; /* it would not know of the row */
    bool is_past = credit.hour != world_moment(world).unix_ms / HOUR_MS;
    credit.metered = is_past ? 0 : received(world, &credit);
    errands->credits[errands->n_credits++] = credit;
    pack_credit(&payload, &credit);
    TRACE(world, "credit %u of %s at %s.%s: %llu", credit.id, credit.user->name,
          service_names[credit.service], method_names[credit.method],
          (unsigned long long)credit.calls);
    errand_ask(peer, &(struct asking){.service = "bus.usage",
                                      .method = "credit",
                                      .payload = buf_slice(&payload),
                                      .forbidden = !peer->user->operator_});
    buf_finish(&payload);
}

void work_credit_done(struct credit_asked *credit, const struct wire_reply *reply)
{
    struct arguments given;
    if (!arguments_read(&given, reply->payload))
        return;
    credit->at_ms = argument_uint(&given, "at_ms", 0);
    arguments_finish(&given);
}
