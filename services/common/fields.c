#include "common/fields.h"

void field_put_text(fbx_writer *w, const char *key, const char *text)
{
    fbx_write_text(w, key);
    fbx_write_text(w, text);
}

void field_put_uint(fbx_writer *w, const char *key, uint64_t value)
{
    fbx_write_text(w, key);
    fbx_write_uint(w, value);
}

bool field_get_text(const fbx_value *map, const char *key, char *out, size_t size)
{
    fbx_value value = fbx_map_get(map, key);
    return fbx_as_text(&value, out, size);
}
