#include "builtin/announce.h"

#include "base/log.h"
#include "builtin/packing.h"
#include "builtin/usage_credits.h"
#include "core/state.h"

#include <stdio.h>

static void announce(struct core *core, struct slice tenant, struct slice service,
                     struct slice instance, const char *what)
{
    char topic[96];
    struct buf payload = {0};
    msgpack_packer packer;

    packing_init(&packer, &payload);
    msgpack_pack_map(&packer, 3);
    pack_pair_text(&packer, "event", slice_of(what));
    pack_pair_text(&packer, "service", service);
    pack_pair_text(&packer, "instance", instance);
    snprintf(topic, sizeof topic, "bus.service.%.*s", SLICE_FMT(service));
    pubsub_announce(core, tenant, topic, buf_slice(&payload));
    buf_finish(&payload);
}

void announce_instance(struct core *core, const struct instance *instance, const char *what)
{
    const struct session *session = instance->session;
    announce(core, session->identity->tenant, instance->service->name, slice_of(session->name),
             what);
    log_event(LOG_INFO, "service.instance", "what", what, "service", instance->service->key,
              "instance", session->name, NULL);
}

static void announce_health(struct core *core, const struct instance *cause, struct slice instance,
                            enum health_state state, enum health_state was)
{
    char topic[96];
    struct buf payload = {0};
    msgpack_packer packer;
    packing_init(&packer, &payload);
    msgpack_pack_map(&packer, 5);
    pack_pair_text(&packer, "service", cause->service->name);
    pack_pair_text(&packer, "instance", instance);
    pack_pair_text(&packer, "state", slice_of(health_text(state)));
    pack_pair_text(&packer, "was", slice_of(health_text(was)));
    pack_pair_text(&packer, "reason", slice_of(health_reason(cause)));
    snprintf(topic, sizeof topic, "bus.health.%.*s", SLICE_FMT(cause->service->name));
    pubsub_announce(core, cause->session->identity->tenant, topic, buf_slice(&payload));
    buf_finish(&payload);
}

void announce_instance_health(struct core *core, const struct instance *instance,
                              enum health_state was)
{
    const char *name = instance->session->name, *state = health_text(instance->health.state);
    announce_health(core, instance, slice_of(name), instance->health.state, was);
    log_event(LOG_INFO, "service.instance_health", "service", instance->service->key, "instance",
              name, "state", state, "was", health_text(was), "reason", health_reason(instance),
              NULL);
}

void announce_service_health(struct core *core, const struct instance *cause, enum health_state was)
{
    const struct service *service = cause->service;
    announce_health(core, cause, slice_make(NULL, 0), service->health.state, was);
    log_event(LOG_INFO, "service.health", "service", service->key, "state",
              health_text(service->health.state), "was", health_text(was), NULL);
}

void announce_removal(struct core *core, const struct service *service, const struct identity *by)
{
    announce(core, service->tenant.len ? service->tenant : by->tenant, service->name,
             slice_make(NULL, 0), "removed");
    log_event(LOG_INFO, "service.removed", "service", service->key, "tenant", by->context.tenant,
              "user", by->context.user, NULL);
}

void announce_account(struct core *core, const struct account *account, const char *what,
                      const char *changed, const struct identity *by)
{
    char topic[96];
    struct buf payload = {0};
    msgpack_packer packer;
    packing_init(&packer, &payload);
    account_pack(&packer, account, core->now.unix_ms, 1);
    pack_pair_text(&packer, "event", slice_of(what));
    snprintf(topic, sizeof topic, "bus.tenant.%.*s", SLICE_FMT(account->tenant));
    pubsub_announce(core, account->tenant, topic, buf_slice(&payload));
    buf_finish(&payload);
    log_event(LOG_INFO, "audit.tenant", "what", what, "record", account->key, "tier", account->tier,
              "status", subscription_text(account_status(account, core->now.unix_ms)), "by_tenant",
              by ? by->context.tenant : "", "by_user", by ? by->context.user : "", "changed",
              changed, NULL);
}

