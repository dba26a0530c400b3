/* promise_credits.c - what was credited is credited once, whatever dies, and never more than was
 * metered. */
#include "errands.h"
#include "work.h"
#include "world.h"

#include "builtin/packing.h"
#include "core/credits.h"
#include "policy/calendar.h"

typedef const struct credit_asked credit_t;

static bool same_row(credit_t *a, credit_t *b)
{
    return a->user == b->user && a->service == b->service && a->method == b->method &&
           a->hour == b->hour;
}

static bool may_be_given(credit_t *credit)
{
    return credit->errand.state != ERRAND_REFUSED;
}

/* ---- answers ---- */

static void is_the_one(struct world *world, credit_t *credit, uint64_t at_ms, uint64_t calls)
{
    const struct errands *errands = &world->errands;
    if (calls != credit->calls)
        promise_broken(world, PROMISE_CREDITED, "call %u credits %llu calls for %llu",
                       credit->errand.call, (unsigned long long)calls,
                       (unsigned long long)credit->calls);
    for (unsigned i = 0; i < errands->n_credits; i++) {
        credit_t *other = &errands->credits[i];
        if (other == credit || other->id != credit->id || other->errand.state != ERRAND_DONE)
            continue;
        if (other->calls != calls || other->at_ms != at_ms)
            promise_broken(world, PROMISE_CREDITED, "calls %u and %u gave credit %u twice",
                           other->errand.call, credit->errand.call, credit->id);
        SAW_IF(other->errand.over_in < world->bus.boot, world, CREDIT_AGAIN);
    }
}

static void is_anothers(struct world *world, credit_t *credit)
{
    const struct errands *errands = &world->errands;
    SAW(world, CREDIT_OTHER);
    for (unsigned i = 0; i < errands->n_credits; i++) {
        credit_t *other = &errands->credits[i];
        if (other != credit && other->id == credit->id && other->calls != credit->calls &&
            may_be_given(other))
            return;
    }
    promise_broken(world, PROMISE_CREDITED, "call %u: credit %u is no other's", credit->errand.call,
                   credit->id);
}

/* At most so many calls of its row are credited besides it. */
static uint64_t maybe_credited(const struct errands *errands, credit_t *credit)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < errands->n_credits; i++) {
        credit_t *other = &errands->credits[i];
        n += other != credit && same_row(other, credit) && may_be_given(other) ? other->calls : 0;
    }
    return n;
}

static void is_known(struct world *world, credit_t *credit)
{
    const struct errands *errands = &world->errands;
    for (unsigned i = 0; i < errands->n_credits; i++) {
        credit_t *other = &errands->credits[i];
        if (other->id == credit->id && other->errand.state == ERRAND_DONE &&
            errand_precedes(&other->errand, &credit->errand))
            promise_broken(world, PROMISE_CREDITED, "call %u: credit %u is not known again",
                           credit->errand.call, credit->id);
    }
}

static void has_no_room(struct world *world, credit_t *credit)
{
    SAW(world, CREDIT_TOO_MANY);
    is_known(world, credit);
    if (maybe_credited(&world->errands, credit) + credit->calls <= credit->metered)
        promise_broken(world, PROMISE_CREDITED, "call %u was refused, of %llu calls",
                       credit->errand.call, (unsigned long long)credit->metered);
}

static void on_answered(struct world *world, struct peer *peer, unsigned number,
                        const struct wire_reply *reply)
{
    credit_t *credit = errands_credit(&world->errands, number);
    struct arguments given;
    (void)peer;
    if (!credit || !arguments_read(&given, reply->payload))
        return;
    if (reply->status == STATUS_OK)
        is_the_one(world, credit, argument_uint(&given, "at_ms", 0),
                   argument_uint(&given, "calls", 0));
    if (reply->status == STATUS_CONFLICT)
        is_anothers(world, credit);
    if (reply->status == STATUS_INVALID_ARGUMENT)
        has_no_room(world, credit);
    arguments_finish(&given);
}

/* ---- in the books ---- */

struct ledger {
    struct world *world;
    bool there[ERRANDS_MAX];
    size_t credits, ids;
};

