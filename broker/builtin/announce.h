/* announce.h - the broker's own events about instances: bus.service.<name>, in
 * the tenant they concern. */
#ifndef BUILTIN_ANNOUNCE_H
#define BUILTIN_ANNOUNCE_H

struct core;
struct instance;

/* `what`: "registered", "deregistered", "lost" or "back". */
void announce_instance(struct core *core, const struct instance *instance, const char *what);

#endif
