#include "base/mem.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_KEPT (1024 * 1024)    /* bytes */
#define SPARE_KEPT (16 * 1024 * 1024) /* bytes */

static void *or_abort(void *ptr, size_t size)
{
    if (ptr == NULL) {
        fprintf(stderr, "out of memory: %zu bytes were refused\n", size);
        abort();
    }
    return ptr;
}

/* malloc(0) may return NULL, which is not a refusal. */
static size_t at_least_one(size_t size)
{
    return size > 0 ? size : 1;
}

void *mem_alloc(size_t size)
{
    return or_abort(malloc(at_least_one(size)), size);
}

void *mem_zalloc(size_t size)
{
    return or_abort(calloc(1, at_least_one(size)), size);
}

void *mem_realloc(void *old, size_t size)
{
    return or_abort(realloc(old, at_least_one(size)), size);
}

char *mem_strdup(const char *text)
{
    return mem_dup(text, strlen(text) + 1);
}

void *mem_dup(const void *data, size_t size)
{
    void *copy = mem_alloc(size);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

void mem_free(void *ptr)
{
    free(ptr);
}

void mem_keep_bursts(void)
{
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT);
    mallopt(M_TRIM_THRESHOLD, SPARE_KEPT);
#endif
}
