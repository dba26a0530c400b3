#include "core/standing.h"

#include "core/state.h"

/* Longest without a look at the clock that people set. */
#define LOOK_AGAIN_MS 60000u

/* A token that says nothing is from an issuer without subscriptions; one that says what nobody
 * knows is not believed to be paid for. */
static enum subscription_status claimed_status(const struct context *context)
{
    if (context->subscription_status[0] == '\0')
        return SUBSCRIPTION_ACTIVE;
    enum subscription_status status =
        subscription_from_text(slice_of(context->subscription_status));
    return status == SUBSCRIPTION_COUNT ? SUBSCRIPTION_EXPIRED : status;
}

static void take_claims(struct core *core, struct standing *standing, const struct context *claims)
{
    standing->tier_name = claims->tier;
    standing->tier = tiers_find(&core->limits.tiers, slice_of(claims->tier));
    standing->rate = standing->tier->rate;
    standing->status = claimed_status(claims);
    standing->billing_customer = claims->billing_customer;
    standing->features = claims->features;
    standing->n_features = claims->n_features;
}

static void take_subscription(struct core *core, struct standing *standing,
                              const struct account *account)
{
    if (account->tier[0]) {
        standing->tier_name = account->tier;
        standing->tier = tiers_find(&core->limits.tiers, slice_of(account->tier));
        standing->rate = standing->tier->rate;
    }
    if (account->rate.per_minute)
        standing->rate = account->rate;
    enum subscription_status status = account_status(account, core->now.unix_ms);
    if (status > standing->status)
        standing->status = status;
    if (account->expires_ms > 0 &&
        (standing->ends_ms == 0 || account->expires_ms < standing->ends_ms))
        standing->ends_ms = account->expires_ms;
    if (account->expires_ms > core->now.unix_ms &&
        account->expires_ms - core->now.unix_ms < standing->for_ms)
        standing->for_ms = account->expires_ms - core->now.unix_ms;
}

static void take_tenant(struct core *core, struct standing *standing, const struct account *tenant)
{
    standing->live = true;
    standing->status = SUBSCRIPTION_ACTIVE;
    standing->billing_customer = tenant->billing_customer;
    standing->features = (const char *const *)tenant->features;
    standing->n_features = tenant->n_features;
    take_subscription(core, standing, tenant);
}

static struct standing made(struct core *core, const struct context *claims, struct slice tenant,
                            struct slice user)
{
    const struct account *theirs = account_find(core, tenant, slice_make(NULL, 0));
    const struct account *own = theirs ? account_find(core, tenant, user) : NULL;
    struct standing standing = {.generation = core->accounts.generation,
                                .made_ms = core->now.unix_ms,
                                .for_ms = LOOK_AGAIN_MS};
    take_claims(core, &standing, claims);
    if (theirs)
        take_tenant(core, &standing, theirs);
    standing.of_tenant = standing.tier;
    if (own)
        take_subscription(core, &standing, own);
    standing.shows_more = standing.live || standing.tier->features.n > 0;
    return standing;
}

static void renew(struct core *core, struct identity *identity)
{
    struct standing standing = made(core, &identity->context, identity->tenant, identity->user);
    if (standing.shows_more || identity->standing.shows_more)
        identity_unseal(identity);
    identity->standing = standing;
}

struct standing standing_supposed(struct core *core, struct slice tenant, struct slice user,
                                  const char *tier)
{
    const struct context claims = {.tier = tier, .subscription_status = "", .billing_customer = ""};
    return made(core, &claims, tenant, user);
}

const struct standing *standing_of(struct core *core, struct identity *identity)
{
    const struct standing *standing = &identity->standing;
    if (standing->generation != core->accounts.generation ||
        core->now.unix_ms - standing->made_ms >= standing->for_ms)
        renew(core, identity);
    return standing;
}

bool standing_served(const struct standing *standing)
{
    return standing->status < SUBSCRIPTION_EXPIRED;
}

/* ---- what tiers grant ---- */

