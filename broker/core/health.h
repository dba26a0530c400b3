/* health.h - whether an instance can be given calls: its session lives, it does not drain, and, if
 * it asks to be checked, its checks say so (policy/health.h). A check is a call of its method
 * `health`, which passes no filter, counts nowhere and carries no credential, or a GET of its
 * health endpoint, made by the world behind struct io. Changes are announced on
 * bus.health.<service>. Owned by the core; one thread. */
#ifndef CORE_HEALTH_H
#define CORE_HEALTH_H

#include "base/map.h"
#include "base/wheel.h"
#include "policy/health.h"
#include "wire/wire.h"

struct core;
struct instance;
struct service;
struct session;

#define HEALTH_METHOD "health"
#define HEALTH_RISE 2u /* unless the registration says otherwise */
#define HEALTH_FALL 3u
#define HEALTH_TIMEOUT_MS 2000u   /* the same; never over the interval */
#define HEALTH_STARTING_MS 1000u  /* while starting, checks are no further apart */
#define HEALTH_CALM_INTERVALS 20u /* of good behaviour make one fall forgotten */
#define HEALTH_INTERVAL_MAX 3600000u
#define HEALTH_ROW_MAX 100u /* of rise and fall */

/* Of an instance. */
struct instance_health {
    struct health checked; /* what its checks say; ready if it has none */
    struct health_rules rules;
    uint32_t interval_ms, timeout_ms; /* interval 0: it is not checked */
    char *url;                        /* NULL: it is called */
    const char *reason;               /* static: why the newest check did not pass, or "" */
    uint64_t under_way;               /* the check that has no outcome yet; 0: none */
    uint64_t began;                   /* mono ns; it, or the one before */
    struct timer timer;               /* of the next check, or the end of this one */
    enum health_state state;          /* with session and drain; as announced */
};

/* Of a service. */
struct service_health {
    uint32_t counts[HEALTH_STATES]; /* of its instances, by state */
    enum health_state state;        /* as announced */
};

/* Of the core. */
struct checks {
    struct map under_way; /* struct instance by id */
    uint32_t serial;      /* ids have nothing above 32 bits: no call's id is like that */
};

void checks_init(struct checks *checks);
void checks_finish(struct checks *checks);

void health_service_made(struct service *service);
void health_instance_made(struct instance *instance);
/* What the registration asks for. It has passed health_defect(). */
void health_configure(struct core *core, struct instance *instance,
                      const Farebox__V1__Register *wanted);
/* It has left its service. */
void health_instance_gone(struct core *core, struct instance *instance);
/* Something about the instance, its session or its checks has changed: tells whoever wants to know,
 * and lets those go on who wait for it, or for nobody any more. */
void health_look(struct core *core, struct instance *instance);

/* Why its checks cannot be made as asked for, or NULL. */
const char *health_defect(const struct core *core, const Farebox__V1__Register *wanted);

/* A reply to what is no call. */
void health_replied(struct core *core, const struct session *session, uint64_t id,
                    const struct wire_reply *reply);
/* io.probe() has come to an end. */
void health_probed(struct core *core, uint64_t id, enum health_outcome outcome, const char *reason);

/* Why it is not ready, for people; "" if it is, or drains. */
const char *health_reason(const struct instance *instance);
/* "session", "call" or "http". */
const char *health_check_text(const struct instance *instance);

#endif
