#include "relay.h"

void relay_pairs(fbx_writer *w, const fbx_value *map)
{
    fbx_value part;
    const unsigned char *cursor = NULL;
    while (fbx_next(map, &cursor, &part))
        relay_value(w, &part);
}

void relay_value(fbx_writer *w, const fbx_value *value)
{
    switch (value->type) {
    case FBX_BOOL:
        fbx_write_bool(w, value->as.boolean);
        break;
    case FBX_INT:
        fbx_write_int(w, value->as.integer);
        break;
    case FBX_UINT:
        fbx_write_uint(w, value->as.natural);
        break;
    case FBX_DOUBLE:
        fbx_write_double(w, value->as.real);
        break;
    case FBX_TEXT:
        fbx_write_text_n(w, value->as.bytes.data, value->as.bytes.len);
        break;
    case FBX_BIN:
        fbx_write_bin(w, value->as.bytes);
        break;
    case FBX_ARRAY:
        fbx_write_array(w, value->count);
        relay_pairs(w, value);
        break;
    case FBX_MAP:
        fbx_write_map(w, value->count);
        relay_pairs(w, value);
        break;
    default:
        fbx_write_nil(w);
    }
}

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
        relay_value(w, &value);
    }
}
