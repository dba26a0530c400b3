#include "core/chain.h"

#include "core/placement.h"
#include "core/state.h"
#include "filters/filters.h"

#include <errno.h>

/* The whole policy of the bus, in the order it is applied. Replies pass in reverse. */
static const struct filter *const order[] = {
    &filter_deadline,   &filter_identity, &filter_registry, &filter_entitlement, &filter_quota,
    &filter_rate_limit, &filter_meter,    &filter_dedupe,   &filter_breaker,     &filter_balancer,
};

/* One call in so many is timed: asking the clock twice a filter would cost more than the filters.
 */
#define SAMPLE 64u

enum verdict refuse(struct refusal *refusal, enum status status, const char *message)
{
    refusal->status = status;
    refusal->message = message;
    return VERDICT_REFUSE;
}

void refusal_detail(struct refusal *refusal, const char *key, const char *value)
{
    if (refusal->n_details < REFUSAL_DETAILS)
        refusal->details[refusal->n_details++] = (struct wire_detail){key, value};
}

bool chain_may_skip(const char *name)
{
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (strcmp(order[i]->name, name) == 0)
            return order[i]->optional;
    }
    return false;
}

static bool is_skipped(const struct filter *filter, const char *const *skipped, size_t n_skipped)
{
    for (size_t i = 0; i < n_skipped; i++) {
        if (filter->optional && strcmp(skipped[i], filter->name) == 0)
            return true;
    }
    return false;
}

int chain_start(struct core *core, const char *const *skipped, size_t n_skipped)
{
    struct chain *chain = &core->chain;
    unsigned known = 0;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const struct filter *filter = order[i];
        if (is_skipped(filter, skipped, n_skipped))
            continue;
        if ((filter->needs & ~known) != 0)
            return -EPROTO;
        known |= filter->gives;
        chain->links[chain->n++].filter = filter;
    }
    return 0;
}

static enum verdict consult(struct core *core, struct chain_link *link, struct call *call,
                            struct refusal *refusal, bool timed)
{
    if (!timed)
        return link->filter->request(core, call, refusal);
    uint64_t before = core->io.ticks(core->io.arg);
    enum verdict verdict = link->filter->request(core, call, refusal);
    link->timed_ns += core->io.ticks(core->io.arg) - before;
    link->timed++;
    return verdict;
}

static void end_refused(struct core *core, struct call *call, const struct refusal *refusal)
{
    struct wire_reply reply = {
        .status = refusal->status,
        .message = slice_of(refusal->message),
        .details = refusal->details,
        .n_details = refusal->n_details,
        .retry_after_ms = refusal->retry_after_ms,
        .retryable = status_retryable(refusal->status) && !refusal->lasts,
    };
    call_end(core, call, &reply);
}

static void run(struct core *core, struct call *call)
{
    struct chain *chain = &core->chain;
    bool timed = chain->seen++ % SAMPLE == 0;
    struct refusal refusal;

    while (call->passed < chain->n) {
        struct chain_link *link = &chain->links[call->passed];
        refusal.n_details = 0;
        refusal.retry_after_ms = 0;
        refusal.lasts = false;
        switch (consult(core, link, call, &refusal, timed)) {
        case VERDICT_PASS:
            link->passed++;
            call->passed++;
            break;
        case VERDICT_WAIT:
            link->waited++;
            return;
        case VERDICT_REFUSE:
            link->refused++;
            end_refused(core, call, &refusal);
            return;
        }
    }
    placement_send(core, call);
}

void chain_request(struct core *core, struct call *call)
{
    call->passed = 0;
    run(core, call);
}

/* Timers fire when the turn ends: a deadline may have passed already. */
void chain_resume(struct core *core, struct call *call)
{
    call_move(call, CALL_OPEN);
    if (call->deadline <= core->now.mono_ns) {
        call_fail(core, call, STATUS_DEADLINE_EXCEEDED, "time ran out");
        return;
    }
    /* A call that had passed the whole chain is to be placed again: by the last filter. */
    if (call->passed == core->chain.n)
        call->passed--;
    run(core, call);
}

void chain_reply(struct core *core, struct call *call, const struct wire_reply *reply)
{
    for (unsigned i = call->passed; i-- > 0;) {
        const struct chain_link *link = &core->chain.links[i];
        if (link->filter->reply)
            link->filter->reply(core, call, reply);
    }
}

void chain_explain(struct core *core, struct call *call,
                   void (*each)(void *arg, const struct filter *filter, enum verdict verdict,
                                const struct refusal *refusal),
                   void *arg)
{
    unsigned known = 0;
    for (unsigned i = 0; i < core->chain.n; i++) {
        const struct chain_link *link = &core->chain.links[i];
        struct refusal refusal = {0};
        if ((link->filter->needs & ~known) != 0)
            continue;
        enum verdict verdict = link->filter->request(core, call, &refusal);
        each(arg, link->filter, verdict, &refusal);
        if (verdict != VERDICT_REFUSE || call->service)
            known |= link->filter->gives;
    }
}
