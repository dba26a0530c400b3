/* packing.h - MessagePack answers and arguments of the broker's own services. */
#ifndef BUILTIN_PACKING_H
#define BUILTIN_PACKING_H

#include "base/arena.h"
#include "base/buf.h"

#include <msgpack.h>

void packing_init(msgpack_packer *packer, struct buf *out);
void pack_text(msgpack_packer *packer, struct slice text);
void pack_hex(msgpack_packer *packer, const uint8_t *bytes, size_t len);
/* A key and its value. */
void pack_pair_text(msgpack_packer *packer, const char *key, struct slice value);
void pack_pair_uint(msgpack_packer *packer, const char *key, uint64_t value);
void pack_pair_bool(msgpack_packer *packer, const char *key, bool value);
void pack_pair_hex(msgpack_packer *packer, const char *key, const uint8_t *bytes, size_t len);
/* A key and the head of its container. */
void pack_pair_array(msgpack_packer *packer, const char *key, size_t count);
void pack_pair_map(msgpack_packer *packer, const char *key, size_t count);
void pack_pair_texts(msgpack_packer *packer, const char *key, char *const *texts, size_t count);

/* MessagePack as it is. */
void packing_raw(msgpack_packer *packer, struct slice msgpack);

/* Arguments: a map, read in place. An empty payload is an empty map. */
struct arguments {
    msgpack_zone *zone;
    msgpack_object map;
};
/* False: not a MessagePack map. */
bool arguments_read(struct arguments *out, struct slice payload);
void arguments_finish(struct arguments *arguments);

/* What a request may say. */
enum argument_type {
    ARGUMENT_TEXT,
    ARGUMENT_UINT,
    ARGUMENT_BOOL,
    ARGUMENT_ARRAY,
    ARGUMENT_ANY,
};
struct argument {
    const char *name; /* the end of a table: NULL */
    enum argument_type type;
};
/* What is wrong with them, naming the argument, in the arena: one that is not in the table, is of
 * another type or is there twice. NULL: nothing. */
const char *arguments_slip(const struct arguments *arguments, const struct argument *known,
                           struct arena *arena);

/* Valid until arguments_finish; `otherwise` when absent or of another type. */
struct slice argument_text(const struct arguments *arguments, const char *key,
                           struct slice otherwise);
uint64_t argument_uint(const struct arguments *arguments, const char *key, uint64_t otherwise);
bool argument_has(const struct arguments *arguments, const char *key);
/* False: not an array of texts, or of more than `most`. */
bool argument_texts(const struct arguments *arguments, const char *key, struct slice *out,
                    size_t most, size_t *count);
/* Appends the argument as MessagePack. False: there is none. */
bool argument_pack(const struct arguments *arguments, const char *key, struct buf *out);
bool argument_bool(const struct arguments *arguments, const char *key, bool otherwise);

#endif
