/* meter.c - what was answered is counted (core/meter.h). It stands before the balancer, so that a
 * call that is tried again passes it once. */
#include "core/meter.h"
#include "filters/filters.h"

static enum verdict on_request(void *state, struct core *core, struct call *call,
                               struct refusal *refusal)
{
    (void)state;
    (void)core;
    (void)call;
    (void)refusal;
    return VERDICT_PASS;
}

static void on_reply(void *state, struct core *core, struct call *call,
                     const struct wire_reply *reply)
{
    (void)state;
    meter_count(core, call, reply);
}

const struct filter filter_meter = {
    .name = "meter",
    .needs = FACT_IDENTITY | FACT_SERVICE | FACT_ENTITLED,
    .optional = true,
    .request = on_request,
    .reply = on_reply,
};
