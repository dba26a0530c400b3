/* buf.h - a growing byte buffer. Doubles when full (growing by what is missing
 * is a tenfold collapse on large frames). Not thread safe. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/slice.h"

struct buf {
    uint8_t *data;
    size_t len, cap;
};

void buf_finish(struct buf *buf);           /* frees; the buffer is empty and usable again */
void buf_grow(struct buf *buf, size_t cap); /* slow path of buf_reserve */

/* Room for `more` bytes behind the end; returns where they go. Does not change len. */
static inline uint8_t *buf_reserve(struct buf *buf, size_t more)
{
    if (buf->cap - buf->len < more)
        buf_grow(buf, buf->len + more);
    return buf->data + buf->len;
}

void buf_append(struct buf *buf, const void *data, size_t len);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline struct slice buf_slice(const struct buf *buf)
{
    return slice_make(buf->data, buf->len);
}

#endif
