/* identity.c - on whose behalf: the session's own user, a token that came with the
 * call, or a context this broker sealed and the service hands back. */
#include "core/route.h"
#include "core/state.h"
#include "filters/filters.h"

/* However a service obtained it, a sealed context remembers how deep it already is. */
static void inherit_depth(struct call *call)
{
    uint32_t beneath = call->identity->context.depth + 1;
    if (call->depth < beneath)
        call->depth = beneath;
}

/* Who explains with a token operates the bus, and may know what is wrong with it. */
static enum verdict rehearse(struct core *core, struct call *call, struct refusal *refusal)
{
    char why[IDENTITY_WHY_BYTES] = "";
    if (call->identity)
        return VERDICT_PASS; /* supposed */
    call->identity =
        identities_judge_token(core->identities, call->dry->token, core->now.unix_ms, why);
    if (!call->identity) {
        refusal_detail(refusal, "defect", arena_printf(&core->arena, "%s", why));
        return refuse(refusal, STATUS_UNAUTHENTICATED, TEXT_UNAUTHENTICATED);
    }
    const struct context *claims = &call->identity->context;
    refusal->message = arena_printf(&core->arena, "%s of %s", claims->user, claims->tenant);
    return VERDICT_PASS;
}

static enum verdict on_request(struct core *core, struct call *call, struct refusal *refusal)
{
    if (call->dry)
        return rehearse(core, call, refusal);
    struct inbound *inbound = call->inbound;
    struct identity *identity = inbound_identity(core, inbound, call->credential);
    if (!identity)
        return refuse(refusal, STATUS_UNAUTHENTICATED, TEXT_UNAUTHENTICATED);
    call->identity = identity_ref(identity);
    call->inbound = NULL;
    if (identity->delegated) {
        call->actor = identity_ref(inbound->session->identity);
        inherit_depth(call);
    }
    if (call->depth > core->limits.call_depth)
        return refuse(refusal, STATUS_INVALID_ARGUMENT, "calls are nested too deep");
    if (call->request->tenant.len > 0 && !slice_equal(call->request->tenant, identity->tenant)) {
        audit_mismatch(core, identity, "call", call->request->tenant);
        return refuse(refusal, STATUS_TENANT_MISMATCH, "that is another tenant");
    }
    return VERDICT_PASS;
}

const struct filter filter_identity = {
    .name = "identity",
    .gives = FACT_IDENTITY,
    .request = on_request,
};
