#include "base/arena.h"

#include "base/mem.h"

#include <sanitizer/asan_interface.h>
#include <stdarg.h>
#include <stdio.h>

#define ALIGN _Alignof(max_align_t)
#define CHUNK_FIRST ((size_t)16 * 1024)
#define CHUNK_KEPT ((size_t)256 * 1024)
#define SIZE_UNHEARD_OF (SIZE_MAX / 2) /* the system refuses it; sums with it do not wrap */

struct arena_chunk {
    struct arena_chunk *next;
    size_t cap, used;
    max_align_t data[];
};

static char *chunk_bytes(struct arena_chunk *chunk)
{
    return (char *)chunk->data;
}

/* Under AddressSanitizer, memory that is not handed out may not be touched: a
 * use after the reset is found where it happens. */
static void chunk_free(struct arena_chunk *chunk)
{
    ASAN_UNPOISON_MEMORY_REGION(chunk->data, chunk->cap);
    mem_free(chunk);
}

static void chunk_empty(struct arena_chunk *chunk)
{
    chunk->used = 0;
    ASAN_POISON_MEMORY_REGION(chunk->data, chunk->cap);
}

static void *chunk_take(struct arena_chunk *chunk, size_t rounded, size_t size)
{
    char *at = chunk_bytes(chunk) + chunk->used;
    chunk->used += rounded;
    ASAN_UNPOISON_MEMORY_REGION(at, size);
    (void)size; /* only the sanitizer cares */
    return at;
}

static struct arena_chunk *chunk_create(size_t cap)
{
    struct arena_chunk *chunk = mem_alloc(sizeof(*chunk) + cap);
    chunk->cap = cap;
    chunk->next = NULL;
    chunk_empty(chunk);
    return chunk;
}

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

void arena_finish(struct arena *arena)
{
    struct arena_chunk *next;
    for (struct arena_chunk *chunk = arena->chunks; chunk != NULL; chunk = next) {
        next = chunk->next;
        chunk_free(chunk);
    }
    arena_init(arena);
}

static bool worth_keeping(const struct arena_chunk *chunk, const struct arena_chunk *kept)
{
    return chunk->cap <= CHUNK_KEPT && (kept == NULL || chunk->cap > kept->cap);
}

void arena_reset(struct arena *arena)
{
    struct arena_chunk *kept = NULL, *next;
    for (struct arena_chunk *chunk = arena->chunks; chunk != NULL; chunk = next) {
        struct arena_chunk *loser = chunk;
        next = chunk->next;
        if (worth_keeping(chunk, kept)) {
            loser = kept;
            kept = chunk;
        }
        if (loser != NULL)
            chunk_free(loser);
    }
    if (kept != NULL) {
        kept->next = NULL;
        chunk_empty(kept);
    }
    *arena = (struct arena){.chunks = kept};
}

static size_t next_cap(const struct arena *arena)
{
    if (arena->chunks == NULL)
        return CHUNK_FIRST;
    size_t doubled = arena->chunks->cap * 2;
    return doubled < CHUNK_KEPT ? doubled : CHUNK_KEPT;
}

/* A large block goes behind the newest chunk, whose room stays in use. */
static struct arena_chunk *chunk_for(struct arena *arena, size_t size)
{
    size_t cap = next_cap(arena);
    if (size > cap / 2 && arena->chunks != NULL) {
        struct arena_chunk *own = chunk_create(size);
        own->next = arena->chunks->next;
        arena->chunks->next = own;
        return own;
    }
    struct arena_chunk *chunk = chunk_create(size > cap ? size : cap);
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t rounded = size < SIZE_UNHEARD_OF ? (size + ALIGN - 1) & ~(ALIGN - 1) : SIZE_UNHEARD_OF;
    struct arena_chunk *chunk = arena->chunks;
    if (chunk == NULL || chunk->cap - chunk->used < rounded)
        chunk = chunk_for(arena, rounded);
    arena->used += rounded;
    return chunk_take(chunk, rounded, size);
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    void *block = arena_alloc(arena, size);
    memset(block, 0, size);
    return block;
}

struct slice arena_copy(struct arena *arena, struct slice bytes)
{
    return arena_join(arena, &bytes, 1);
}

struct slice arena_join(struct arena *arena, const struct slice *parts, size_t n)
{
    size_t len = n - 1;
    for (size_t i = 0; i < n; i++)
        len += parts[i].len;
    uint8_t *joined = arena_alloc(arena, len), *at = joined;
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            *at++ = '\0';
        if (parts[i].len > 0)
            memcpy(at, parts[i].data, parts[i].len);
        at += parts[i].len;
    }
    return slice_make(joined, len);
}

char *arena_text(struct arena *arena, struct slice text)
{
    char *copy = arena_alloc(arena, text.len + 1);
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    size_t size = len > 0 ? (size_t)len + 1 : 1;
    char *text = arena_alloc(arena, size);
    text[0] = '\0';
    (void)vsnprintf(text, size, format, again);
    va_end(again);
    va_end(args);
    return text;
}