static int look_at_credit(void *arg, struct slice key, struct slice record)
{
    struct ledger *ledger = arg;
    const struct errands *errands = &ledger->world->errands;
    struct credit found;
    bool ours = false;
    if (!credit_read(&found, key, record))
        return 0;
    ledger->credits++;
    for (unsigned i = 0; i < errands->n_credits; i++) {
        credit_t *credit = &errands->credits[i];
        if (credit->id != config_text_number(found.id) || credit->calls != found.calls ||
            !may_be_given(credit))
            continue;
        ours = true;
        ledger->there[i] = credit->at_ms == found.at_ms &&
                           slice_is(found.of.user, credit->user->name) &&
                           slice_is(found.of.service, service_names[credit->service]) &&
                           slice_is(found.of.method, method_names[credit->method]);
    }
    if (!ours)
        promise_broken(ledger->world, PROMISE_CREDITED, "credit %.*s was given by nobody",
                       SLICE_FMT(found.id));
    return 0;
}

static int count_id(void *arg, struct slice key, struct slice record)
{
    (void)key;
    (void)record;
    ((struct ledger *)arg)->ids++;
    return 0;
}

struct row {
    credit_t *like;
    uint64_t calls, voided;
};

static bool is_of_row(const struct row *row, const struct usage_key *of)
{
    char hour[CALENDAR_HOUR + 1];
    calendar_print(row->like->hour, hour);
    return slice_is(of->time, hour) && slice_is(of->user, row->like->user->name) &&
           slice_is(of->service, service_names[row->like->service]) &&
           slice_is(of->method, method_names[row->like->method]);
}

static int add_credit(void *arg, struct slice key, struct slice record)
{
    struct row *row = arg;
    struct credit credit;
    if (credit_read(&credit, key, record) && is_of_row(row, &credit.of))
        row->voided += credit.calls;
    return 0;
}

static int add_calls(void *arg, struct slice key, struct slice record)
{
    struct row *row = arg;
    struct usage_key of;
    struct usage usage;
    if (usage_read_key(&of, key) && usage_read_row(&usage, record) && is_of_row(row, &of))
        row->calls += usage.calls;
    return 0;
}

static bool is_first_of_row(const struct errands *errands, unsigned number)
{
    unsigned i = 0;
    while (!same_row(&errands->credits[i], &errands->credits[number]))
        i++;
    return i == number;
}

static void voids_no_more(struct world *world, const struct io *io, credit_t *like)
{
    struct row row = {.like = like};
    io->scan(io->arg, CREDITS_TABLE, add_credit, &row);
    io->scan(io->arg, USAGE_TABLE, add_calls, &row);
    if (row.voided > row.calls)
        promise_broken(world, PROMISE_CREDITED, "%llu calls of %s at %s.%s are voided, of %llu",
                       (unsigned long long)row.voided, like->user->name,
                       service_names[like->service], method_names[like->method],
                       (unsigned long long)row.calls);
}

static void on_over(struct world *world)
{
    struct ledger ledger = {.world = world};
    struct io io = {.arg = world};
    bus_store_io(&io);
    io.scan(io.arg, CREDITS_TABLE, look_at_credit, &ledger);
    io.scan(io.arg, CREDIT_IDS_TABLE, count_id, &ledger);
    /* Of a credit that was not answered a kill may leave its id alone, which is then free. */
    if (ledger.ids < ledger.credits)
        promise_broken(world, PROMISE_CREDITED, "%zu credits have %zu ids", ledger.credits,
                       ledger.ids);
    for (unsigned i = 0; i < world->errands.n_credits; i++) {
        credit_t *credit = &world->errands.credits[i];
        if (credit->errand.state == ERRAND_DONE && !ledger.there[i])
            promise_broken(world, PROMISE_CREDITED, "credit %u, of call %u, is not in the books",
                           credit->id, credit->errand.call);
        if (is_first_of_row(&world->errands, i))
            voids_no_more(world, &io, credit);
    }
}

const struct observer observer_credits = {
    .answered = on_answered,
    .over = on_over,
};
