/* limits.c - bus.limits: how much somebody may use, and what is left of it. Asking uses nothing. */
#include "builtin/limits.h"

#include "base/name.h"
#include "builtin/builtin.h"
#include "builtin/packing.h"
#include "core/bounds.h"
#include "core/state.h"

#define MS_PER_HOUR 3600000u

/* Whose limits are asked for. */
struct asked {
    struct arguments arguments;
    struct slice tenant, user;
    bool own;
};

static bool supposes_no_tier_of_ours(const struct core *core, const struct asked *asked)
{
    struct slice name = argument_text(&asked->arguments, "tier", slice_make(NULL, 0));
    return argument_has(&asked->arguments, "tier") && !tiers_exactly(&core->limits.tiers, name);
}

/* Users see their own; who administers limits, those of their tenant's users, or everybody's. */
static enum status check(struct core *core, const struct call *call, enum scope scope,
                         const struct asked *asked, const char **why)
{
    const struct identity *who = call->identity;
    if (!name_valid(asked->tenant) || !name_valid_user(asked->user))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, NAME_WHO_RULE);
    if (supposes_no_tier_of_ours(core, asked))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "tier: none of that name is configured");
    if (scope == SCOPE_ALL || asked->own)
        return STATUS_OK;
    if (!slice_equal(asked->tenant, who->tenant)) {
        audit_mismatch(core, who, "bus.limits", asked->tenant);
        return refuse_with(why, STATUS_TENANT_MISMATCH, "that is another tenant");
    }
    if (!permitted(&who->permissions, VERB_ADMIN, who->tenant, who->tenant, slice_of("limits")))
        return refuse_with(why, STATUS_PERMISSION_DENIED, "needs admin:limits");
    return STATUS_OK;
}

static enum status ask(struct core *core, const struct call *call, enum scope scope,
                       struct asked *out, const char **why)
{
    const struct identity *who = call->identity;
    *out = (struct asked){0};
    builtin_arguments(&out->arguments, call);
    out->tenant = argument_text(&out->arguments, "tenant", who->tenant);
    out->user = argument_text(&out->arguments, "user", who->user);
    out->own = slice_equal(out->tenant, who->tenant) && slice_equal(out->user, who->user);
    return check(core, call, scope, out, why);
}

/* What a token says that is not at hand nobody knows: the terms are those of the records, over the
 * tier that is asked about, or the lowest. */
static struct standing terms_of(struct core *core, const struct call *call,
                                const struct asked *asked)
{
    struct slice lowest = slice_of(core->limits.tiers.list[0].name);
    struct slice tier = argument_text(&asked->arguments, "tier", lowest);
    if (asked->own)
        return *standing_of(core, call->identity);
    return standing_supposed(core, asked->tenant, asked->user, arena_text(&core->arena, tier));
}

static void pack_window(msgpack_packer *packer, struct window_rate rate,
                        const struct window_state *state)
{
    pack_pair_uint(packer, "per_minute", rate.per_minute);
    pack_pair_uint(packer, "burst", rate.burst);
    pack_pair_uint(packer, "remaining", state->remaining);
    pack_pair_uint(packer, "retry_after_ms", (state->retry_after + NS_PER_MS - 1) / NS_PER_MS);
}

static void pack_rate(struct core *core, msgpack_packer *packer, const struct asked *asked,
                      struct window_rate rate)
{
    struct window_state state = {0};
    if (rate.per_minute > 0)
        rates_look(core, rates_key(core, asked->tenant, asked->user), rate, &state);
    pack_window(packer, rate, &state);
}

/* Those of the table that are theirs, alone or together with others. */
static void pack_rules(struct core *core, msgpack_packer *packer, const struct asked *asked,
                       const struct tier *tier)
{
    const struct rate_table *table = &core->limits.rates;
    struct bound bounds[RATE_TABLE_MAX];
    size_t n = 0;
    for (size_t i = 0; i < table->n; i++) {
        if (rate_rule_holds(table, &table->list[i], tier->name))
            bounds[n++] = bound_of_user(core, &table->list[i], asked->tenant, asked->user);
    }
    pack_pair_array(packer, "limits", n);
    for (size_t i = 0; i < n; i++) {
        const struct rate_rule *rule = bounds[i].rule;
        msgpack_pack_map(packer, 7);
        pack_pair_text(packer, "service", slice_of(rule->service[0] ? rule->service : "*"));
        pack_pair_text(packer, "method", slice_of(rule->method[0] ? rule->method : "*"));
        pack_pair_text(packer, "of", slice_of(rate_of_text(rule->of)));
        pack_window(packer, bounds[i].rate, &bounds[i].state);
    }
}

static void pack_quota(struct core *core, msgpack_packer *packer, const struct asked *asked,
                       const struct tier *tier)
{
    const struct month *month = months_find(core, asked->tenant);
    char resets_at[CALENDAR_HOUR + 1];
    calendar_print(months_end_ms(core) / MS_PER_HOUR, resets_at);
    pack_pair_uint(packer, "monthly", tier->monthly);
    pack_pair_bool(packer, "soft", tier->soft);
    pack_pair_uint(packer, "used", month ? month->calls : 0);
    pack_pair_text(packer, "resets_at",
                   slice_of(arena_printf(&core->arena, "%s:00:00Z", resets_at)));
}

static void pack_limits(struct core *core, struct buf *out, const struct asked *asked,
                        const struct standing *terms)
{
    msgpack_packer packer;
    packing_init(&packer, out);
    msgpack_pack_map(&packer, 14);
    pack_pair_text(&packer, "tenant", asked->tenant);
    pack_pair_text(&packer, "user", asked->user);
    pack_pair_text(&packer, "tier", slice_of(terms->tier->name));
    pack_pair_text(&packer, "status", slice_of(subscription_text(terms->status)));
    pack_pair_bool(&packer, "supposed", !asked->own && !terms->live);
    pack_rate(core, &packer, asked, terms->rate);
    pack_quota(core, &packer, asked, terms->of_tenant);
    pack_rules(core, &packer, asked, terms->tier);
}

void limits_pack_own(struct core *core, struct buf *out, struct identity *who)
{
    const struct asked own = {.tenant = who->tenant, .user = who->user, .own = true};
    pack_limits(core, out, &own, standing_of(core, who));
}

static enum status show(struct core *core, struct call *call, enum scope scope, struct buf *out,
                        const char **why)
{
    struct asked asked;
    enum status status = ask(core, call, scope, &asked, why);
    if (status == STATUS_OK) {
        struct standing terms = terms_of(core, call, &asked);
        pack_limits(core, out, &asked, &terms);
    }
    arguments_finish(&asked.arguments);
    return status;
}

static const struct argument whose[] = {
    {"tenant", ARGUMENT_TEXT},
    {"user", ARGUMENT_TEXT},
    {"tier", ARGUMENT_TEXT},
    {0},
};

static const struct builtin_verb verbs[] = {
    {"show", ACCESS_ANYONE, "limits", show, false, whose},
    {0},
};

const struct builtin builtin_limits = {"bus.limits", verbs};
