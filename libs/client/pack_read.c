/* pack_read.c - MessagePack, in: values are views, so nothing is copied or allocated.
 * fbx_read() checks the whole of it once; everything after that may trust it. */
#include "client/farebox.h"

#include <string.h>

#define DEPTH_MAX 64u

typedef const unsigned char *bytes;

/* Big-endian, `size` of 1 to 8 bytes. */
static uint64_t number_at(bytes at, unsigned size)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < size; i++)
        number = number << 8 | at[i];
    return number;
}

static void set_natural(fbx_value *out, uint64_t natural)
{
    out->type = FBX_UINT;
    out->as.natural = natural;
}

static void set_integer(fbx_value *out, int64_t integer)
{
    if (integer >= 0) {
        set_natural(out, (uint64_t)integer);
        return;
    }
    out->type = FBX_INT;
    out->as.integer = integer;
}

static int64_t sign_extended(uint64_t number, unsigned size)
{
    unsigned unused = 64 - 8 * size;
    return (int64_t)(number << unused) >> unused;
}

static void set_float(fbx_value *out, uint64_t number, unsigned size)
{
    out->type = FBX_DOUBLE;
    if (size == sizeof(float)) {
        uint32_t half = (uint32_t)number;
        float real;
        memcpy(&real, &half, sizeof(real));
        out->as.real = (double)real;
    } else {
        memcpy(&out->as.real, &number, sizeof(number));
    }
}

static void set_container(fbx_value *out, fbx_type type, uint64_t count)
{
    out->type = type;
    out->count = (uint32_t)count;
}

/* NULL when the bytes end too early. */
static bytes set_bytes(fbx_value *out, fbx_type type, bytes at, bytes end, uint64_t len)
{
    if ((uint64_t)(end - at) < len)
        return NULL;
    out->type = type;
    out->as.bytes = (fbx_bytes){at, (size_t)len};
    return at + len;
}

/* The first bytes that hold a number, a length or a count of `size` bytes behind them. */
static bytes read_sized(fbx_value *out, unsigned char first, bytes at, bytes end)
{
    static const unsigned char sizes[] = {
        [0xc4 - 0xc4] = 1, [0xc5 - 0xc4] = 2, [0xc6 - 0xc4] = 4, [0xca - 0xc4] = 4,
        [0xcb - 0xc4] = 8, [0xcc - 0xc4] = 1, [0xcd - 0xc4] = 2, [0xce - 0xc4] = 4,
        [0xcf - 0xc4] = 8, [0xd0 - 0xc4] = 1, [0xd1 - 0xc4] = 2, [0xd2 - 0xc4] = 4,
        [0xd3 - 0xc4] = 8, [0xd9 - 0xc4] = 1, [0xda - 0xc4] = 2, [0xdb - 0xc4] = 4,
        [0xdc - 0xc4] = 2, [0xdd - 0xc4] = 4, [0xde - 0xc4] = 2, [0xdf - 0xc4] = 4,
    };
    unsigned size = sizes[first - 0xc4];
    if (size == 0 || (size_t)(end - at) < size)
        return NULL; /* extension types mean nothing here */
    uint64_t number = number_at(at, size);
    at += size;
    if (first <= 0xc6)
        return set_bytes(out, FBX_BIN, at, end, number);
    if (first >= 0xd9 && first <= 0xdb)
        return set_bytes(out, FBX_TEXT, at, end, number);
    if (first <= 0xcb)
        set_float(out, number, size);
    else if (first <= 0xcf)
        set_natural(out, number);
    else if (first <= 0xd3)
        set_integer(out, sign_extended(number, size));
    else
        set_container(out, first <= 0xdd ? FBX_ARRAY : FBX_MAP, number);
    return at;
}

/* Reads a value, of a container only its head; returns what follows, or NULL. */
static bytes read_head(fbx_value *out, bytes at, bytes end)
{
    if (at == end)
        return NULL;
    unsigned char first = *at++;
    if (first < 0x80)
        set_natural(out, first);
    else if (first < 0x90)
        set_container(out, FBX_MAP, first & 0x0f);
    else if (first < 0xa0)
        set_container(out, FBX_ARRAY, first & 0x0f);
    else if (first < 0xc0)
        return set_bytes(out, FBX_TEXT, at, end, first & 0x1f);
    else if (first >= 0xe0)
        set_integer(out, (signed char)first);
    else if (first == 0xc0)
        out->type = FBX_NIL;
    else if (first == 0xc2 || first == 0xc3)
        *out = (fbx_value){.type = FBX_BOOL, .as.boolean = first == 0xc3};
    else if (first == 0xc1)
        return NULL;
    else
        return read_sized(out, first, at, end);
    return at;
}

