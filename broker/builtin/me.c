/* me.c - bus.me: who the caller is to the bus, and on what terms; so that whoever stands in front
 * of it (a gateway, a dashboard) need not read tokens. */
#include "builtin/builtin.h"
#include "builtin/limits.h"
#include "builtin/packing.h"
#include "core/state.h"

static void pack_list(msgpack_packer *packer, const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pack_text(packer, slice_of(texts[i]));
}

/* The tenant's and the tier's. */
static void pack_features(msgpack_packer *packer, const struct standing *terms)
{
    size_t granted = terms->tier->features.n;
    pack_pair_array(packer, "features", terms->n_features + granted);
    pack_list(packer, terms->features, terms->n_features);
    for (size_t i = 0; i < granted; i++)
        pack_text(packer, slice_of(tier_feature(terms->tier, i)));
}

static void pack_permissions(msgpack_packer *packer, const struct context *claims,
                             const struct tier *tier)
{
    pack_pair_array(packer, "permissions", claims->n_permissions + tier->permissions.n);
    pack_list(packer, claims->permissions, claims->n_permissions);
    for (size_t i = 0; i < tier->permissions.n; i++)
        pack_text(packer, slice_of(tier_permission(tier, i)));
}

static enum status show(struct core *core, struct call *call, enum scope scope, struct buf *out,
                        const char **why)
{
    struct identity *who = call->identity;
    const struct standing *terms = standing_of(core, who);
    msgpack_packer packer;
    (void)scope;
    (void)why;
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 11);
    pack_pair_text(&packer, "tenant", who->tenant);
    pack_pair_text(&packer, "user", who->user);
    pack_pair_text(&packer, "tier", slice_of(terms->tier->name));
    pack_pair_text(&packer, "subscription_status", slice_of(subscription_text(terms->status)));
    pack_pair_uint(&packer, "subscription_ends_ms", terms->ends_ms);
    pack_pair_text(&packer, "billing_customer", slice_of(terms->billing_customer));
    pack_features(&packer, terms);
    pack_permissions(&packer, &who->context, terms->tier);
    pack_pair_text(&packer, "token_id", slice_of(who->context.token_id));
    pack_pair_uint(&packer, "expires_ms", who->context.token_expires_ms);
    pack_text(&packer, slice_of("limits"));
    limits_pack_own(core, out, who);
    return STATUS_OK;
}

static const struct builtin_verb verbs[] = {
    {"show", ACCESS_ANYONE, NULL, show, false, NULL},
    {0},
};

const struct builtin builtin_me = {"bus.me", verbs};
