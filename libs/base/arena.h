/* arena.h - memory for one turn: allocate forward, release everything at once.
 * Not thread safe. Chunks are kept for the next turn up to a bound. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t used;                /* bytes handed out since the last reset */
};

void arena_init(struct arena *arena);
void arena_finish(struct arena *arena);
/* Releases all allocations; keeps one chunk of at most 256 KiB. */
void arena_reset(struct arena *arena);
/* Uninitialised, aligned for any type, valid until the next reset. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_zalloc(struct arena *arena, size_t size);
struct slice arena_copy(struct arena *arena, struct slice bytes);
/* All parts one behind the other, with a NUL between. */
struct slice arena_join(struct arena *arena, const struct slice *parts, size_t n);
/* A NUL-terminated copy. */
char *arena_text(struct arena *arena, struct slice text);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