static bool is_container(const fbx_value *value)
{
    return value && (value->type == FBX_ARRAY || value->type == FBX_MAP);
}

static uint64_t elements(const fbx_value *container)
{
    return container->type == FBX_MAP ? 2 * (uint64_t)container->count : container->count;
}

/* Past one whole value, or NULL when it is malformed or nested too deeply. */
static bytes skip(bytes at, bytes end, unsigned depth)
{
    fbx_value value = {0};
    at = read_head(&value, at, end);
    if (!at || !is_container(&value))
        return at;
    if (depth == 0)
        return NULL;
    for (uint64_t left = elements(&value); left > 0 && at; left--)
        at = skip(at, end, depth - 1);
    return at;
}

/* Reads a value with where its contents are; returns what follows it, or NULL. */
static bytes read_value(fbx_value *out, bytes at, bytes end)
{
    fbx_value value = {0};
    bytes after = read_head(&value, at, end);
    if (!after)
        return NULL;
    if (is_container(&value)) {
        value.body = after;
        after = skip(at, end, DEPTH_MAX);
        value.end = after;
    }
    if (after)
        *out = value;
    return after;
}

bool fbx_read(fbx_bytes msgpack, fbx_value *out)
{
    fbx_value value;
    bytes at = msgpack.data;
    if (msgpack.len == 0 || read_value(&value, at, at + msgpack.len) != at + msgpack.len)
        return false;
    *out = value;
    return true;
}

bool fbx_next(const fbx_value *container, const unsigned char **cursor, fbx_value *out)
{
    if (!is_container(container))
        return false;
    bytes at = *cursor ? *cursor : container->body;
    if (at == container->end)
        return false;
    bytes after = read_value(out, at, container->end);
    if (!after)
        return false;
    *cursor = after;
    return true;
}

fbx_value fbx_at(const fbx_value *container, uint32_t index)
{
    fbx_value value = {0};
    if (!is_container(container) || index >= elements(container))
        return value;
    bytes at = container->body;
    for (uint32_t i = 0; i < index && at; i++)
        at = skip(at, container->end, DEPTH_MAX);
    if (at)
        (void)read_value(&value, at, container->end);
    return value;
}

static bool is_key(const fbx_value *value, const char *key, size_t len)
{
    return value->type == FBX_TEXT && value->as.bytes.len == len &&
           memcmp(value->as.bytes.data, key, len) == 0;
}

fbx_value fbx_map_get(const fbx_value *map, const char *key)
{
    fbx_value name, value = {0};
    const unsigned char *cursor = NULL;
    size_t len = strlen(key);
    if (!map || map->type != FBX_MAP)
        return value;
    while (fbx_next(map, &cursor, &name)) {
        if (is_key(&name, key, len)) {
            (void)fbx_next(map, &cursor, &value);
            return value;
        }
        cursor = skip(cursor, map->end, DEPTH_MAX);
        if (!cursor)
            break;
    }
    return value;
}

/* ---- conversions ---- */

int64_t fbx_as_int(const fbx_value *value, int64_t otherwise)
{
    if (value->type == FBX_INT)
        return value->as.integer;
    if (value->type == FBX_UINT && value->as.natural <= INT64_MAX)
        return (int64_t)value->as.natural;
    return otherwise;
}

double fbx_as_double(const fbx_value *value, double otherwise)
{
    switch (value->type) {
    case FBX_DOUBLE:
        return value->as.real;
    case FBX_INT:
        return (double)value->as.integer;
    case FBX_UINT:
        return (double)value->as.natural;
    default:
        return otherwise;
    }
}

bool fbx_as_bool(const fbx_value *value, bool otherwise)
{
    return value->type == FBX_BOOL ? value->as.boolean : otherwise;
}

bool fbx_as_text(const fbx_value *value, char *out, size_t size)
{
    if (value->type != FBX_TEXT || value->as.bytes.len >= size)
        return false;
    memcpy(out, value->as.bytes.data, value->as.bytes.len);
    out[value->as.bytes.len] = '\0';
    return true;
}
