#include "core/pubsub.h"

#include "base/mem.h"
#include "base/name.h"
#include "core/route.h"
#include "core/state.h"

/* One token of a topic. Children are found by token; '*' and '>' have places of their own. */
struct topic_node {
    struct topic_node *parent;
    char *token; /* key in parent->children; NULL for the root and '*' */
    struct map children;
    struct topic_node *recent; /* the child found last: events come in runs */
    struct topic_node *star;
    struct list plain, tail; /* subscriptions that end here; that end here in '>' */
    struct map groups, tail_groups;
    bool is_star;
};

struct topic_group {
    char *name;
    struct list members; /* the next to be served first */
};

struct topic_root {
    char *tenant;
    struct topic_node *top;
};

/* ---- the trie ---- */

static struct topic_node *node_create(struct topic_node *parent)
{
    struct topic_node *node = mem_zalloc(sizeof *node);
    node->parent = parent;
    list_init(&node->plain);
    list_init(&node->tail);
    return node;
}

static struct topic_node *child_of(struct topic_node *node, struct slice token)
{
    if (slice_is(token, "*")) {
        if (!node->star) {
            node->star = node_create(node);
            node->star->is_star = true;
        }
        return node->star;
    }
    struct topic_node *child = map_get(&node->children, token);
    if (!child) {
        child = node_create(node);
        child->token = mem_zalloc(token.len + 1);
        memcpy(child->token, token.data, token.len);
        map_put(&node->children, slice_of(child->token), child);
    }
    return child;
}

static bool node_empty(const struct topic_node *node)
{
    return list_empty(&node->plain) && list_empty(&node->tail) && !node->star &&
           node->children.count == 0 && node->groups.count == 0 && node->tail_groups.count == 0;
}

static void node_destroy(struct topic_node *node)
{
    map_finish(&node->children);
    map_finish(&node->groups);
    map_finish(&node->tail_groups);
    mem_free(node->token);
    mem_free(node);
}

static void prune(struct topic_node *node)
{
    while (node->parent && node_empty(node)) {
        struct topic_node *parent = node->parent;
        if (node->is_star)
            parent->star = NULL;
        else
            map_remove(&parent->children, slice_of(node->token));
        parent->recent = NULL;
        node_destroy(node);
        node = parent;
    }
}

static struct slice first_token(struct slice topic)
{
    const uint8_t *dot = memchr(topic.data, '.', topic.len);
    return dot ? slice_make(topic.data, (size_t)(dot - topic.data)) : topic;
}

static struct slice other_tokens(struct slice topic, struct slice first)
{
    size_t skip = first.len < topic.len ? first.len + 1 : first.len;
    return slice_make(topic.data + skip, topic.len - skip);
}

static struct topic_node *descend(struct topic_node *node, struct slice pattern, bool *tail)
{
    *tail = false;
    while (pattern.len > 0) {
        struct slice token = first_token(pattern);
        if (slice_is(token, ">")) {
            *tail = true;
            break;
        }
        node = child_of(node, token);
        pattern = other_tokens(pattern, token);
    }
    return node;
}

/* ---- roots ---- */

void pubsub_init(struct pubsub *pubsub)
{
    *pubsub = (struct pubsub){0};
    pubsub->across = mem_zalloc(sizeof *pubsub->across);
    pubsub->across->top = node_create(NULL);
}

static void root_destroy(struct topic_root *root)
{
    node_destroy(root->top);
    mem_free(root->tenant);
    mem_free(root);
}

void pubsub_finish(struct pubsub *pubsub)
{
    size_t cursor = 0;
    for (struct topic_root *root; (root = map_next(&pubsub->tenants, &cursor));)
        root_destroy(root);
    map_finish(&pubsub->tenants);
    root_destroy(pubsub->across);
    buf_finish(&pubsub->scratch);
}

static struct topic_root *root_for(struct pubsub *pubsub, struct slice tenant)
{
    struct topic_root *root = map_get(&pubsub->tenants, tenant);
    if (!root) {
        root = mem_zalloc(sizeof *root);
        root->tenant = mem_zalloc(tenant.len + 1);
        memcpy(root->tenant, tenant.data, tenant.len);
        root->top = node_create(NULL);
        map_put(&pubsub->tenants, slice_of(root->tenant), root);
    }
    return root;
}

/* ---- subscriptions ---- */

static struct topic_group *group_for(struct map *groups, struct slice name)
{
    struct topic_group *group = map_get(groups, name);
    if (!group) {
        group = mem_zalloc(sizeof *group);
        group->name = mem_zalloc(name.len + 1);
        memcpy(group->name, name.data, name.len);
        list_init(&group->members);
        map_put(groups, slice_of(group->name), group);
    }
    return group;
}

static struct slice own_copy(struct slice text)
{
    return slice_make(mem_dup(text.data, text.len), text.len);
}

static void on_expiry(struct timer *timer, void *arg)
{
    struct core *core = arg;
    struct subscription *self = LIST_ENTRY(timer, struct subscription, expiry);
    if (self->expires_ms > core->now.unix_ms)
        wheel_arm(&core->wheel, timer, identity_look_at(self->expires_ms, core->now));
    else
        route_subscription_over(core, self, STATUS_UNAUTHENTICATED,
                                "the token it was made with has expired");
}

