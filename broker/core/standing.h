/* standing.h - on what terms somebody calls, decided in this one place: the live record of
 * their tenant, and of themselves over it, if there is one; else what their token says. It is kept
 * in the identity, so that asking costs two comparisons; a changed record, a reload and
 * an expiry that passes are noticed at the next question. */
#ifndef CORE_STANDING_H
#define CORE_STANDING_H

#include "core/accounts.h"
#include "core/permission.h"
#include "policy/tiers.h"

struct core;
struct identity;
struct identity_seal;
struct service;

struct standing {
    uint64_t generation;          /* accounts.generation it was made under; 0: not made */
    uint64_t made_ms, for_ms;     /* Unix; how long it holds from then on */
    const struct tier *tier;      /* a name nobody knows is the lowest */
    const struct tier *of_tenant; /* without a user's own: what bounds all of them together */
    const char *tier_name;        /* as written */
    const char *billing_customer;
    enum subscription_status status;
    uint64_t ends_ms; /* Unix: when it expires by a record; 0: by none */
    struct window_rate rate;
    const char *const *features; /* besides the tier's */
    size_t n_features;
    bool live;       /* a record says so, not the token */
    bool shows_more; /* services are told what the token does not say */
};

/* What the tiers of the limits in force grant, compiled; again after every reload. */
struct grants {
    struct permissions by_rank[TIERS_MAX];
};
void grants_renew(struct core *core);
void grants_finish(struct core *core);

/* Valid until the turn ends. */
const struct standing *standing_of(struct core *core, struct identity *identity);
/* Of a user who may not be here, should their token say that tier. Valid until the turn ends. */
struct standing standing_supposed(struct core *core, struct slice tenant, struct slice user,
                                  const char *tier);
/* Neither suspended nor expired. */
bool standing_served(const struct standing *standing);
/* May they do this within their tenant: by a permission of their own, or by one of their tier? */
bool standing_permits(struct core *core, struct identity *identity, enum verb verb,
                      struct slice subject);
/* The first of the features the service requires that they lack; NULL: none. */
const char *standing_lacks(const struct standing *standing, const struct service *service);
/* The tier a service, or one of its methods, asks for at least; NULL: any will do. One that is not
 * configured is the highest. */
const struct tier *standing_required(const struct core *core, const struct service *service,
                                     struct slice method);
/* May they call any method of it, as far as tier, status and features go? */
bool standing_admits(const struct core *core, const struct standing *standing,
                     const struct service *service);

/* identity_sealed() under the terms in force. */
const struct identity_seal *standing_seal(struct core *core, struct identity *identity,
                                          struct slice audience, uint32_t depth);

#endif
