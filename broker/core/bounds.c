#include "core/bounds.h"

#include "core/state.h"

/* No name begins with it: keys of rules are those of no user. */
#define RULE_KEY '\1'
#define BUILTIN_KEY '\2'

/* A tenant's own service shares no window with the shared one of its name; a user whose tier
 * changes has used what they have used. */
static struct slice key_of(struct core *core, const struct rate_rule *rule,
                           const struct service *service, struct slice tenant, struct slice user)
{
    const struct slice none = slice_make(NULL, 0);
    const uint8_t head[] = {RULE_KEY, (uint8_t)rule->of};
    const struct slice parts[] = {
        slice_make(head, sizeof head),
        slice_of(!rule->service[0] ? ""
                 : service         ? service->key
                                   : rule->service),
        slice_of(rule->method),
        rule->of == RATE_OF_ALL ? slice_of(rule->tier) : tenant,
        rule->of == RATE_OF_USER ? user : none,
    };
    return arena_join(&core->arena, parts, sizeof parts / sizeof *parts);
}

static struct bound bound_of(struct core *core, const struct rate_rule *rule,
                             const struct service *service, struct slice tenant, struct slice user)
{
    return (struct bound){
        .rule = rule,
        .key = key_of(core, rule, service, tenant, user),
        .rate = rule->rate,
    };
}

static void add_rules(struct core *core, const struct call *call, const struct standing *standing,
                      struct bounds *out)
{
    const struct rate_table *table = &core->limits.rates;
    const struct identity *who = call->identity;
    struct slice method = slice_make(call->method, call->method_len);
    for (size_t i = 0; i < table->n; i++) {
        const struct rate_rule *rule = &table->list[i];
        if (!rate_rule_names(rule, call->service->name, method) ||
            (who->shared && !rule->service[0]) ||
            !rate_rule_holds(table, rule, standing->tier->name))
            continue;
        out->list[out->n++] = bound_of(core, rule, call->service, who->tenant, who->user);
    }
}

/* The broker's own services are counted apart: who may call no more can still ask why, and asking
 * uses up nothing. */
static struct slice tier_key(struct core *core, const struct call *call)
{
    const struct identity *who = call->identity;
    const uint8_t head[] = {BUILTIN_KEY};
    const struct slice parts[] = {slice_make(head, sizeof head), who->tenant, who->user};
    return call->service->builtin ? arena_join(&core->arena, parts, sizeof parts / sizeof *parts)
                                  : rates_key(core, who->tenant, who->user);
}

void bounds_of_call(struct core *core, const struct call *call, const struct standing *standing,
                    struct bounds *out)
{
    out->n = 0;
    if (standing->rate.per_minute > 0 && !call->identity->shared)
        out->list[out->n++] = (struct bound){.key = tier_key(core, call), .rate = standing->rate};
    add_rules(core, call, standing, out);
}

struct bound bound_of_user(struct core *core, const struct rate_rule *rule, struct slice tenant,
                           struct slice user)
{
    const struct service *service = registry_resolve(core, tenant, slice_of(rule->service));
    struct bound bound = bound_of(core, rule, service, tenant, user);
    rates_look(core, bound.key, bound.rate, &bound.state);
    return bound;
}

/* ---- asking all of them ---- */

static bool is_tighter(const struct window_state *a, const struct window_state *b)
{
    if (a->retry_after != b->retry_after)
        return a->retry_after > b->retry_after;
    return a->remaining < b->remaining;
}

static const struct bound *find_tightest(const struct bounds *bounds)
{
    const struct bound *tightest = &bounds->list[0];
    for (size_t i = 1; i < bounds->n; i++) {
        if (is_tighter(&bounds->list[i].state, &tightest->state))
            tightest = &bounds->list[i];
    }
    return tightest;
}

static bool has_room(struct core *core, const struct bounds *bounds)
{
    struct slice keys[BOUNDS_MAX];
    for (size_t i = 0; i < bounds->n; i++)
        keys[i] = bounds->list[i].key;
    return rates_room(core, keys, bounds->n);
}

enum bounds_answer bounds_look(struct core *core, struct bounds *bounds,
                               const struct bound **tightest)
{
    for (size_t i = 0; i < bounds->n; i++) {
        struct bound *bound = &bounds->list[i];
        rates_look(core, bound->key, bound->rate, &bound->state);
    }
    *tightest = find_tightest(bounds);
    if ((*tightest)->state.retry_after > 0)
        return BOUNDS_REFUSE;
    return has_room(core, bounds) ? BOUNDS_ADMIT : BOUNDS_NO_ROOM;
}

enum bounds_answer bounds_admit(struct core *core, struct bounds *bounds,
                                const struct bound **tightest)
{
    enum bounds_answer answer = bounds_look(core, bounds, tightest);
    if (answer != BOUNDS_ADMIT)
        return answer;
    for (size_t i = 0; i < bounds->n; i++) {
        struct bound *bound = &bounds->list[i];
        rates_admit(core, rates_entry(core, bound->key), bound->rate, &bound->state);
    }
    *tightest = find_tightest(bounds);
    return BOUNDS_ADMIT;
}
