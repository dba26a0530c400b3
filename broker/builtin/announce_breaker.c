/* announce_breaker.c - what breakers do, as events and in the log. */
#include "base/log.h"
#include "builtin/announce.h"
#include "builtin/packing.h"
#include "core/state.h"

#include <stdio.h>

#define TENANT_BYTES 80u

/* Of a service that all share: whoever serves it; empty when nobody does. */
static struct slice audience(const struct service *service, struct slice tenant)
{
    if (tenant.len > 0)
        return tenant;
    if (service->tenant.len > 0 || service->n_instances == 0)
        return service->tenant;
    return service->at[0]->session->identity->tenant;
}

static uint64_t left_ms(const struct core *core, const struct breaker *breaker)
{
    bool waits = breaker->state == BREAKER_OPEN && breaker->until > core->now.mono_ns;
    return waits ? (breaker->until - core->now.mono_ns + NS_PER_MS - 1) / NS_PER_MS : 0;
}

struct subject {
    const struct service *service;
    struct slice tenant, instance;
    const struct breaker *breaker;
};

static void tell(struct core *core, const struct subject *subject)
{
    char topic[96], tenant[TENANT_BYTES];
    struct slice state = slice_of(breaker_state_text(subject->breaker->state));
    struct buf payload = {0};
    msgpack_packer packer;
    packing_init(&packer, &payload);
    msgpack_pack_map(&packer, 6);
    pack_pair_text(&packer, "service", slice_of(subject->service->key));
    pack_pair_text(&packer, "tenant", subject->tenant);
    pack_pair_text(&packer, "instance", subject->instance);
    pack_pair_text(&packer, "state", state);
    pack_pair_bool(&packer, "forced", subject->breaker->forced);
    pack_pair_uint(&packer, "retry_after_ms", left_ms(core, subject->breaker));
    snprintf(topic, sizeof topic, "bus.breaker.%.*s", SLICE_FMT(subject->service->name));
    struct slice hearers = audience(subject->service, subject->tenant);
    if (hearers.len > 0)
        pubsub_announce(core, hearers, topic, buf_slice(&payload));
    buf_finish(&payload);
    snprintf(tenant, sizeof tenant, "%.*s", SLICE_FMT(subject->tenant));
    log_event(LOG_WARN, "audit.breaker", "state", breaker_state_text(subject->breaker->state),
              "service", subject->service->key, "tenant", tenant, "instance",
              subject->instance.len ? (const char *)subject->instance.data : "", NULL);
}

void announce_breaker(struct core *core, const struct guard *guard)
{
    tell(core, &(struct subject){
                   .service = guard->service, .tenant = guard->tenant, .breaker = &guard->breaker});
}

void announce_ejection(struct core *core, const struct instance *instance)
{
    tell(core, &(struct subject){.service = instance->service,
                                 .instance = slice_of(instance->session->name),
                                 .breaker = &instance->breaker.breaker});
}

void announce_order(const struct guard *guard, const struct identity *by)
{
    char tenant[TENANT_BYTES];
    snprintf(tenant, sizeof tenant, "%.*s", SLICE_FMT(guard->tenant));
    log_event(LOG_INFO, "audit.breaker_order", "state", breaker_state_text(guard->breaker.state),
              "forced", guard->breaker.forced ? "true" : "false", "service", guard->service->key,
              "tenant", tenant, "by_tenant", by->context.tenant, "by_user", by->context.user, NULL);
}
