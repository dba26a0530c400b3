/* rate_limit.c - how often a user may call, by their standing: exact over every trailing minute,
 * and in bursts (policy/window.h). A nested call was let through with the one it is made for, and
 * is not counted again; a refused call is not counted at all. */
#include "core/state.h"
#include "filters/filters.h"
#include "policy/limiter.h"

#include <stdio.h>

#define KEY_BYTES 520u

struct rate_limit {
    struct limiter users;
};

static int start(void *state, struct core *core)
{
    struct rate_limit *self = state;
    limiter_init(&self->users, core->limits.max_limited_users);
    return 0;
}

static void stop(void *state, struct core *core)
{
    struct rate_limit *self = state;
    (void)core;
    limiter_finish(&self->users);
}

/* A tenant's users are its own: NUL is in no name. */
static struct slice key_of(struct core *core, const struct identity *who, uint8_t *room)
{
    size_t len = who->tenant.len + 1 + who->user.len;
    uint8_t *key = len <= KEY_BYTES ? room : arena_alloc(&core->arena, len);
    memcpy(key, who->tenant.data, who->tenant.len);
    key[who->tenant.len] = '\0';
    memcpy(key + who->tenant.len + 1, who->user.data, who->user.len);
    return slice_make(key, len);
}

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

static enum verdict on_request(void *state, struct core *core, struct call *call,
                               struct refusal *refusal)
{
    struct rate_limit *self = state;
    const struct identity *who = call->identity;
    const struct standing *standing = standing_of(core, call->identity);
    struct window_state window;
    uint8_t room[KEY_BYTES];
    if (standing->rate.per_minute == 0 || call->depth > 0)
        return VERDICT_PASS;
    self->users.most = core->limits.max_limited_users;
    enum limiter_verdict verdict = limiter_admit(&self->users, key_of(core, who, room),
                                                 standing->rate, core->now.mono_ns, &window);
    if (verdict == LIMITER_FULL)
        return refuse(refusal, STATUS_OVERLOADED,
                      "more users call than the broker can count; come back in a minute");
    call->rate_limit = standing->rate.per_minute;
    call->rate_remaining = window.remaining;
    return verdict == LIMITER_ADMITTED ? VERDICT_PASS
                                       : refuse_for_now(core, refusal, standing, &window);
}

const struct filter filter_rate_limit = {
    .name = "rate_limit",
    .needs = FACT_IDENTITY | FACT_ENTITLED,
    .optional = true,
    .state_size = sizeof(struct rate_limit),
    .start = start,
    .stop = stop,
    .request = on_request,
};
