/* quota.c - how many calls a tenant may use in a calendar month, by tier; as the meter counts them
 * (core/months.h). What is let through has its place: calls under way are counted in advance, so no
 * call over a hard quota is ever begun. What a shared service calls for one that was let through is
 * part of it: it counts, and is not refused. Somebody is told at 80 % and at 100 %, of soft quotas
 * too. */
#include "base/log.h"
#include "builtin/announce.h"
#include "core/state.h"
#include "filters/filters.h"

#include <inttypes.h>

static const uint32_t warnings[] = {80, 100}; /* percent */

static enum verdict refuse_until_next(struct core *core, struct refusal *refusal,
                                      const struct tier *tier)
{
    char resets_at[CALENDAR_HOUR + 1];
    uint64_t left_ms = months_end_ms(core) - core->now.unix_ms;
    calendar_print(months_end_ms(core) / 3600000, resets_at);
    refusal->retry_after_ms = left_ms < UINT32_MAX ? (uint32_t)left_ms : UINT32_MAX;
    refusal_detail(refusal, "tier", tier->name);
    refusal_detail(refusal, "limit", arena_printf(&core->arena, "%" PRIu64, tier->monthly));
    refusal_detail(refusal, "resets_at", arena_printf(&core->arena, "%s:00:00Z", resets_at));
    if (core->limits.upgrade_url[0])
        refusal_detail(refusal, "upgrade_url", core->limits.upgrade_url);
    return refuse(refusal, STATUS_QUOTA_EXCEEDED,
                  arena_printf(&core->arena, "the tier %s allows %" PRIu64 " calls a month",
                               tier->name, tier->monthly));
}

static bool is_used_up(const struct month *month, const struct tier *tier)
{
    return !tier->soft && month && month->calls + month->pending >= tier->monthly;
}

static enum verdict on_request(struct core *core, struct call *call, struct refusal *refusal)
{
    const struct tier *tier = standing_of(core, call->identity)->of_tenant;
    if (tier->monthly == 0 || call->identity->shared || call->service->builtin)
        return VERDICT_PASS;
    if (call->dry)
        return is_used_up(months_find(core, call->identity->tenant), tier)
                   ? refuse_until_next(core, refusal, tier)
                   : VERDICT_PASS;
    struct month *month = months_of(core, call->identity);
    if (is_used_up(month, tier))
        return refuse_until_next(core, refusal, tier);
    month_begin(core, month);
    call->pending = true;
    return VERDICT_PASS;
}

/* The first call with which it is reached: of a few calls no percentage is a whole number. */
static uint64_t calls_at(const struct tier *tier, uint32_t percent)
{
    return tier->monthly / 100 * percent + (tier->monthly % 100 * percent + 99) / 100;
}

static void warn(struct core *core, struct month *month, const struct tier *tier)
{
    for (size_t i = sizeof warnings / sizeof *warnings; i-- > 0;) {
        if (month->calls < calls_at(tier, warnings[i]))
            continue;
        if (month->warned >= warnings[i])
            return;
        month_warned(core, month, warnings[i]);
        announce_quota(core, month, tier);
        return;
    }
}

/* The meter has counted it: replies pass the filters in reverse. With a call made for another one,
 * too, so much may be used. */
static void on_reply(struct core *core, struct call *call, const struct wire_reply *reply)
{
    (void)reply;
    const struct tier *tier = standing_of(core, call->identity)->of_tenant;
    bool counts = tier->monthly > 0 && !call->dry && !call->service->builtin;
    if (!call->pending && !counts)
        return;
    struct month *month = months_of(core, call->identity);
    if (call->pending)
        month_end(month);
    call->pending = false;
    if (counts)
        warn(core, month, tier);
}

const struct filter filter_quota = {
    .name = "quota",
    .needs = FACT_IDENTITY | FACT_SERVICE | FACT_ENTITLED,
    .optional = true,
    .request = on_request,
    .reply = on_reply,
};
