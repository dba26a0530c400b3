#include "builtin/packing.h"

#include "wire/json.h"

#define SHOWN_NAME_MAX 64u

static int append(void *data, const char *bytes, size_t len)
{
    buf_append(data, bytes, len);
    return 0;
}

void packing_init(msgpack_packer *packer, struct buf *out)
{
    msgpack_packer_init(packer, out, append);
}

void pack_text(msgpack_packer *packer, struct slice text)
{
    msgpack_pack_str(packer, text.len);
    msgpack_pack_str_body(packer, text.len ? (const void *)text.data : "", text.len);
}

void pack_hex(msgpack_packer *packer, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    msgpack_pack_str(packer, 2 * len);
    for (size_t i = 0; i < len; i++) {
        char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
        msgpack_pack_str_body(packer, pair, 2);
    }
}

static void pack_key(msgpack_packer *packer, const char *key)
{
    pack_text(packer, slice_of(key));
}

void pack_pair_text(msgpack_packer *packer, const char *key, struct slice value)
{
    pack_key(packer, key);
    pack_text(packer, value);
}

void pack_pair_uint(msgpack_packer *packer, const char *key, uint64_t value)
{
    pack_key(packer, key);
    msgpack_pack_uint64(packer, value);
}

void pack_pair_bool(msgpack_packer *packer, const char *key, bool value)
{
    pack_key(packer, key);
    if (value)
        msgpack_pack_true(packer);
    else
        msgpack_pack_false(packer);
}

void pack_pair_hex(msgpack_packer *packer, const char *key, const uint8_t *bytes, size_t len)
{
    pack_key(packer, key);
    pack_hex(packer, bytes, len);
}

void pack_pair_array(msgpack_packer *packer, const char *key, size_t count)
{
    pack_key(packer, key);
    msgpack_pack_array(packer, count);
}

void pack_pair_map(msgpack_packer *packer, const char *key, size_t count)
{
    pack_key(packer, key);
    msgpack_pack_map(packer, count);
}

void pack_pair_texts(msgpack_packer *packer, const char *key, char *const *texts, size_t count)
{
    pack_pair_array(packer, key, count);
    for (size_t i = 0; i < count; i++)
        pack_text(packer, slice_of(texts[i]));
}

bool arguments_read(struct arguments *out, struct slice payload)
{
    *out = (struct arguments){.map = {.type = MSGPACK_OBJECT_MAP}};
    if (payload.len == 0)
        return true;
    /* Checked first: msgpack-c recurses as deep as it is told to. */
    if (!msgpack_valid(payload))
        return false;
    out->zone = msgpack_zone_new(MSGPACK_ZONE_CHUNK_SIZE);
    size_t off = 0;
    msgpack_unpack_return rc =
        msgpack_unpack((const char *)payload.data, payload.len, &off, out->zone, &out->map);
    bool is_read = rc == MSGPACK_UNPACK_SUCCESS || rc == MSGPACK_UNPACK_EXTRA_BYTES;
    if (is_read && out->map.type == MSGPACK_OBJECT_NIL) /* what HTTP makes of no body */
        out->map = (msgpack_object){.type = MSGPACK_OBJECT_MAP};
    if (is_read && out->map.type == MSGPACK_OBJECT_MAP)
        return true;
    arguments_finish(out);
    return false;
}

void arguments_finish(struct arguments *arguments)
{
    if (arguments->zone)
        msgpack_zone_free(arguments->zone);
    arguments->zone = NULL;
}

static bool is_of_type(const msgpack_object *value, enum argument_type type)
{
    static const msgpack_object_type types[] = {
        [ARGUMENT_TEXT] = MSGPACK_OBJECT_STR,
        [ARGUMENT_UINT] = MSGPACK_OBJECT_POSITIVE_INTEGER,
        [ARGUMENT_BOOL] = MSGPACK_OBJECT_BOOLEAN,
        [ARGUMENT_ARRAY] = MSGPACK_OBJECT_ARRAY,
    };
    return type == ARGUMENT_ANY || value->type == types[type];
}

