#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

#define BUF_FIRST 256u

void buf_finish(struct buf *buf)
{
    mem_free(buf->data);
    *buf = (struct buf){0};
}

void buf_grow(struct buf *buf, size_t cap)
{
    size_t doubled = buf->cap > 0 ? buf->cap * 2 : BUF_FIRST;
    if (cap < buf->len)
        cap = SIZE_MAX / 2; /* the sum wrapped: ask for what the system refuses */
    buf->cap = cap > doubled ? cap : doubled;
    buf->data = mem_realloc(buf->data, buf->cap);
}

void buf_append(struct buf *buf, const void *data, size_t len)
{
    if (len == 0)
        return;
    memcpy(buf_reserve(buf, len), data, len);
    buf->len += len;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    if (len > 0) {
        size_t size = (size_t)len + 1;
        (void)vsnprintf((char *)buf_reserve(buf, size), size, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
}
