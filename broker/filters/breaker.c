/* breaker.c - whether the service is up to it: what fails is spared (core/breakers.h). Here is
 * decided what counts as failing. A service that says no has answered; that a caller gives up, or
 * leaves too little time, is not the service's doing. It stands behind dedupe: an answer that is
 * given again burdens nobody. */
#include "core/state.h"
#include "filters/filters.h"

#define USUAL_TIMES 10u /* whoever waits so many times the usual has been patient */
#define PATIENCE_LEAST (100 * NS_PER_MS)

/* What its instance has had it for. */
static uint64_t held(const struct core *core, const struct call *call)
{
    return core->now.mono_ns - call->sent;
}

/* How long a call has to be waited for before its timeout says something. */
static uint64_t patience(const struct call *call, const struct breaker_rules *rules)
{
    const struct pace *pace = &call->service->pace;
    uint64_t slow = rules->slow_ms * NS_PER_MS;
    if (pace->samples == 0)
        return slow;
    uint64_t usual = pace->average_us * 1000 * USUAL_TIMES;
    uint64_t least = usual > PATIENCE_LEAST ? usual : PATIENCE_LEAST;
    return least < slow ? least : slow;
}

/* Its answer took its time; a stream is meant to. */
static enum breaker_outcome judge_time(const struct core *core, const struct call *call,
                                       const struct breaker_rules *rules)
{
    bool slow = !call->stream && held(core, call) >= rules->slow_ms * NS_PER_MS;
    return slow ? BREAKER_SLOW : BREAKER_GOOD;
}

/* Whoever notices it first. */
static enum breaker_outcome judge_timeout(const struct core *core, const struct call *call,
                                          const struct breaker_rules *rules)
{
    bool waited = call->parts == 0 && held(core, call) >= patience(call, rules);
    return waited ? BREAKER_FAILED : BREAKER_UNKNOWN;
}

static enum breaker_outcome judge_answer(const struct core *core, const struct call *call,
                                         const struct breaker_rules *rules, enum status status)
{
    switch (status) {
    case STATUS_INTERNAL:
    case STATUS_UNAVAILABLE:
    case STATUS_OVERLOADED:
    case STATUS_OUTCOME_UNKNOWN:
        return BREAKER_FAILED;
    case STATUS_DEADLINE_EXCEEDED:
        return judge_timeout(core, call, rules);
    case STATUS_CANCELLED:
        return BREAKER_UNKNOWN;
    default:
        return judge_time(core, call, rules);
    }
}

/* The broker has ended it in the service's place. */
static enum breaker_outcome judge_ending(const struct core *core, const struct call *call,
                                         const struct breaker_rules *rules, enum status status)
{
    if (status == STATUS_OUTCOME_UNKNOWN)
        return BREAKER_FAILED;
    return status == STATUS_DEADLINE_EXCEEDED ? judge_timeout(core, call, rules) : BREAKER_UNKNOWN;
}

static enum breaker_outcome judge(struct core *core, const struct call *call, enum status status)
{
    const struct breaker_rules *rules = &breakers_setting(core, call->service)->rules;
    if (call->state != CALL_SERVING || core->draining)
        return BREAKER_UNKNOWN;
    return call->answered ? judge_answer(core, call, rules, status)
                          : judge_ending(core, call, rules, status);
}

/* Until somebody orders otherwise; nobody knows when. */
static enum verdict refuse_by_order(struct core *core, const struct guard *guard,
                                    struct refusal *refusal)
{
    bool whole = guard->tenant.len == 0;
    refusal->lasts = true;
    refusal_detail(refusal, "forced", "true");
    return refuse(refusal, STATUS_BREAKER_OPEN,
                  arena_printf(&core->arena, "by an operator's order %s calls to %.*s are refused",
                               whole ? "all" : "this tenant's", SLICE_FMT(guard->service->name)));
}

static enum verdict refuse_to_burden(struct core *core, const struct guard *guard,
                                     struct refusal *refusal, uint64_t retry_after)
{
    const struct service *service = guard->service;
    bool whole = guard->tenant.len == 0;
    refusal_detail(refusal, "breaker", whole ? "service" : "tenant");
    refusal_detail(refusal, "state", breaker_state_text(guard->breaker.state));
    if (guard->breaker.forced)
        return refuse_by_order(core, guard, refusal);
    refusal->retry_after_ms = (uint32_t)((retry_after + NS_PER_MS - 1) / NS_PER_MS);
    return refuse(refusal, STATUS_BREAKER_OPEN,
                  arena_printf(&core->arena, "%.*s fails too often%s and is spared",
                               SLICE_FMT(service->name), whole ? "" : " for this tenant"));
}

static enum verdict on_request(struct core *core, struct call *call, struct refusal *refusal)
{
    uint64_t retry_after = 0;
    if (call->service->builtin)
        return VERDICT_PASS;
    const struct guard *guard = call->dry ? breakers_refusing(core, call, &retry_after)
                                          : breakers_admit(core, call, &retry_after);
    return guard ? refuse_to_burden(core, guard, refusal, retry_after) : VERDICT_PASS;
}

static void on_reply(struct core *core, struct call *call, const struct wire_reply *reply)
{
    if (!call->service->builtin)
        breakers_tell(core, call, judge(core, call, reply->status));
}

const struct filter filter_breaker = {
    .name = "breaker",
    .needs = FACT_IDENTITY | FACT_SERVICE | FACT_ENTITLED,
    .optional = true,
    .request = on_request,
    .reply = on_reply,
};