struct subscription *subscription_add(struct core *core, const struct subscription_options *wanted)
{
    struct pubsub *pubsub = &core->pubsub;
    struct subscription *self = mem_zalloc(sizeof *self);
    bool tail;

    self->session = wanted->session;
    self->identity = identity_ref(wanted->identity);
    self->feed = wanted->feed;
    self->id = wanted->id;
    self->across = slice_is(wanted->tenant, "*");
    self->expires_ms = wanted->expires_ms;
    timer_init(&self->expiry, on_expiry);
    if (self->expires_ms)
        wheel_arm(&core->wheel, &self->expiry, identity_look_at(self->expires_ms, core->now));
    self->pattern = own_copy(wanted->pattern);
    self->tenant = own_copy(wanted->tenant);
    struct topic_root *root = self->across ? pubsub->across : root_for(pubsub, wanted->tenant);
    self->node = descend(root->top, self->pattern, &tail);
    if (wanted->group.len > 0) {
        self->group =
            group_for(tail ? &self->node->tail_groups : &self->node->groups, wanted->group);
        list_push(&self->group->members, &self->by_node);
    } else {
        list_push(tail ? &self->node->tail : &self->node->plain, &self->by_node);
    }
    pubsub->count++;
    return self;
}

static void leave_group(struct subscription *self)
{
    struct slice name = slice_of(self->group->name);
    if (!list_empty(&self->group->members))
        return;
    if (map_get(&self->node->groups, name) == self->group)
        map_remove(&self->node->groups, name);
    else
        map_remove(&self->node->tail_groups, name);
    mem_free(self->group->name);
    mem_free(self->group);
}

void subscription_adopt(struct subscription *self, struct identity *identity)
{
    identity_ref(identity);
    identity_unref(self->identity);
    self->identity = identity;
}

void subscription_remove(struct core *core, struct subscription *self)
{
    wheel_disarm(&core->wheel, &self->expiry);
    list_remove(&self->by_node);
    if (self->group)
        leave_group(self);
    prune(self->node);
    mem_free((void *)(uintptr_t)self->pattern.data);
    mem_free((void *)(uintptr_t)self->tenant.data);
    identity_unref(self->identity);
    mem_free(self);
    core->pubsub.count--;
}

/* ---- publishing ---- */

/* An event on its way: encoded once for all who get the same bytes. */
struct event {
    struct identity *identity; /* NULL: the broker's own, or from another tenant */
    struct wire_delivery delivery;
    struct buf encoded;
    struct slice tier; /* told to those of it alone; empty: to everybody */
    bool across;       /* the subscriptions now being visited span tenants */
};

/* Into the very frame the delivery goes into: its table is the only one it can point to. */
static uint32_t put_context(struct core *core, const struct event *event,
                            const struct session *session, struct wire_out *out)
{
    if (!event->across || !event->identity)
        return 0;
    const struct identity_seal *seal =
        standing_seal(core, event->identity, session_event_audience(core, session),
                      event->identity->context.depth);
    return wire_put_credential(out, buf_slice(&seal->credential));
}

static void deliver_in_full(struct core *core, struct event *event, struct subscription *s)
{
    struct wire_delivery delivery = event->delivery;
    struct wire_out *out = session_out(core, s->session);
    uint32_t credential = put_context(core, event, s->session, out);
    delivery.missed = s->missed;
    if (!event->across)
        delivery.tenant = delivery.user = slice_make(NULL, 0);
    s->missed = 0;
    wire_put_delivery(out, s->id, credential, &delivery);
}

static void deliver_alike(struct core *core, struct event *event, struct subscription *s)
{
    if (event->encoded.len == 0) {
        struct wire_delivery delivery = event->delivery;
        delivery.tenant = delivery.user = slice_make(NULL, 0);
        wire_encode_delivery(&event->encoded, &delivery);
    }
    wire_put_encoded_delivery(session_out(core, s->session), s->id, buf_slice(&event->encoded));
}

static bool may_hear(struct core *core, const struct subscription *s)
{
    return !revoked_holds(core, s->identity) && standing_served(standing_of(core, s->identity));
}

static void miss(struct core *core, struct subscription *s)
{
    s->missed++;
    core->pubsub.missed++;
    if (s->session)
        s->session->missed++;
}

static bool concerns(struct core *core, const struct event *event, const struct subscription *s)
{
    return event->tier.len == 0 ||
           slice_is(event->tier, standing_of(core, s->identity)->tier->name);
}

static void deliver(struct core *core, struct event *event, struct subscription *s)
{
    if (!may_hear(core, s) || (s->session && session_full(core, s->session))) {
        miss(core, s);
        return;
    }
    if (s->feed)
        core->io.feed_send(core->io.arg, s->feed, event->delivery.topic, event->delivery.payload);
    else if (event->across || s->missed > 0)
        deliver_in_full(core, event, s);
    else
        deliver_alike(core, event, s);
    core->pubsub.delivered++;
}

