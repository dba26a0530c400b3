/* registry.h - which services bus.registry shows to whom. */
#ifndef BUILTIN_REGISTRY_H
#define BUILTIN_REGISTRY_H

#include "builtin/builtin.h"

/* Is there, for who made that call, such a service at all? What the broker does itself is not. */
bool registry_shows(struct core *core, const struct call *call, const struct service *service,
                    enum scope scope);

#endif
