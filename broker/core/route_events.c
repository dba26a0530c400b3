/* route_events.c - envelopes about events: publish, subscribe, unsubscribe. */
#include "base/name.h"
#include "builtin/tap.h"
#include "core/route.h"
#include "core/state.h"

static bool publish_fits(const struct wire_publish *p)
{
    return p->content_type.len + p->event_id.len + p->traceparent.len <= ROUTE_TEXTS_MAX;
}

static bool may_publish(struct core *core, const struct inbound *inbound, struct identity *who,
                        struct slice topic)
{
    if (standing_permits(core, who, VERB_PUBLISH, topic))
        return true;
    /* A service may publish for the user it serves what it may publish itself. */
    return who->delegated && permitted(&inbound->session->identity->permissions, VERB_PUBLISH,
                                       who->tenant, who->tenant, topic);
}

static bool is_foreign(const struct identity *who, const struct wire_publish *event)
{
    return event->tenant.len > 0 && !slice_equal(event->tenant, who->tenant);
}

/* In their own name, and with a permission that names the tenant, or all. */
static bool may_publish_there(const struct identity *who, const struct wire_publish *event)
{
    return !who->delegated && name_valid_topic(event->topic) && name_valid_tenant(event->tenant) &&
           permitted(&who->permissions, VERB_PUBLISH, who->tenant, event->tenant, event->topic);
}

static enum status publish(struct core *core, struct inbound *inbound,
                           const struct wire_envelope *envelope, const char **why)
{
    const struct wire_publish *event = &envelope->publish;
    struct identity *who = inbound_identity(core, inbound, envelope->credential);
    if (!who)
        return refuse_with(why, STATUS_UNAUTHENTICATED, TEXT_UNAUTHENTICATED);
    bool foreign = is_foreign(who, event);
    if (foreign && !may_publish_there(who, event)) {
        audit_mismatch(core, who, "publish", event->tenant);
        return refuse_with(why, STATUS_TENANT_MISMATCH, "that is another tenant");
    }
    if (!standing_served(standing_of(core, who)))
        return refuse_with(why, STATUS_SUBSCRIPTION_EXPIRED, TEXT_NOT_SERVED);
    if (!name_valid_topic(event->topic))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "not a topic");
    if (event->topic.len > 4 && memcmp(event->topic.data, "bus.", 4) == 0)
        return refuse_with(why, STATUS_PERMISSION_DENIED, "topics under bus. are the broker's own");
    if (event->payload.len > core->limits.max_payload_bytes || !publish_fits(event))
        return refuse_with(why, STATUS_TOO_LARGE, "the event is over the limit");
    if (!foreign && !may_publish(core, inbound, who, event->topic))
        return refuse_with(
            why, STATUS_PERMISSION_DENIED,
            arena_printf(&core->arena, "needs publish:%.*s", SLICE_FMT(event->topic)));
    if (foreign)
        pubsub_publish_into(core, event->tenant, event);
    else
        pubsub_publish(core, who, event);
    taps_event(core, who, event);
    return STATUS_OK;
}

/* Unconfirmed events that are refused are only counted: nobody waits for an answer. */
void route_publish(struct core *core, struct inbound *inbound, const struct wire_envelope *envelope)
{
    const char *why = "";
    enum status status = publish(core, inbound, envelope, &why);
    if (status != STATUS_OK)
        core->stats.errors[status]++;
    if (envelope->publish.confirm || !inbound->session)
        route_acknowledge(core, inbound, envelope->id, status, why);
}

/* When it ends by itself; 0: its session does not outlive the token. */
static uint64_t own_end(const struct session *session, const struct identity *who)
{
    return who->expires_ms < session->identity->expires_ms ? who->expires_ms : 0;
}

/* Of the subscriptions of one session, these parts are at most for one user it speaks for, and for
 * one tenant. */
#define USER_PART 16u
#define TENANT_PART 4u

static bool fits(uint32_t count, uint32_t most, uint32_t part)
{
    return count < (most > part ? most / part : 1);
}