static void deliver_all(struct core *core, struct event *event, struct list *head)
{
    for (struct list *node = head->next; node != head; node = node->next) {
        struct subscription *s = LIST_ENTRY(node, struct subscription, by_node);
        if (concerns(core, event, s))
            deliver(core, event, s);
    }
}

static bool can_take(struct core *core, const struct subscription *s)
{
    return may_hear(core, s) &&
           (s->feed || (s->session->state == SESSION_READY && !session_full(core, s->session)));
}

/* In turn, passing over those who cannot take it; if nobody can, whoever's turn it is misses it. */
static void deliver_group(struct core *core, struct event *event, struct topic_group *group)
{
    struct list *chosen = NULL;
    bool taken = false;
    for (struct list *node = group->members.next; !taken && node != &group->members;
         node = node->next) {
        const struct subscription *s = LIST_ENTRY(node, struct subscription, by_node);
        if (!concerns(core, event, s))
            continue;
        taken = can_take(core, s);
        if (taken || !chosen)
            chosen = node;
    }
    if (!chosen)
        return;
    list_remove(chosen);
    list_push(&group->members, chosen);
    deliver(core, event, LIST_ENTRY(chosen, struct subscription, by_node));
}

static void deliver_groups(struct core *core, struct event *event, const struct map *groups)
{
    size_t cursor = 0;
    if (groups->count == 0)
        return;
    for (struct topic_group *group; (group = map_next(groups, &cursor));)
        deliver_group(core, event, group);
}

static struct topic_node *find_child(struct topic_node *node, struct slice token)
{
    if (node->children.count == 0)
        return NULL;
    if (node->recent && slice_is(token, node->recent->token))
        return node->recent;
    struct topic_node *child = map_get(&node->children, token);
    if (child)
        node->recent = child;
    return child;
}

/* Depth is bounded by NAME_TOPIC_TOKENS. */
static void visit(struct core *core, struct event *event, struct topic_node *node,
                  struct slice rest)
{
    if (rest.len == 0) {
        deliver_all(core, event, &node->plain);
        deliver_groups(core, event, &node->groups);
        return;
    }
    deliver_all(core, event, &node->tail);
    deliver_groups(core, event, &node->tail_groups);
    struct slice token = first_token(rest);
    struct slice others = other_tokens(rest, token);
    struct topic_node *child = find_child(node, token);
    if (child)
        visit(core, event, child, others);
    if (node->star)
        visit(core, event, node->star, others);
}

static struct topic_root *find_root(struct pubsub *pubsub, struct slice tenant)
{
    if (pubsub->recent && slice_is(tenant, pubsub->recent->tenant))
        return pubsub->recent;
    struct topic_root *root = map_get(&pubsub->tenants, tenant);
    if (root)
        pubsub->recent = root;
    return root;
}

static void send_out(struct core *core, struct event *event, struct slice tenant)
{
    struct pubsub *pubsub = &core->pubsub;
    struct topic_root *root = find_root(pubsub, tenant);

    event->delivery.sequence = ++pubsub->sequence;
    pubsub->published++;
    if (root)
        visit(core, event, root->top, event->delivery.topic);
    event->across = true;
    visit(core, event, pubsub->across->top, event->delivery.topic);
}

static void publish_in(struct core *core, struct slice tenant, struct identity *identity,
                       const struct wire_publish *publish)
{
    struct event event = {
        .identity = identity,
        .delivery = {.topic = publish->topic,
                     .payload = publish->payload,
                     .content_type = publish->content_type,
                     .event_id = publish->event_id,
                     .traceparent = publish->traceparent,
                     .tenant = tenant,
                     .user = identity ? identity->user : slice_make(NULL, 0)},
        .encoded = core->pubsub.scratch,
    };
    event.encoded.len = 0;
    send_out(core, &event, tenant);
    core->pubsub.scratch = event.encoded;
}

void pubsub_publish(struct core *core, struct identity *identity,
                    const struct wire_publish *publish)
{
    publish_in(core, identity->tenant, identity, publish);
}

void pubsub_publish_into(struct core *core, struct slice tenant, const struct wire_publish *publish)
{
    publish_in(core, tenant, NULL, publish);
}

void pubsub_announce(struct core *core, struct slice tenant, const char *topic,
                     struct slice payload)
{
    struct event event = {
        .delivery = {.topic = slice_of(topic), .payload = payload, .tenant = tenant},
    };
    send_out(core, &event, tenant);
    buf_finish(&event.encoded);
}

void pubsub_announce_widely(struct core *core, struct slice tenant, struct slice tier,
                            const char *topic, struct slice payload)
{
    struct event event = {
        .delivery = {.topic = slice_of(topic), .payload = payload, .tenant = tenant},
    };
    size_t cursor = 0;
    send_out(core, &event, tenant);
    event.across = false;
    event.tier = tier;
    for (struct topic_root *root; (root = map_next(&core->pubsub.tenants, &cursor));) {
        if (!slice_is(tenant, root->tenant))
            visit(core, &event, root->top, event.delivery.topic);
    }
    buf_finish(&event.encoded);
}
