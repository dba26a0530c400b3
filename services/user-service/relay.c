#include "relay.h"

static bool has(const fbx_value *map, const char *key, fbx_value *out)
{
    *out = fbx_map_get(map, key);
    return out->type != FBX_NONE && out->type != FBX_NIL;
}

void relay_some(fbx_writer *w, const fbx_value *map, const char *const *keys)
{
    fbx_value value;
    uint32_t n = 0;
    for (size_t i = 0; keys[i]; i++)
        n += has(map, keys[i], &value);
    fbx_write_map(w, n);
    for (size_t i = 0; keys[i]; i++) {
        if (!has(map, keys[i], &value))
            continue;
        fbx_write_text(w, keys[i]);
        fbx_write_value(w, &value);
    }
}
