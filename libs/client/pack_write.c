/* pack_write.c - MessagePack, out. */
#include "client/farebox.h"

#include "base/mem.h"

#include <msgpack/pack.h>
#include <string.h>

#define FIRST_BYTES 256u

static int append(void *arg, const char *bytes, size_t len)
{
    fbx_writer *w = arg;
    if (w->cap - w->len < len) {
        size_t cap = w->cap ? w->cap : FIRST_BYTES;
        while (cap - w->len < len)
            cap *= 2;
        w->data = mem_realloc(w->data, cap);
        w->cap = cap;
    }
    if (len > 0)
        memcpy(w->data + w->len, bytes, len);
    w->len += len;
    return 0;
}

static msgpack_packer packer(fbx_writer *w)
{
    return (msgpack_packer){.data = w, .callback = append};
}

void fbx_write_nil(fbx_writer *w)
{
    msgpack_packer pk = packer(w);
    msgpack_pack_nil(&pk);
}

void fbx_write_bool(fbx_writer *w, bool value)
{
    msgpack_packer pk = packer(w);
    if (value)
        msgpack_pack_true(&pk);
    else
        msgpack_pack_false(&pk);
}

void fbx_write_int(fbx_writer *w, int64_t value)
{
    msgpack_packer pk = packer(w);
    msgpack_pack_int64(&pk, value);
}

void fbx_write_uint(fbx_writer *w, uint64_t value)
{
    msgpack_packer pk = packer(w);
    msgpack_pack_uint64(&pk, value);
}

void fbx_write_double(fbx_writer *w, double value)
{
    msgpack_packer pk = packer(w);
    msgpack_pack_double(&pk, value);
}

void fbx_write_text(fbx_writer *w, const char *text)
{
    fbx_write_text_n(w, text, strlen(text));
}

void fbx_write_text_n(fbx_writer *w, const char *text, size_t len)
{
    msgpack_packer pk = packer(w);
    msgpack_pack_str(&pk, len);
    msgpack_pack_str_body(&pk, text, len);
}

void fbx_write_bin(fbx_writer *w, fbx_bytes bytes)
{
    msgpack_packer pk = packer(w);
    msgpack_pack_bin(&pk, bytes.len);
    msgpack_pack_bin_body(&pk, bytes.data, bytes.len);
}

void fbx_write_array(fbx_writer *w, uint32_t count)
{
    msgpack_packer pk = packer(w);
    msgpack_pack_array(&pk, count);
}

void fbx_write_map(fbx_writer *w, uint32_t pairs)
{
    msgpack_packer pk = packer(w);
    msgpack_pack_map(&pk, pairs);
}

void fbx_write_elements(fbx_writer *w, const fbx_value *container)
{
    const unsigned char *cursor = NULL;
    fbx_value element;
    while (fbx_next(container, &cursor, &element))
        fbx_write_value(w, &element);
}

void fbx_write_value(fbx_writer *w, const fbx_value *value)
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
        fbx_write_elements(w, value);
        break;
    case FBX_MAP:
        fbx_write_map(w, value->count);
        fbx_write_elements(w, value);
        break;
    }
}

fbx_bytes fbx_written(const fbx_writer *w)
{
    return (fbx_bytes){w->data, w->len};
}

void fbx_writer_free(fbx_writer *w)
{
    mem_free(w->data);
    memset(w, 0, sizeof(*w));
}
