/* promise_limits.c - a limit of rate is kept, and nobody is refused who is within it; seen from
 * outside. When the broker let a call through is not seen: it was after it was made, and before it
 * was served. */
#include "work.h"
#include "world.h"

#define MINUTE_NS (60 * NS_PER_SEC)
#define SLACK_NS (2 * NS_PER_MS) /* times are kept in milliseconds over a restart */

static bool is_limited(const struct called *called)
{
    return !called->builtin && called->service == LIMITED_SERVICE &&
           called->method == LIMITED_METHOD;
}

static bool share(const struct called *a, const struct called *b)
{
    return is_limited(b) && a->user == b->user;
}

/* A tenant's own service has a limit of its own, beside the shared one's. */
static bool share_service(const struct called *a, const struct called *b)
{
    return share(a, b) && b->served > 0 && a->served_in == b->served_in;
}

static unsigned served_since(const struct books *books, const struct called *of, uint64_t since)
{
    unsigned n = 0;
    for (unsigned number = 1; number <= books->n_calls; number++) {
        const struct called *called = &books->calls[number];
        n += share_service(of, called) && called->made_at >= since;
    }
    return n;
}

/* What of the calls since then no limit would have let through. Over a restart the time that has
 * passed is the calendar's, which may have jumped. */
static void within_the_limit(struct world *world, const struct called *latest,
                             const struct called *first)
{
    const struct window_rate *rate = &world->bus.limits.rates.list[0].rate;
    uint64_t passed =
        world->now - first->made_at + world->skew_ms * NS_PER_MS + world->bus.boot * SLACK_NS;
    uint64_t most = rate->burst + passed * rate->per_minute / MINUTE_NS;
    if (passed < MINUTE_NS && most > rate->per_minute)
        most = rate->per_minute;
    unsigned served = served_since(&world->books, latest, first->made_at);
    if (served > most)
        promise_broken(world, PROMISE_LIMITED, "%u calls of %s were let through in %llu ms", served,
                       latest->user->name, (unsigned long long)(passed / NS_PER_MS));
}

static void on_served(struct world *world, struct peer *peer, const struct serving *serving)
{
    const struct books *books = &world->books;
    const struct called *called = serving->called;
    (void)peer;
    bool forgotten = world->bus.store.ledger > 0; /* with the power, what was on no disk went */
    if (world->bus.limits.rates.n == 0 || forgotten || !called || !is_limited(called))
        return;
    for (unsigned number = 1; number <= books->n_calls; number++) {
        const struct called *first = &books->calls[number];
        if (share_service(called, first))
            within_the_limit(world, called, first);
    }
}

/* At most so often the broker let it through. */
static unsigned times_let_through(const struct world *world, const struct called *called)
{
    if (called->outcomes > 0 && called->status == STATUS_RATE_LIMITED && !called->idempotent)
        return 0;
    return work_times_made(world, called);
}

static void rightly_refused(struct world *world, const struct called *refused, unsigned refused_as)
{
    const struct window_rate *rate = &world->bus.limits.rates.list[0].rate;
    unsigned n = work_times_made(world, refused) - 1; /* itself, before */
    for (unsigned number = 1; number <= world->books.n_calls; number++) {
        const struct called *called = &world->books.calls[number];
        if (share(refused, called) && number != refused_as)
            n += times_let_through(world, called);
    }
    if (n < rate->per_minute && !work_is_hostile(world, refused->user))
        promise_broken(world, PROMISE_LIMITED, "call %u of %s was refused after %u of %u",
                       refused_as, refused->user->name, n, rate->per_minute);
}

static void on_answered(struct world *world, struct peer *peer, unsigned number,
                        const struct wire_reply *reply)
{
    const struct called *called = &world->books.calls[number];
    (void)peer;
    if (reply->status != STATUS_RATE_LIMITED)
        return;
    SAW(world, RATE_LIMITED);
    if (!is_limited(called) || world->bus.limits.rates.n == 0)
        promise_broken(world, PROMISE_LIMITED, "call %u was refused, which is under no limit",
                       number);
    else
        rightly_refused(world, called, number);
    if (called->served > 0 && !called->idempotent && !called->keyed)
        promise_broken(world, PROMISE_LIMITED, "call %u was refused, and served", number);
}

const struct observer observer_limits = {
    .served = on_served,
    .answered = on_answered,
};
