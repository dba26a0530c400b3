/* entitlement.c - whether they may: by permission of the user, or of the service that
 * makes the call for them (docs/permissions.md), and by the subscription of the user
 * (docs/policy.md), whoever makes it. */
#include "builtin/builtin.h"
#include "core/state.h"
#include "filters/filters.h"

/* "service.method" without asking the arena: names are bounded. */
static struct slice subject_of(const struct wire_request *request, uint8_t *room)
{
    size_t len = request->service.len;
    memcpy(room, request->service.data, len);
    room[len++] = '.';
    memcpy(room + len, request->method.data, request->method.len);
    return slice_make(room, len + request->method.len);
}

static enum verdict check_permission(struct core *core, struct call *call, struct refusal *refusal)
{
    uint8_t room[160];
    struct slice tenant = call->identity->tenant;
    struct slice subject = subject_of(call->request, room);
    if (standing_permits(core, call->identity, VERB_CALL, subject))
        return VERDICT_PASS;
    if (call->actor && permitted(&call->actor->permissions, VERB_CALL, tenant, tenant, subject))
        return VERDICT_PASS;
    char *needed = arena_printf(&core->arena, "call:%.*s", SLICE_FMT(subject));
    refusal_detail(refusal, "permission", needed);
    return refuse(refusal, STATUS_PERMISSION_DENIED,
                  arena_printf(&core->arena, "needs %s", needed));
}

/* ---- subscription ---- */

/* What every refusal says: where they stand, and where more is to be had. */
static void tell_terms(struct core *core, struct refusal *refusal, const struct standing *standing)
{
    refusal_detail(refusal, "current_tier", standing->tier->name);
    if (core->limits.upgrade_url[0])
        refusal_detail(refusal, "upgrade_url", core->limits.upgrade_url);
}

static enum verdict refuse_status(struct core *core, struct refusal *refusal,
                                  const struct standing *standing)
{
    refusal_detail(refusal, "subscription_status", subscription_text(standing->status));
    tell_terms(core, refusal, standing);
    return refuse(refusal, STATUS_SUBSCRIPTION_EXPIRED,
                  standing->status == SUBSCRIPTION_SUSPENDED ? "the subscription is suspended"
                                                             : "the subscription has expired");
}

static enum verdict refuse_terms(struct core *core, struct refusal *refusal,
                                 const struct standing *standing, const char *key,
                                 const char *required, const char *message)
{
    refusal_detail(refusal, key, required);
    tell_terms(core, refusal, standing);
    return refuse(refusal, STATUS_SUBSCRIPTION_INSUFFICIENT, message);
}

static enum verdict check_terms(struct core *core, const struct call *call,
                                const struct standing *standing, struct refusal *refusal)
{
    const struct tier *required =
        standing_required(core, call->service, slice_make(call->method, call->method_len));
    if (required && standing->tier->rank < required->rank)
        return refuse_terms(
            core, refusal, standing, "required_tier", required->name,
            arena_printf(&core->arena, "This feature requires %s subscription", required->name));
    const char *lacking = standing_lacks(standing, call->service);
    if (lacking)
        return refuse_terms(
            core, refusal, standing, "required_feature", lacking,
            arena_printf(&core->arena, "This needs a subscription with the feature %s", lacking));
    return VERDICT_PASS;
}

static enum verdict on_request(struct core *core, struct call *call, struct refusal *refusal)
{
    const struct standing *standing = standing_of(core, call->identity);
    bool builtin = call->service->builtin != NULL;
    enum verdict verdict =
        builtin ? builtin_admit(core, call, refusal) : check_permission(core, call, refusal);
    if (verdict != VERDICT_PASS)
        return verdict;
    /* Operators lock nobody out for good, themselves neither; and a token that is to end must not
     * outlive a suspension. */
    if (!standing_served(standing) && !(builtin && builtin_is_free(call)))
        return refuse_status(core, refusal, standing);
    return check_terms(core, call, standing, refusal);
}

const struct filter filter_entitlement = {
    .name = "entitlement",
    .needs = FACT_IDENTITY | FACT_SERVICE,
    .gives = FACT_ENTITLED,
    .request = on_request,
};
