/* meter.c - what was answered is counted (core/meter.h). It stands before the balancer, so that a
 * call that is tried again passes it once. */
#include "core/state.h"
#include "filters/filters.h"

#define LATER_MS 1000u

/* Its reply could not leave before the disk works again: then it had better not be served. */
static enum verdict on_request(struct core *core, struct call *call, struct refusal *refusal)
{
    (void)call;
    if (core->limits.durability != DURABILITY_POWER || !core->journal.books_fail)
        return VERDICT_PASS;
    refusal->retry_after_ms = LATER_MS;
    return refuse(refusal, STATUS_UNAVAILABLE, "what is used cannot be recorded now");
}

static void on_reply(struct core *core, struct call *call, const struct wire_reply *reply)
{
    meter_count(core, call, reply);
}

const struct filter filter_meter = {
    .name = "meter",
    .needs = FACT_IDENTITY | FACT_SERVICE | FACT_ENTITLED,
    .optional = true,
    .request = on_request,
    .reply = on_reply,
};
