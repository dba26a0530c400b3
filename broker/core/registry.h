/* registry.h - services and the instances that serve them. A service's record outlives
 * its instances and the broker; an instance lives with its session. A tenant may
 * have a service of its own beside the shared one of that name: they are two
 * services, and registry_resolve() says which one a caller gets. Owned by the
 * core; one thread. */
#ifndef CORE_REGISTRY_H
#define CORE_REGISTRY_H

#include "base/hist.h"
#include "base/list.h"
#include "base/map.h"
#include "base/wheel.h"
#include "core/breakers.h"
#include "core/health.h"
#include "policy/budget.h"
#include "policy/fair.h"
#include "policy/pace.h"
#include "wire/wire.h"

struct core;
struct session;
struct call;
struct builtin;
struct identity;

#define REGISTRY_TABLE "registry"
#define REGISTRY_METHODS_MAX 256u
#define REGISTRY_RECORD_MAX (64u * 1024u)
#define REGISTRY_SHARE 4u /* one part in so many of it is the most that one tenant may own */

struct service {
    char *key;                     /* in registry.by_key: the name, or "tenant/name" */
    struct slice name, tenant;     /* views into key; tenant empty: shared */
    const struct builtin *builtin; /* the broker's own; NULL for all others */
    Farebox__V1__Register *record; /* the newest registration, unpacked; NULL for a builtin */
    bool unsaved;                  /* the store has an older record, or none */
    bool awaited;                  /* the broker has just started: instances may come back */
    struct list instances;         /* instance.by_service */
    struct instance **at;          /* the same, to pick from */
    uint32_t n_instances, cap_at;
    struct fair waiting; /* call.turn: no instance had room */
    uint32_t in_flight;  /* at all instances */
    struct pace pace;    /* of the answers of all */
    struct budget retries;
    struct service_breakers breakers;
    struct service_health health;
    uint64_t calls, errors;
    struct hist latency;   /* ns, answered calls */
    uint64_t metered_hour; /* in which so many methods of it have names in the usage */
    unsigned metered;
};

struct instance {
    struct service *service;
    struct session *session;
    struct list by_service, by_session;
    struct list calls; /* call.by_instance: under way here */
    char *version;
    uint32_t capacity, in_flight;
    struct pace pace;
    struct instance_breaker breaker;
    struct instance_health health;
    uint64_t silent_since; /* mono ns: it has had calls and answered none; 0: it has */
    bool draining;         /* takes no new calls; removed with its last one */
    bool gone;             /* being removed */
    uint64_t since_ms, n_calls, errors;
};

struct registry {
    struct map by_key;
    size_t n_builtin;  /* services that are the broker's own */
    size_t n_own;      /* services that belong to a tenant */
    struct map owners; /* struct owner by tenant */
    size_t n_instances;
    struct timer awaiting; /* services that were there before */
};

/* Reads the records back. */
int registry_start(struct core *core);
void registry_finish(struct core *core);

/* The service of that very key, or NULL. `tenant` empty: the shared one. */
struct service *registry_find(const struct core *core, struct slice tenant, struct slice name);
/* What a caller of that tenant gets by this name: the tenant's own as long as it has
 * an instance ready, else the shared one, else the own; NULL if there is neither. */
struct service *registry_resolve(const struct core *core, struct slice tenant, struct slice name);
/* Checks names, permission and limits, then adds or replaces the session's instance.
 * `why` (in the turn's arena) explains a refusal. */
enum status registry_register(struct core *core, struct session *session,
                              const Farebox__V1__Register *wanted, const char **why);
/* No new calls for the session's instance; it goes when its last one is answered. `tenant` empty:
 * that of the shared service if the session serves that, else that of its tenant's own. */
enum status registry_deregister(struct core *core, struct session *session, struct slice tenant,
                                struct slice name, const char **why);
/* Forgets a service that has no instances: STATUS_CONFLICT while it has any. */
enum status registry_remove(struct core *core, struct service *service, const struct identity *by,
                            const char **why);
/* The session is gone, and its instances with it. */
void registry_session_ended(struct core *core, struct session *session);
/* What runs there ends or moves. */
void instance_remove(struct core *core, struct instance *instance);
/* May calls be sent to it now? */
bool instance_ready(const struct instance *instance);
/* May calls be sent to any of its instances? The broker's own services always are. */
bool service_ready(const struct service *service);
/* It takes no more calls: whoever waits for it alone is refused. */
void registry_session_draining(struct core *core, struct session *session);
/* An instance has become better or worse: those who wait for the service go on, or are refused. */
void registry_health_changed(struct core *core, struct service *service);
/* Called when a session is lost or back, so that whoever waits may be served. */
void registry_session_changed(struct core *core, struct session *session);
/* Its outbox was full, which kept calls from its instances, and is so no longer. */
void registry_session_has_room(struct core *core, struct session *session);

#endif
