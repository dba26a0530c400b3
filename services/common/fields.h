/* fields.h - single members of MessagePack maps. */
#ifndef SERVICES_COMMON_FIELDS_H
#define SERVICES_COMMON_FIELDS_H

#include "farebox.h"

/* A pair of a map, of which the caller has said how many there are. */
void field_put_text(fbx_writer *w, const char *key, const char *text);
void field_put_uint(fbx_writer *w, const char *key, uint64_t value);
/* False: it is not there, no text, or longer than `out`. */
bool field_get_text(const fbx_value *map, const char *key, char *out, size_t size);

#endif
