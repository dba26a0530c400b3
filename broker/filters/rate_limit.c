/* rate_limit.c - how often a user may call, by their standing: exact over every trailing minute,
 * and in bursts (core/rates.h). A nested call was let through with the one it is made for, and
 * is not counted again; a refused call is not counted at all. */
#include "core/state.h"
#include "filters/filters.h"

static enum verdict refuse_for_now(struct core *core, struct refusal *refusal,
                                   const struct standing *standing,
                                   const struct window_state *window)
{
    refusal->retry_after_ms = (uint32_t)((window->retry_after + NS_PER_MS - 1) / NS_PER_MS);
    refusal_detail(refusal, "tier", standing->tier->name);
    refusal_detail(refusal, "limit", arena_printf(&core->arena, "%u", standing->rate.per_minute));
    refusal_detail(refusal, "burst", arena_printf(&core->arena, "%u", standing->rate.burst));
    return refuse(refusal, STATUS_RATE_LIMITED,
                  arena_printf(&core->arena, "the tier %s allows %u calls a minute, %u at once",
                               standing->tier->name, standing->rate.per_minute,
                               standing->rate.burst));
}

/* Asking takes nothing. */
static enum verdict explain(struct core *core, const struct call *call, struct refusal *refusal,
                            const struct standing *standing)
{
    struct window_state window;
    rates_look(core, call->identity->tenant, call->identity->user, standing->rate, &window);
    return window.retry_after == 0 ? VERDICT_PASS
                                   : refuse_for_now(core, refusal, standing, &window);
}

static enum verdict on_request(void *state, struct core *core, struct call *call,
                               struct refusal *refusal)
{
    const struct standing *standing = standing_of(core, call->identity);
    struct window_state window;
    (void)state;
    if (standing->rate.per_minute == 0 || call->depth > 0)
        return VERDICT_PASS;
    if (call->dry)
        return explain(core, call, refusal, standing);
    struct limited *user = rates_user(core, call->identity);
    if (!user)
        return refuse(refusal, STATUS_OVERLOADED,
                      "more users call than the broker can count; come back in a minute");
    bool admitted = rates_admit(core, user, standing->rate, &window);
    call->rate_limit = standing->rate.per_minute;
    call->rate_remaining = window.remaining;
    return admitted ? VERDICT_PASS : refuse_for_now(core, refusal, standing, &window);
}

const struct filter filter_rate_limit = {
    .name = "rate_limit",
    .needs = FACT_IDENTITY | FACT_ENTITLED,
    .optional = true,
    .request = on_request,
};
