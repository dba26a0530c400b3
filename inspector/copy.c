#include "copy.h"

#include "wire/json.h"

void copy_json(struct buf *out, const fbx_value *value)
{
    fbx_writer w = {0};
    fbx_write_value(&w, value);
    fbx_bytes made = fbx_written(&w);
    (void)json_from_msgpack(out, slice_make(made.data, made.len), NULL);
    fbx_writer_free(&w);
}
