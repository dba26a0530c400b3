/* own.h - the paths that every gateway has. */
#ifndef GATEWAY_OWN_H
#define GATEWAY_OWN_H

#include "route.h"

/* Those with a handler of their own. */
extern const struct route own_routes[];
extern const size_t own_routes_count;
/* Those that are calls: lines of binding.h. */
extern const char *const own_bindings[];
extern const size_t own_bindings_count;

#endif
