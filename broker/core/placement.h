/* placement.h - bringing a call to an instance: choosing one, sending it there, and
 * waiting while none has room. */
#ifndef CORE_PLACEMENT_H
#define CORE_PLACEMENT_H

#include "core/call.h"
#include "core/registry.h"

/* The instance with room that promises the shortest wait: by its calls under way and how long
 * they have been taking. Of many instances the better one of two. NULL: none has room. */
struct instance *placement_choose(struct core *core, const struct service *service);
/* Would one be found? */
bool placement_has_room(const struct core *core, const struct service *service);
/* Is there any instance, ready, lost or awaited, that could take a call one day? */
bool placement_possible(const struct service *service);
/* Hands the call, which has passed the chain, to its instance or to the broker's own service. */
void placement_send(struct core *core, struct call *call);
/* Its instance has answered: how long that took is remembered. */
void placement_answered(struct core *core, struct call *call);
/* The instance has room again: whoever waits for it goes on. */
void placement_room(struct core *core, struct instance *instance);
/* Something changed for the service: as many as can go on, do. */
void placement_changed(struct core *core, struct service *service);

#endif
