#include "base/map.h"

#include "base/mem.h"

#include <sodium/crypto_shorthash.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define CAP_FIRST 16u

/* A slot is empty (value NULL), a tomb (value TOMB: probing goes on), or taken. */
struct map_slot {
    uint64_t hash;
    struct slice key; /* byte keys only */
    void *value;
};

static char tomb_mark;
#define TOMB ((void *)&tomb_mark)

_Static_assert(MAP_KEY_BYTES == crypto_shorthash_KEYBYTES, "the map's key is SipHash's");

static struct {
    unsigned char bytes[MAP_KEY_BYTES];
    uint64_t add, first, second;
} secret;

void map_set_key(const uint8_t key[MAP_KEY_BYTES])
{
    uint64_t halves[2];
    memcpy(secret.bytes, key, MAP_KEY_BYTES);
    memcpy(halves, key, sizeof(halves));
    secret.add = halves[0];
    secret.first = halves[1] | 1;
    secret.second = (halves[0] ^ UINT64_C(0x9e3779b97f4a7c15)) | 1;
}

/* Before main(), so that no look-up has to ask whether there is a key. */
__attribute__((constructor)) static void choose_key(void)
{
    uint8_t key[MAP_KEY_BYTES];
    if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key)) {
        fprintf(stderr, "the system has no random bytes\n");
        abort();
    }
    map_set_key(key);
}

uint64_t map_hash(struct slice key)
{
    uint64_t hash;
    unsigned char out[crypto_shorthash_BYTES];
    crypto_shorthash(out, key.data, key.len, secret.bytes);
    memcpy(&hash, out, sizeof(hash));
    return hash;
}

/* Multiply-shift hashing, twice, by secret odd factors: a bijection, so equal
 * hashes are equal keys and the number itself need not be kept. */
static uint64_t mix(uint64_t key)
{
    uint64_t x = (key + secret.add) * secret.first;
    x ^= x >> 32;
    x *= secret.second;
    return x ^ (x >> 32);
}

static bool taken(const struct map_slot *slot)
{
    return slot->value != NULL && slot->value != TOMB;
}

static bool holds(const struct map_slot *slot, uint64_t hash, struct slice key)
{
    return slot->hash == hash && taken(slot) && slice_equal(slot->key, key);
}

static size_t next_of(const struct map *map, size_t at)
{
    return (at + 1) & (map->cap - 1);
}

static struct map_slot *find(const struct map *map, uint64_t hash, struct slice key)
{
    if (map->count == 0)
        return NULL;
    for (size_t at = hash & (map->cap - 1); map->slots[at].value != NULL; at = next_of(map, at))
        if (holds(&map->slots[at], hash, key))
            return &map->slots[at];
    return NULL;
}

/* The first slot free for a key that is known not to be there. */
static struct map_slot *place_for(const struct map *map, uint64_t hash)
{
    size_t at = hash & (map->cap - 1);
    while (taken(&map->slots[at]))
        at = next_of(map, at);
    return &map->slots[at];
}

static size_t cap_for(size_t count)
{
    size_t cap = CAP_FIRST;
    while (cap < count * 2)
        cap *= 2;
    return cap;
}

static void rehash(struct map *map)
{
    struct map grown = {.count = map->count, .cap = cap_for(map->count + 1)};
    grown.slots = mem_zalloc(grown.cap * sizeof(*grown.slots));
    for (size_t i = 0; i < map->cap; i++)
        if (taken(&map->slots[i]))
            *place_for(&grown, map->slots[i].hash) = map->slots[i];
    mem_free(map->slots);
    *map = grown;
}

static void *put(struct map *map, uint64_t hash, struct slice key, void *value)
{
    struct map_slot *slot = find(map, hash, key);
    if (slot != NULL) {
        void *before = slot->value;
        slot->key = key; /* the old one lives in the old value */
        slot->value = value;
        return before;
    }
    if ((map->count + map->tombs + 1) * 4 > map->cap * 3)
        rehash(map);
    slot = place_for(map, hash);
    if (slot->value == TOMB)
        map->tombs--;
    *slot = (struct map_slot){hash, key, value};
    map->count++;
    return NULL;
}

/* A tomb is only needed while something may lie beyond it: without this, a map
 * of calls in flight would fill with tombs and be rebuilt over and over. */
static void bury(struct map *map, struct map_slot *slot)
{
    size_t at = (size_t)(slot - map->slots);
    slot->value = TOMB;
    map->tombs++;
    if (map->slots[next_of(map, at)].value != NULL)
        return;
    while (map->slots[at].value == TOMB) {
        map->slots[at].value = NULL;
        map->tombs--;
        at = (at - 1) & (map->cap - 1);
    }
}

static void *remove_slot(struct map *map, struct map_slot *slot)
{
    if (slot == NULL)
        return NULL;
    void *value = slot->value;
    bury(map, slot);
    map->count--;
    return value;
}

static void *value_of(const struct map_slot *slot)
{
    return slot != NULL ? slot->value : NULL;
}

void map_init(struct map *map)
{
    *map = (struct map){0};
}

void map_finish(struct map *map)
{
    mem_free(map->slots);
    map_init(map);
}

void *map_get(const struct map *map, struct slice key)
{
    return map->count > 0 ? value_of(find(map, map_hash(key), key)) : NULL;
}

void *map_put(struct map *map, struct slice key, void *value)
{
    return put(map, map_hash(key), key, value);
}

void *map_remove(struct map *map, struct slice key)
{
    return map->count > 0 ? remove_slot(map, find(map, map_hash(key), key)) : NULL;
}

void *map_get_u64(const struct map *map, uint64_t key)
{
    return value_of(find(map, mix(key), (struct slice){0}));
}

void *map_put_u64(struct map *map, uint64_t key, void *value)
{
    return put(map, mix(key), (struct slice){0}, value);
}

void *map_remove_u64(struct map *map, uint64_t key)
{
    return remove_slot(map, find(map, mix(key), (struct slice){0}));
}

void *map_next(const struct map *map, size_t *cursor)
{
    while (*cursor < map->cap) {
        const struct map_slot *slot = &map->slots[(*cursor)++];
        if (taken(slot))
            return slot->value;
    }
    return NULL;
}