/* What a session asks for in its own name, and for its own tenant, has no part of its own. */
static bool has_share(const struct core *core, const struct session *session,
                      const struct identity *who)
{
    const struct identity *own = session->identity;
    uint32_t of_user = 0, of_tenant = 0, most = core->limits.max_subscriptions;
    bool same_tenant = slice_equal(who->tenant, own->tenant);
    if (same_tenant && slice_equal(who->user, own->user))
        return true;
    size_t cursor = 0;
    for (const struct subscription *s; (s = map_next(&session->subscriptions, &cursor));) {
        bool is_of_tenant = slice_equal(s->identity->tenant, who->tenant);
        of_tenant += is_of_tenant;
        of_user += is_of_tenant && slice_equal(s->identity->user, who->user);
    }
    return fits(of_user, most, USER_PART) && (same_tenant || fits(of_tenant, most, TENANT_PART));
}

static enum status subscribe(struct core *core, struct inbound *inbound,
                             const struct wire_envelope *envelope, const char **why)
{
    const Farebox__V1__Subscribe *wanted = envelope->subscribe;
    struct session *session = inbound->session;
    struct identity *who = inbound_identity(core, inbound, envelope->credential);
    struct slice pattern = slice_of(wanted->pattern), group = slice_of(wanted->group);

    if (!who)
        return refuse_with(why, STATUS_UNAUTHENTICATED, TEXT_UNAUTHENTICATED);
    if (who->delegated) /* it would outlive the call it was lent for */
        return refuse_with(why, STATUS_PERMISSION_DENIED, "a sealed context cannot subscribe");
    struct slice tenant = wanted->tenant[0] ? slice_of(wanted->tenant) : who->tenant;
    if (!slice_is(tenant, "*") && !slice_equal(tenant, who->tenant)) {
        audit_mismatch(core, who, "subscribe", tenant);
        return refuse_with(why, STATUS_TENANT_MISMATCH, "that is another tenant");
    }
    if (!standing_served(standing_of(core, who)))
        return refuse_with(why, STATUS_SUBSCRIPTION_EXPIRED, TEXT_NOT_SERVED);
    if (!name_valid_pattern(pattern) || (group.len > 0 && !name_valid(group)))
        return refuse_with(why, STATUS_INVALID_ARGUMENT, "not a pattern, or not a group name");
    if (!permitted(&who->permissions, VERB_SUBSCRIBE, who->tenant, tenant, pattern))
        return refuse_with(why, STATUS_PERMISSION_DENIED,
                           arena_printf(&core->arena, "needs subscribe:%s%s",
                                        slice_is(tenant, "*") ? "*/" : "", wanted->pattern));
    if (map_get_u64(&session->subscriptions, envelope->id))
        return refuse_with(why, STATUS_CONFLICT, "a subscription of that id is there");
    if (session->subscriptions.count >= core->limits.max_subscriptions)
        return refuse_with(why, STATUS_OVERLOADED, "too many subscriptions");
    if (!has_share(core, session, who))
        return refuse_with(why, STATUS_QUOTA_EXCEEDED,
                           "too many subscriptions of one user, or one tenant");
    struct subscription_options options = {.session = session,
                                           .identity = who,
                                           .id = envelope->id,
                                           .tenant = tenant,
                                           .pattern = pattern,
                                           .group = group,
                                           .expires_ms = own_end(session, who)};
    map_put_u64(&session->subscriptions, envelope->id, subscription_add(core, &options));
    return STATUS_OK;
}

void route_subscribe(struct core *core, struct inbound *inbound,
                     const struct wire_envelope *envelope)
{
    const char *why = "";
    enum status status = subscribe(core, inbound, envelope, &why);
    route_acknowledge(core, inbound, envelope->id, status, why);
}

void route_unsubscribe(struct core *core, struct inbound *inbound, uint64_t id)
{
    struct subscription *s = map_remove_u64(&inbound->session->subscriptions, id);
    if (s)
        subscription_remove(core, s);
    route_acknowledge(core, inbound, id, s ? STATUS_OK : STATUS_INVALID_ARGUMENT,
                      s ? "" : "no such subscription");
}

void route_subscription_over(struct core *core, struct subscription *subscription,
                             enum status status, const char *why)
{
    struct inbound none = {.session = subscription->session};
    uint64_t id = subscription->id;
    map_remove_u64(&none.session->subscriptions, id);
    subscription_remove(core, subscription);
    route_acknowledge(core, &none, id, status, why);
}
