/* announce.h - the broker's own events, in the tenant they concern: about instances, on
 * bus.service.<name> and bus.health.<name>, about breakers, on bus.breaker.<service>, about
 * subscriptions, on bus.tenant.<id>, about quotas, on bus.quota, and about credits, on
 * bus.credit. */
#ifndef BUILTIN_ANNOUNCE_H
#define BUILTIN_ANNOUNCE_H

#include "policy/health.h"

struct account;
struct core;
struct credit;
struct guard;
struct identity;
struct instance;
struct month;
struct service;
struct tier;
struct value;

/* `what`: "registered", "deregistered", "lost", "back" or "gone". */
void announce_instance(struct core *core, const struct instance *instance, const char *what);
/* Its state, and the service's, is another one than it `was`. */
void announce_instance_health(struct core *core, const struct instance *instance,
                              enum health_state was);
void announce_service_health(struct core *core, const struct instance *cause,
                             enum health_state was);
/* "removed": in the tenant that owned it, or of whoever removed a shared one. */
void announce_removal(struct core *core, const struct service *service, const struct identity *by);
/* "created", "updated", "suspended", "resumed" or "deleted", by whom; "expired", by itself: NULL.
 * Also audited in the log, with the fields that `changed`, or NULL. */
void announce_account(struct core *core, const struct account *account, const char *what,
                      const char *changed, const struct identity *by);

/* So much of the tenant's quota is used, as month.warned says: on bus.quota. Also logged. */
void announce_quota(struct core *core, const struct month *month, const struct tier *tier);

/* Calls were credited, by whom: on bus.credit, in the tenant whose they are. Also audited in the
 * log. */
void announce_credit(struct core *core, const struct credit *credit, const struct identity *by);

/* A value is set or deleted, by whom: on bus.config.<key>, in the tenant whose it is, or of who
 * changed what is for more than one. Also audited in the log. */
void announce_value(struct core *core, const struct value *value, const struct identity *by);
/* A secret was shown to somebody. */
void announce_reveal(struct core *core, const struct value *value, const struct identity *to);

/* A breaker has moved: to the tenant it is for, or to who serves the service. Also logged. */
void announce_breaker(struct core *core, const struct guard *guard);
/* An instance was ejected, is tried again or is back. */
void announce_ejection(struct core *core, const struct instance *instance);
/* Somebody has forced or reset it: audited in the log. */
void announce_order(const struct guard *guard, const struct identity *by);

#endif
