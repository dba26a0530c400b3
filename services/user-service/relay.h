/* relay.h - what one service has said, told on by another. */
#ifndef USER_SERVICE_RELAY_H
#define USER_SERVICE_RELAY_H

#include "farebox.h"

/* Those of the keys that the map has, as a map of its own. `keys`: NULL-terminated. */
void relay_some(fbx_writer *w, const fbx_value *map, const char *const *keys);

#endif
