#include "copy.h"

#include "wire/json.h"

static void copy_elements(fbx_writer *w, const fbx_value *container)
{
    const unsigned char *cursor = NULL;
    fbx_value element;
    while (fbx_next(container, &cursor, &element))
        copy_value(w, &element);
}

void copy_value(fbx_writer *w, const fbx_value *value)
{
    switch (value->type) {
    case FBX_NONE:
    case FBX_NIL:
        fbx_write_nil(w);
        break;
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
        fbx_write_text_n(w, (const char *)value->as.bytes.data, value->as.bytes.len);
        break;
    case FBX_BIN:
        fbx_write_bin(w, value->as.bytes);
        break;
    case FBX_ARRAY:
        fbx_write_array(w, value->count);
        copy_elements(w, value);
        break;
    case FBX_MAP:
        fbx_write_map(w, value->count);
        copy_elements(w, value);
        break;
    }
}

void copy_json(struct buf *out, const fbx_value *value)
{
    fbx_writer w = {0};
    copy_value(&w, value);
    fbx_bytes made = fbx_written(&w);
    (void)json_from_msgpack(out, slice_make(made.data, made.len), NULL);
    fbx_writer_free(&w);
}
