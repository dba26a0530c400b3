/* announce.h - the broker's own events about instances: bus.service.<name>, in
 * the tenant they concern. */
#ifndef BUILTIN_ANNOUNCE_H
#define BUILTIN_ANNOUNCE_H

struct core;
struct identity;
struct instance;
struct service;

/* `what`: "registered", "deregistered", "lost", "back" or "gone". */
void announce_instance(struct core *core, const struct instance *instance, const char *what);
/* "removed": in the tenant that owned it, or of whoever removed a shared one. */
void announce_removal(struct core *core, const struct service *service, const struct identity *by);

#endif
