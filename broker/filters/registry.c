/* registry.c - which service, and whether it knows the method. */
#include "core/state.h"
#include "filters/filters.h"

#include "base/name.h"

static bool knows(const struct service *service, struct slice method)
{
    const Farebox__V1__Register *record = service->record;
    if (!record || record->n_methods == 0)
        return true; /* not declared: the handler decides */
    for (size_t i = 0; i < record->n_methods; i++) {
        if (slice_is(method, record->methods[i]))
            return true;
    }
    return false;
}

static enum verdict on_request(struct core *core, struct call *call, struct refusal *refusal)
{
    const struct wire_request *request = call->request;
    if (!name_valid_service(request->service) || !name_valid(request->method))
        return refuse(refusal, STATUS_INVALID_ARGUMENT, "not a service and method name");
    if (request->payload.len > core->limits.max_payload_bytes)
        return refuse(refusal, STATUS_TOO_LARGE, "the payload is over the limit");
    memcpy(call->method, request->method.data, request->method.len);
    call->method_len = (uint8_t)request->method.len;
    call->service = registry_resolve(core, call->identity->tenant, request->service);
    if (!call->service)
        return refuse(refusal, STATUS_SERVICE_NOT_FOUND,
                      arena_printf(&core->arena, "no service %.*s", SLICE_FMT(request->service)));
    if (!knows(call->service, request->method))
        return refuse(refusal, STATUS_METHOD_NOT_FOUND,
                      arena_printf(&core->arena, "%.*s has no method %.*s",
                                   SLICE_FMT(request->service), SLICE_FMT(request->method)));
    return VERDICT_PASS;
}

const struct filter filter_registry = {
    .name = "registry",
    .needs = FACT_IDENTITY,
    .gives = FACT_SERVICE,
    .request = on_request,
};
