/* promise_quota.c - what a tenant may use of a month, and that it hears of it. Seen from outside: a
 * call was surely used in a month in which a service answered it and its caller had the answer. */
#include "builtin/packing.h"
#include "core/state.h"
#include "work.h"
#include "world.h"

static const struct terms *terms_of(const struct world *world, const struct called *called)
{
    return cast_terms(&world->cast, called->user->tenant);
}

/* What a shared service calls for another call is part of that one. */
static bool is_own(const struct called *called)
{
    return !called->builtin && (called->depth == 0 || called->caller->owns);
}

/* With the context of an event nobody is at work on a call. */
static bool is_part_of_another(const struct called *called)
{
    return called->depth > 0 && called->parent > 0 && !called->caller->owns;
}

static bool was_used_in(const struct called *called, unsigned month)
{
    bool answered = called->status == STATUS_OK ||
                    (called->status == STATUS_INTERNAL && called->method == FAIL);
    return called->outcomes > 0 && !called->builtin && answered && called->answered_in == month &&
           called->ended_in == month;
}

/* ---- no more ---- */

/* Those of its tenant that were over when it was made; calls beneath others are among them. */
static unsigned used_before(const struct world *world, const struct called *begun)
{
    unsigned n = 0, month = world_month(world);
    for (unsigned number = 1; number <= world->books.n_calls; number++) {
        const struct called *called = &world->books.calls[number];
        n += called->user->tenant == begun->user->tenant && was_used_in(called, month) &&
             called->ended_at <= begun->made_at;
    }
    return n;
}

static void on_served(struct world *world, struct peer *peer, const struct serving *serving)
{
    const struct called *called = serving->called;
    (void)peer;
    if (!called || !is_own(called) || !terms_hard(terms_of(world, called)))
        return;
    unsigned used = used_before(world, called), limit = terms_of(world, called)->monthly;
    if (used >= limit)
        promise_broken(world, PROMISE_QUOTA, "call %u of %s began after %u of %u", serving->number,
                       called->user->name, used, limit);
}

/* However many are under way at a time, and whenever they began. */
static void within_the_quota(struct world *world, const struct called *latest)
{
    unsigned n = 0, month = world_month(world), limit = terms_of(world, latest)->monthly;
    for (unsigned number = 1; number <= world->books.n_calls; number++) {
        const struct called *called = &world->books.calls[number];
        n += called->user->tenant == latest->user->tenant && is_own(called) &&
             was_used_in(called, month);
    }
    if (n > limit)
        promise_broken(world, PROMISE_QUOTA, "%s had %u answers in a month of %u",
                       tenant_names[latest->user->tenant], n, limit);
    SAW_IF(month == MONTHS && n == 1 && world->told[latest->user->tenant][1] == 100, world,
           MONTH_BEGAN);
}

/* ---- no fewer ---- */

/* Refused before a service had it, for good. */
static bool was_never_begun(const struct called *called)
{
    static const enum status refusals[] = {
        STATUS_PERMISSION_DENIED, STATUS_UNAUTHENTICATED,  STATUS_TENANT_MISMATCH,
        STATUS_SERVICE_NOT_FOUND, STATUS_METHOD_NOT_FOUND, STATUS_TOO_LARGE,
        STATUS_RATE_LIMITED,      STATUS_QUOTA_EXCEEDED,   STATUS_BREAKER_OPEN,
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (called->outcomes > 0 && called->status == refusals[i])
            return !called->idempotent;
    }
    return false;
}

/* Was it over and done with before that month? */
static bool was_before(const struct called *called, unsigned month)
{
    return !called->idempotent && called->answered_in > 0 &&
           was_used_in(called, called->ended_in) && called->ended_in < month;
}

static unsigned uses_most(const struct world *world, const struct called *called, unsigned month)
{
    if (called->builtin || was_never_begun(called) || was_before(called, month))
        return 0;
    return work_times_made(world, called);
}

