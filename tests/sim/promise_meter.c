/* promise_meter.c - the usage is what was used. A reply may be counted that was lost with the
 * broker or on its way; none that was received may be missing, and none may be there twice. */
#include "core/meter.h"
#include "core/state.h"
#include "work.h"
#include "world.h"

struct search {
    const char *tenant, *user, *service; /* NULL: any */
    const char *month;                   /* "2027-01"; NULL: any */
    struct usage found;
    bool sound;
};

static int look_at(void *arg, struct slice key, struct slice row)
{
    struct search *search = arg;
    struct usage_key parts;
    struct usage usage;
    if (!usage_read_key(&parts, key) || !usage_read_row(&usage, row)) {
        search->sound = false;
        return 0;
    }
    if ((!search->tenant || slice_is(parts.tenant, search->tenant)) &&
        (!search->user || slice_is(parts.user, search->user)) &&
        (!search->service || slice_is(parts.service, search->service)) &&
        (!search->month || memcmp(parts.time.data, search->month, CALENDAR_MONTH) == 0))
        usage_add(&search->found, &usage);
    return 0;
}

static struct usage booked(struct world *world, struct search search)
{
    struct io io = {.arg = world};
    bus_store_io(&io);
    search.sound = true;
    io.scan(io.arg, USAGE_TABLE, look_at, &search);
    if (!search.sound)
        promise_broken(world, PROMISE_METERED, "a row of the usage makes no sense");
    return search.found;
}

/* An answer that is given again is not used again. */
static bool was_received(const struct called *called)
{
    return called->outcomes > 0 && called->status == STATUS_OK && !called->builtin &&
           !called->answered_again;
}

static unsigned received(const struct books *books, const struct user *user,
                         enum service_name service)
{
    unsigned n = 0;
    for (unsigned number = 1; number <= books->n_calls; number++) {
        const struct called *called = &books->calls[number];
        n += called->user == user && called->service == service && was_received(called);
    }
    return n;
}

static void nothing_is_missing(struct world *world, const struct user *user)
{
    for (unsigned service = 0; service < SERVICES; service++) {
        unsigned least = received(&world->books, user, service);
        if (least == 0)
            continue;
        const struct usage usage =
            booked(world, (struct search){.tenant = tenant_names[user->tenant],
                                          .user = user->name,
                                          .service = service_names[service]});
        if (usage.calls - usage.errors < least)
            promise_broken(world, PROMISE_METERED, "%s received %u replies of %s, %llu are booked",
                           user->name, least, service_names[service],
                           (unsigned long long)(usage.calls - usage.errors));
    }
}

static bool may_end_well(const struct called *called)
{
    return called->method != FAIL && called->method != DROP && called->method != NEVER;
}

/* How often services had calls of that user that may have ended well. */
static unsigned served(const struct books *books, const struct user *user,
                       enum service_name service)
{
    unsigned n = 0;
    for (unsigned number = 1; number <= books->n_calls; number++) {
        const struct called *called = &books->calls[number];
        bool is_theirs = called->user == user && called->service == service;
        n += is_theirs && !called->builtin && may_end_well(called) ? called->served : 0;
    }
    return n;
}

static void nothing_is_there_twice(struct world *world, const struct user *user)
{
    for (unsigned service = 0; service < SERVICES; service++) {
        unsigned most = served(&world->books, user, service);
        const struct usage usage =
            booked(world, (struct search){.tenant = tenant_names[user->tenant],
                                          .user = user->name,
                                          .service = service_names[service]});
        if (usage.calls - usage.errors > most)
            promise_broken(world, PROMISE_METERED, "%s was served %u times by %s, %llu are booked",
                           user->name, most, service_names[service],
                           (unsigned long long)(usage.calls - usage.errors));
    }
}

/* The quota's sum is that of the bill. When the power fails soon after the broker did, and before
 * it has said everything again, the disk may have one and not the other. */
static void the_month_adds_up(struct world *world, unsigned tenant)
{
    struct core *core = world->bus.core;
    const struct month *month = months_find(core, slice_of(tenant_names[tenant]));
    uint64_t known = month ? month->calls : 0;
    const struct usage usage =
        booked(world, (struct search){.tenant = tenant_names[tenant], .month = core->months.now});
    bool forgotten = world->bus.store.ledger > 0;
    if (usage.calls != known && !forgotten)
        promise_broken(world, PROMISE_METERED, "the month of %s has %llu calls, %llu are booked",
                       tenant_names[tenant], (unsigned long long)known,
                       (unsigned long long)usage.calls);
    if (month && month->pending > 0)
        promise_broken(world, PROMISE_REST, "%llu calls of %s are under way for ever",
                       (unsigned long long)month->pending, tenant_names[tenant]);
}

static void on_over(struct world *world)
{
    for (unsigned tenant = 0; world->bus.core && tenant < TENANTS; tenant++)
        the_month_adds_up(world, tenant);
    for (unsigned i = 0; i < world->n_peers; i++) {
        nothing_is_missing(world, world->peers[i].user);
        if (!work_is_hostile(world, world->peers[i].user)) /* whose calls are in no book */
            nothing_is_there_twice(world, world->peers[i].user);
    }
}

const struct observer observer_meter = {
    .over = on_over,
};
