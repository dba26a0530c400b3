/* rate_limit.c - how often calls may be made: by each user, as their standing says, and by whoever
 * the table of limits names (core/bounds.h); exact over every trailing minute, and in bursts
 * (core/rates.h). What a shared service calls for its caller was let through with the call it is
 * made for: only limits of the service it calls are asked. A tenant's own service, which could call
 * without end, exempts nobody. A refused call is not counted at all. */
#include "core/bounds.h"
#include "core/state.h"
#include "filters/filters.h"

static const char *subject_of(struct core *core, const struct rate_rule *rule)
{
    if (!rule->service[0])
        return "*";
    return rule->method[0] ? arena_printf(&core->arena, "%s/%s", rule->service, rule->method)
                           : rule->service;
}

/* A record may give another rate than its tier. */
static const char *giver_of(struct core *core, const struct standing *standing)
{
    const struct window_rate *usual = &standing->tier->rate;
    if (standing->rate.per_minute == usual->per_minute && standing->rate.burst == usual->burst)
        return arena_printf(&core->arena, "the tier %s", standing->tier->name);
    return "the subscription's own rate";
}

static const char *message_of(struct core *core, const struct call *call,
                              const struct standing *standing, const struct bound *bound)
{
    static const char *const whose[RATE_OFS] = {"a user", "a tenant", "all together"};
    const struct window_rate *rate = &bound->rate;
    if (!bound->rule)
        return arena_printf(&core->arena, "%s allows %u calls%s a minute, %u at once",
                            giver_of(core, standing), rate->per_minute,
                            call->service->builtin ? " of the broker's own services" : "",
                            rate->burst);
    return arena_printf(&core->arena, "%s: %s may make %u calls a minute, %u at once",
                        subject_of(core, bound->rule), whose[bound->rule->of], rate->per_minute,
                        rate->burst);
}

static enum verdict refuse_for_now(struct core *core, const struct call *call,
                                   struct refusal *refusal, const struct standing *standing,
                                   const struct bound *bound)
{
    uint64_t ms = (bound->state.retry_after + NS_PER_MS - 1) / NS_PER_MS;
    refusal->retry_after_ms = (uint32_t)ms;
    refusal_detail(refusal, "tier", standing->tier->name);
    refusal_detail(refusal, "limit", arena_printf(&core->arena, "%u", bound->rate.per_minute));
    refusal_detail(refusal, "burst", arena_printf(&core->arena, "%u", bound->rate.burst));
    if (bound->rule) {
        refusal_detail(refusal, "of", rate_of_text(bound->rule->of));
        refusal_detail(refusal, "calls", subject_of(core, bound->rule));
    }
    return refuse(refusal, STATUS_RATE_LIMITED, message_of(core, call, standing, bound));
}

static enum verdict refuse_room(struct refusal *refusal)
{
    return refuse(refusal, STATUS_OVERLOADED,
                  "more users call than the broker can count; come back in a minute");
}

/* The one that nearly every call is under, and no other: its window is remembered. */
static enum verdict ask_tier(struct core *core, struct call *call, struct refusal *refusal,
                             const struct standing *standing)
{
    struct bound bound = {.rate = standing->rate};
    struct limited *user = rates_user(core, call->identity);
    if (!user)
        return refuse_room(refusal);
    bool admitted = rates_admit(core, user, bound.rate, &bound.state);
    call->rate_limit = bound.rate.per_minute;
    call->rate_remaining = bound.state.remaining;
    return admitted ? VERDICT_PASS : refuse_for_now(core, call, refusal, standing, &bound);
}

static enum verdict ask_all(struct core *core, struct call *call, struct refusal *refusal,
                            const struct standing *standing)
{
    struct bounds bounds;
    const struct bound *tightest;
    bounds_of_call(core, call, standing, &bounds);
    if (bounds.n == 0)
        return VERDICT_PASS;
    /* Explaining takes nothing. */
    enum bounds_answer answer =
        call->dry ? bounds_look(core, &bounds, &tightest) : bounds_admit(core, &bounds, &tightest);
    if (answer == BOUNDS_NO_ROOM)
        return refuse_room(refusal);
    call->rate_limit = tightest->rate.per_minute;
    call->rate_remaining = tightest->state.remaining;
    return answer == BOUNDS_ADMIT ? VERDICT_PASS
                                  : refuse_for_now(core, call, refusal, standing, tightest);
}

static enum verdict on_request(struct core *core, struct call *call, struct refusal *refusal)
{
    const struct standing *standing = standing_of(core, call->identity);
    if (core->limits.rates.n > 0 || call->dry || call->service->builtin)
        return ask_all(core, call, refusal, standing);
    if (standing->rate.per_minute == 0 || call->identity->shared)
        return VERDICT_PASS;
    return ask_tier(core, call, refusal, standing);
}

const struct filter filter_rate_limit = {
    .name = "rate_limit",
    .needs = FACT_IDENTITY | FACT_SERVICE | FACT_ENTITLED,
    .optional = true,
    .request = on_request,
};