/* A message shows it: a text that a peer made up. */
static const char *shown_name(const msgpack_object *key, struct arena *arena)
{
    bool plain = key->type == MSGPACK_OBJECT_STR && key->via.str.size <= SHOWN_NAME_MAX;
    for (uint32_t i = 0; plain && i < key->via.str.size; i++)
        plain = key->via.str.ptr[i] > ' ' && key->via.str.ptr[i] <= '~';
    return plain ? arena_printf(arena, "%.*s", (int)key->via.str.size, key->via.str.ptr)
                 : "an argument";
}

static const struct argument *rule_of(const struct argument *known, const msgpack_object *key)
{
    if (key->type != MSGPACK_OBJECT_STR)
        return NULL;
    for (; known && known->name; known++) {
        if (slice_is(slice_make(key->via.str.ptr, key->via.str.size), known->name))
            return known;
    }
    return NULL;
}

const char *arguments_slip(const struct arguments *arguments, const struct argument *known,
                           struct arena *arena)
{
    const msgpack_object_map *map = &arguments->map.via.map;
    uint32_t said = 0; /* a bit for each rule */
    for (uint32_t i = 0; i < map->size; i++) {
        const msgpack_object_kv *pair = &map->ptr[i];
        const struct argument *rule = rule_of(known, &pair->key);
        const char *slip = !rule                                 ? "there is no such argument"
                           : !is_of_type(&pair->val, rule->type) ? "of another type"
                           : said >> (rule - known) & 1u         ? "said twice"
                                                                 : NULL;
        if (slip)
            return arena_printf(arena, "%s: %s", shown_name(&pair->key, arena), slip);
        said |= 1u << (rule - known);
    }
    return NULL;
}

static const msgpack_object *find(const struct arguments *arguments, const char *key)
{
    const msgpack_object_map *map = &arguments->map.via.map;
    for (uint32_t i = 0; i < map->size; i++) {
        const msgpack_object *k = &map->ptr[i].key;
        if (k->type == MSGPACK_OBJECT_STR &&
            slice_is(slice_make(k->via.str.ptr, k->via.str.size), key))
            return &map->ptr[i].val;
    }
    return NULL;
}

struct slice argument_text(const struct arguments *arguments, const char *key,
                           struct slice otherwise)
{
    const msgpack_object *value = find(arguments, key);
    if (!value || value->type != MSGPACK_OBJECT_STR)
        return otherwise;
    return slice_make(value->via.str.ptr, value->via.str.size);
}

uint64_t argument_uint(const struct arguments *arguments, const char *key, uint64_t otherwise)
{
    const msgpack_object *value = find(arguments, key);
    return value && value->type == MSGPACK_OBJECT_POSITIVE_INTEGER ? value->via.u64 : otherwise;
}

bool argument_bool(const struct arguments *arguments, const char *key, bool otherwise)
{
    const msgpack_object *value = find(arguments, key);
    return value && value->type == MSGPACK_OBJECT_BOOLEAN ? value->via.boolean : otherwise;
}

bool argument_has(const struct arguments *arguments, const char *key)
{
    return find(arguments, key) != NULL;
}

bool argument_texts(const struct arguments *arguments, const char *key, struct slice *out,
                    size_t most, size_t *count)
{
    const msgpack_object *value = find(arguments, key);
    if (!value || value->type != MSGPACK_OBJECT_ARRAY || value->via.array.size > most)
        return false;
    for (uint32_t i = 0; i < value->via.array.size; i++) {
        const msgpack_object *item = &value->via.array.ptr[i];
        if (item->type != MSGPACK_OBJECT_STR)
            return false;
        out[i] = slice_make(item->via.str.ptr, item->via.str.size);
    }
    *count = value->via.array.size;
    return true;
}

bool argument_pack(const struct arguments *arguments, const char *key, struct buf *out)
{
    const msgpack_object *value = find(arguments, key);
    msgpack_packer packer;
    packing_init(&packer, out);
    return value && msgpack_pack_object(&packer, *value) == 0;
}

void packing_raw(msgpack_packer *packer, struct slice msgpack)
{
    buf_append(packer->data, msgpack.data, msgpack.len);
}
