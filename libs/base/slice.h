/* slice.h - borrowed bytes: a pointer and a length, never owned, never
 * terminated. Whoever hands one out says how long it stays valid. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *data;
    size_t len;
};

/* For printf's "%.*s". */
#define SLICE_FMT(s) (int)(s).len, (const char *)(s).data

static inline struct slice slice_make(const void *data, size_t len)
{
    return (struct slice){data, len};
}

static inline struct slice slice_of(const char *text)
{
    return (struct slice){(const uint8_t *)text, text ? strlen(text) : 0};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_is(struct slice s, const char *text)
{
    return slice_equal(s, slice_of(text));
}

#endif
