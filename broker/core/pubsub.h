/* pubsub.h - who listens to what. Topics live inside a tenant: each tenant has a
 * trie of its own, and subscriptions across tenants have one of theirs, so nothing
 * can cross by a pattern. Owned by the core; one thread. */
#ifndef CORE_PUBSUB_H
#define CORE_PUBSUB_H

#include "base/list.h"
#include "base/map.h"
#include "base/wheel.h"
#include "wire/wire.h"

struct core;
struct session;
struct identity;
struct topic_node;

struct subscription {
    struct session *session;   /* NULL: a feed's */
    struct identity *identity; /* hears as long as it is served (core/standing.h) */
    uint64_t feed;             /* io's handle; 0: a session's */
    uint64_t id;               /* chosen by the session */
    bool across;               /* all tenants */
    struct slice pattern;      /* owned */
    struct slice tenant;       /* owned; empty when across */
    struct topic_node *node;
    struct topic_group *group; /* NULL: none */
    struct list by_node;       /* in node.plain or group.members */
    uint64_t missed;           /* since the last delivery */
    uint64_t expires_ms;       /* Unix; 0: with its session, or its feed */
    struct timer expiry;
};

struct pubsub {
    struct map tenants; /* name -> struct topic_root */
    struct topic_root *across;
    struct topic_root *recent; /* the root found last: roots stay until the end */
    size_t count;
    uint64_t sequence; /* of events */
    uint64_t published, delivered, missed;
    struct buf scratch; /* one event, encoded */
};

void pubsub_init(struct pubsub *pubsub);
void pubsub_finish(struct pubsub *pubsub);

struct subscription_options {
    struct session *session;
    struct identity *identity;
    uint64_t feed, id;
    struct slice tenant; /* "*": all */
    struct slice pattern, group;
    uint64_t expires_ms; /* 0: ends with its session, or its feed */
};
struct subscription *subscription_add(struct core *core,
                                      const struct subscription_options *options);
void subscription_remove(struct core *core, struct subscription *subscription);
/* From now on it is that one's: the same user with a newer token. */
void subscription_adopt(struct subscription *subscription, struct identity *identity);

/* Delivers to everyone who listens in the identity's tenant, and across. The event is within
 * limits and permitted. */
void pubsub_publish(struct core *core, struct identity *identity,
                    const struct wire_publish *publish);
/* The same in another tenant. It is nobody's of that tenant: it names no user, and brings no
 * context.
 */
void pubsub_publish_into(struct core *core, struct slice tenant,
                         const struct wire_publish *publish);
/* An event of the broker's own in `tenant`; payload is MessagePack. */
void pubsub_announce(struct core *core, struct slice tenant, const char *topic,
                     struct slice payload);
/* The same, and in every other tenant to those of that tier; empty: to all. Whoever listens across
 * tenants hears it once. */
void pubsub_announce_widely(struct core *core, struct slice tenant, struct slice tier,
                            const char *topic, struct slice payload);

#endif
