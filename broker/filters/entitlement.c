/* entitlement.c - whether they may: by permission of the user, or of the service that
 * makes the call for them (docs/permissions.md). */
#include "builtin/builtin.h"
#include "core/state.h"
#include "filters/filters.h"

static bool may_call(const struct identity *who, struct slice tenant, struct slice subject)
{
    return who && permitted(&who->permissions, VERB_CALL, who->tenant, tenant, subject);
}

/* "service.method" without asking the arena: names are bounded. */
static struct slice subject_of(const struct wire_request *request, uint8_t *room)
{
    size_t len = request->service.len;
    memcpy(room, request->service.data, len);
    room[len++] = '.';
    memcpy(room + len, request->method.data, request->method.len);
    return slice_make(room, len + request->method.len);
}

static enum verdict on_request(void *state, struct core *core, struct call *call,
                               struct refusal *refusal)
{
    (void)state;
    uint8_t room[160];
    struct slice tenant = call->identity->tenant;

    if (call->service->builtin)
        return builtin_admit(core, call, refusal);
    struct slice subject = subject_of(call->request, room);
    if (may_call(call->identity, tenant, subject))
        return VERDICT_PASS;
    if (call->actor && permitted(&call->actor->permissions, VERB_CALL, tenant, tenant, subject))
        return VERDICT_PASS;
    char *needed = arena_printf(&core->arena, "call:%.*s", SLICE_FMT(subject));
    refusal_detail(refusal, "permission", needed);
    return refuse(refusal, STATUS_PERMISSION_DENIED,
                  arena_printf(&core->arena, "needs %s", needed));
}

const struct filter filter_entitlement = {
    .name = "entitlement",
    .needs = FACT_IDENTITY | FACT_SERVICE,
    .gives = FACT_ENTITLED,
    .request = on_request,
};
