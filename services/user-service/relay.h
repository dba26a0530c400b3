/* relay.h - what one service has said, told on by another: values are copied as they are. */
#ifndef USER_SERVICE_RELAY_H
#define USER_SERVICE_RELAY_H

#include "farebox.h"

void relay_value(fbx_writer *w, const fbx_value *value);
/* The pairs of a map, of which the caller has said how many there are. */
void relay_pairs(fbx_writer *w, const fbx_value *map);
/* Those of the keys that the map has, as a map of its own. `keys`: NULL-terminated. */
void relay_some(fbx_writer *w, const fbx_value *map, const char *const *keys);

#endif