static void rightly_refused(struct world *world, const struct called *refused, unsigned refused_as)
{
    unsigned limit = terms_of(world, refused)->monthly;
    unsigned n = work_times_made(world, refused) - 1; /* itself, before */
    for (unsigned number = 1; number <= world->books.n_calls; number++) {
        const struct called *called = &world->books.calls[number];
        if (called->user->tenant == refused->user->tenant && number != refused_as)
            n += uses_most(world, called, refused->made_in);
    }
    if (n < limit && !work_has_hostile(world, refused->user->tenant))
        promise_broken(world, PROMISE_QUOTA, "call %u of %s was refused after %u of %u", refused_as,
                       refused->user->name, n, limit);
}

static void was_refused(struct world *world, const struct called *called, unsigned number)
{
    SAW(world, QUOTA_EXCEEDED);
    SAW_IF(world->bus.boot > 1, world, QUOTA_KEPT);
    if (called->builtin || is_part_of_another(called) || !terms_hard(terms_of(world, called)))
        promise_broken(world, PROMISE_QUOTA, "call %u was refused, which is under no quota",
                       number);
    else
        rightly_refused(world, called, number);
    if (called->served > 0 && !called->idempotent && !called->keyed)
        promise_broken(world, PROMISE_QUOTA, "call %u was refused, and served", number);
}

/* Of feeds, taps and the like a tenant has a share, too; that one does not end with the month. */
static bool is_of_the_month(const struct wire_reply *reply)
{
    return reply->status == STATUS_QUOTA_EXCEEDED && reply->retry_after_ms > 0;
}

static void on_answered(struct world *world, struct peer *peer, unsigned number,
                        const struct wire_reply *reply)
{
    const struct called *called = &world->books.calls[number];
    (void)peer;
    if (is_of_the_month(reply))
        was_refused(world, called, number);
    else if (is_own(called) && terms_hard(terms_of(world, called)))
        within_the_quota(world, called);
}

/* ---- and said ---- */

static void was_told(struct world *world, unsigned tenant, const struct arguments *event)
{
    const struct terms *terms = cast_terms(&world->cast, tenant);
    unsigned *told = &world->told[tenant][world_month(world)];
    uint64_t percent = argument_uint(event, "percent", 0), used = argument_uint(event, "used", 0);
    bool forgotten = world->bus.store.ledger > 0; /* with the power, what was on no disk went */
    SAW(world, TOLD);
    if ((percent != 80 && percent != 100) || used * 100 < percent * terms->monthly ||
        argument_uint(event, "limit", 0) != terms->monthly ||
        argument_bool(event, "soft", !terms->soft) != terms->soft)
        promise_broken(world, PROMISE_QUOTA_TOLD, "%s heard that %llu of %u are %llu %%",
                       tenant_names[tenant], (unsigned long long)used, terms->monthly,
                       (unsigned long long)percent);
    if (percent <= *told && !forgotten)
        promise_broken(world, PROMISE_QUOTA_TOLD, "%s heard of %llu %% after %u %%",
                       tenant_names[tenant], (unsigned long long)percent, *told);
    *told = (unsigned)percent;
}

static void on_published(struct world *world, const struct witnessed *entry, struct slice payload)
{
    struct arguments event;
    if (strcmp(entry->topic, "bus.quota") != 0)
        return;
    if (!arguments_read(&event, payload)) {
        promise_broken(world, PROMISE_QUOTA_TOLD, "%s cannot read what it heard",
                       tenant_names[entry->tenant]);
        return;
    }
    was_told(world, entry->tenant, &event);
    arguments_finish(&event);
}

static unsigned to_be_told(uint64_t used, unsigned monthly)
{
    if (used >= monthly)
        return 100;
    return used * 100 >= UINT64_C(80) * monthly ? 80 : 0;
}

static void on_over(struct world *world)
{
    for (unsigned tenant = 0; world->bus.core && tenant < TENANTS; tenant++) {
        unsigned monthly = cast_terms(&world->cast, tenant)->monthly;
        const struct month *month = months_find(world->bus.core, slice_of(tenant_names[tenant]));
        unsigned told = world->told[tenant][world_month(world)];
        if (monthly > 0 && month && told < to_be_told(month->calls, monthly))
            promise_broken(world, PROMISE_QUOTA_TOLD, "%s used %llu of %u and heard of %u %%",
                           tenant_names[tenant], (unsigned long long)month->calls, monthly, told);
    }
}

const struct observer observer_quota = {
    .served = on_served,
    .answered = on_answered,
    .published = on_published,
    .over = on_over,
};
