/* map.h - hash map from bytes or from a 64-bit number to a pointer. Open
 * addressing, keyed hash (SipHash via libsodium, or a keyed mix for numbers), so
 * keys chosen by strangers cannot make it slow. Not thread safe. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/slice.h"

struct map_slot;

struct map {
    struct map_slot *slots;
    size_t count, cap, tombs;
};

void map_init(struct map *map);   /* allocates nothing */
void map_finish(struct map *map); /* does not free the values */

/* Byte keys. The map does not copy the key: it must live in the value. */
void *map_get(const struct map *map, struct slice key);
/* Returns the value that was there before, or NULL. A NULL value is not allowed. */
void *map_put(struct map *map, struct slice key, void *value);
void *map_remove(struct map *map, struct slice key);

/* Number keys: use one kind of key for a map's whole life. */
void *map_get_u64(const struct map *map, uint64_t key);
void *map_put_u64(struct map *map, uint64_t key, void *value);
void *map_remove_u64(struct map *map, uint64_t key);

/* Iteration: `*cursor` starts at 0; returns NULL at the end. Removing the entry
 * just returned is allowed while iterating, adding is not. */
void *map_next(const struct map *map, size_t *cursor);

/* The keyed hash itself, for other tables. */
uint64_t map_hash(struct slice key);

/* Replaces the random key of this process: the order of iteration then repeats
 * from run to run, as a simulation needs. Before any map has an entry. */
#define MAP_KEY_BYTES 16u
void map_set_key(const uint8_t key[MAP_KEY_BYTES]);

#endif