void announce_quota(struct core *core, const struct month *month, const struct tier *tier)
{
    struct buf payload = {0};
    msgpack_packer packer;
    packing_init(&packer, &payload);
    msgpack_pack_map(&packer, 5);
    pack_pair_uint(&packer, "percent", month->warned);
    pack_pair_uint(&packer, "used", month->calls);
    pack_pair_uint(&packer, "limit", tier->monthly);
    pack_pair_text(&packer, "month", slice_make(month->key.data, CALENDAR_MONTH));
    pack_pair_bool(&packer, "soft", tier->soft);
    pubsub_announce(core, month->tenant, "bus.quota", buf_slice(&payload));
    buf_finish(&payload);
    log_event(LOG_WARN, "quota.used", "tenant", arena_text(&core->arena, month->tenant), "percent",
              arena_printf(&core->arena, "%u", month->warned), "tier", tier->name, NULL);
}

void announce_credit(struct core *core, const struct credit *credit, const struct identity *by)
{
    struct buf payload = {0};
    msgpack_packer packer;
    packing_init(&packer, &payload);
    usage_pack_credit(&packer, credit, slice_make(NULL, 0));
    pubsub_announce(core, credit->of.tenant, "bus.credit", buf_slice(&payload));
    buf_finish(&payload);
    log_event(LOG_INFO, "audit.credit", "tenant", arena_text(&core->arena, credit->of.tenant), "id",
              arena_text(&core->arena, credit->id), "calls",
              arena_printf(&core->arena, "%llu", (unsigned long long)credit->calls), "by_tenant",
              by->context.tenant, "by_user", by->context.user, NULL);
}

/* Whose values they are: "acme" of the scope "tenant.acme". Empty: it is no such scope. */
static struct slice owner_in(struct slice scope, const char *kind)
{
    size_t skip = strlen(kind);
    return scope.len > skip && memcmp(scope.data, kind, skip) == 0
               ? slice_make(scope.data + skip, scope.len - skip)
               : slice_make("", 0);
}

/* Without what it is set to, which may be a secret: whoever it concerns asks for it. */
static void tell_of_value(struct core *core, const struct value *value, struct slice payload,
                          const struct identity *by)
{
    struct slice owner = owner_in(value->scope, "tenant.");
    const char *topic = arena_printf(&core->arena, "bus.config.%.*s", SLICE_FMT(value->key));
    if (owner.len > 0)
        pubsub_announce(core, owner, topic, payload);
    else
        pubsub_announce_widely(core, by->tenant, owner_in(value->scope, "tier."), topic, payload);
}

void announce_value(struct core *core, const struct value *value, const struct identity *by)
{
    const char *what = value->deleted ? "deleted" : "set";
    struct buf payload = {0};
    msgpack_packer packer;
    packing_init(&packer, &payload);
    msgpack_pack_map(&packer, 4);
    pack_pair_text(&packer, "event", slice_of(what));
    pack_pair_text(&packer, "key", value->key);
    pack_pair_text(&packer, "scope", value->scope);
    pack_pair_uint(&packer, "revision", value->revision);
    tell_of_value(core, value, buf_slice(&payload), by);
    buf_finish(&payload);
    log_event(LOG_INFO, "audit.config", "what", what, "scope",
              arena_text(&core->arena, value->scope), "key", arena_text(&core->arena, value->key),
              "by_tenant", by->context.tenant, "by_user", by->context.user, NULL);
}

void announce_reveal(struct core *core, const struct value *value, const struct identity *to)
{
    log_event(LOG_INFO, "audit.secret_revealed", "scope", arena_text(&core->arena, value->scope),
              "key", arena_text(&core->arena, value->key), "tenant", to->context.tenant, "user",
              to->context.user, NULL);
}