void grants_renew(struct core *core)
{
    const struct tiers *tiers = &core->limits.tiers;
    grants_finish(core);
    for (size_t i = 0; i < tiers->n; i++) {
        const char *texts[TIER_GRANTS_MAX];
        size_t n = 0;
        while (n < tiers->list[i].permissions.n) {
            texts[n] = tier_permission(&tiers->list[i], n);
            n++;
        }
        permissions_compile(&core->grants.by_rank[i], texts, n);
    }
}

void grants_finish(struct core *core)
{
    for (size_t i = 0; i < TIERS_MAX; i++)
        permissions_finish(&core->grants.by_rank[i]);
}

bool standing_permits(struct core *core, struct identity *identity, enum verb verb,
                      struct slice subject)
{
    struct slice own = identity->tenant;
    if (permitted(&identity->permissions, verb, own, own, subject))
        return true;
    const struct permissions *granted =
        &core->grants.by_rank[standing_of(core, identity)->tier->rank];
    return granted->count > 0 && permitted(granted, verb, own, own, subject);
}

/* ---- what a service asks for ---- */

static bool has_feature(const struct standing *standing, const char *feature)
{
    const char *granted;
    for (size_t i = 0; (granted = tier_feature(standing->tier, i)); i++) {
        if (strcmp(granted, feature) == 0)
            return true;
    }
    for (size_t i = 0; i < standing->n_features; i++) {
        if (strcmp(standing->features[i], feature) == 0)
            return true;
    }
    return false;
}

const char *standing_lacks(const struct standing *standing, const struct service *service)
{
    const Farebox__V1__Register *record = service->record;
    for (size_t i = 0; record && i < record->n_business_features; i++) {
        if (!has_feature(standing, record->business_features[i]))
            return record->business_features[i];
    }
    return NULL;
}

static const struct tier *demanded(const struct core *core, const char *name)
{
    const struct tiers *tiers = &core->limits.tiers;
    const struct tier *tier = tiers_exactly(tiers, slice_of(name));
    return tier || tiers->n == 0 ? tier : &tiers->list[tiers->n - 1];
}

/* The tier in "method=tier", or NULL if it speaks of another method. */
static const char *tier_for(const char *text, struct slice method)
{
    bool same = strncmp(text, (const char *)method.data, method.len) == 0;
    return same && text[method.len] == '=' ? text + method.len + 1 : NULL;
}

const struct tier *standing_required(const struct core *core, const struct service *service,
                                     struct slice method)
{
    const Farebox__V1__Register *record = service->record;
    if (!record)
        return NULL;
    for (size_t i = 0; i < record->n_method_tiers; i++) {
        const char *name = tier_for(record->method_tiers[i], method);
        if (name)
            return demanded(core, name);
    }
    return record->minimum_tier[0] ? demanded(core, record->minimum_tier) : NULL;
}

static bool reaches(const struct standing *standing, const struct tier *tier)
{
    return !tier || standing->tier->rank >= tier->rank;
}

bool standing_admits(const struct core *core, const struct standing *standing,
                     const struct service *service)
{
    const Farebox__V1__Register *record = service->record;
    if (!standing_served(standing) || standing_lacks(standing, service))
        return false;
    if (!record || reaches(standing, standing_required(core, service, slice_of(""))))
        return true;
    for (size_t i = 0; i < record->n_method_tiers; i++) {
        if (reaches(standing, demanded(core, strchr(record->method_tiers[i], '=') + 1)))
            return true;
    }
    return false;
}

/* ---- sealing ---- */

const struct identity_seal *standing_seal(struct core *core, struct identity *identity,
                                          struct slice audience, uint32_t depth)
{
    const struct standing *standing = standing_of(core, identity);
    struct context context = identity->context;
    const char *granted[TIER_GRANTS_MAX];
    while (context.n_tier_features < standing->tier->features.n) {
        granted[context.n_tier_features] = tier_feature(standing->tier, context.n_tier_features);
        context.n_tier_features++;
    }
    context.tier_features = granted;
    if (standing->live) {
        context.tier = standing->tier_name;
        context.subscription_status = subscription_text(standing->status);
        context.billing_customer = standing->billing_customer;
        context.features = standing->features;
        context.n_features = standing->n_features;
    }
    return identity_sealed(core->identities, identity, &context, audience, depth, core->now.unix_ms,
                           core->limits.max_timeout_ms);
}
