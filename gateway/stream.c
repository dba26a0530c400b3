#include "stream.h"

void stream_init(struct stream *self)
{
    *self = (struct stream){0};
    pthread_mutex_init(&self->mutex, NULL);
}

void stream_finish(struct stream *self)
{
    buf_finish(&self->bytes);
    pthread_mutex_destroy(&self->mutex);
}

bool stream_put(struct stream *self, struct slice bytes)
{
    pthread_mutex_lock(&self->mutex);
    size_t waits = self->bytes.len - self->taken;
    bool fits = !self->ended && (waits == 0 || waits + bytes.len <= STREAM_BYTES_MAX);
    if (fits)
        buf_append(&self->bytes, bytes.data, bytes.len);
    pthread_mutex_unlock(&self->mutex);
    return fits;
}

void stream_end(struct stream *self)
{
    pthread_mutex_lock(&self->mutex);
    self->ended = true;
    pthread_mutex_unlock(&self->mutex);
}

void stream_fail(struct stream *self)
{
    pthread_mutex_lock(&self->mutex);
    self->ended = self->failed = true;
    pthread_mutex_unlock(&self->mutex);
}

/* What was taken makes room once everything was, or it is more than what is left. */
static void make_room(struct stream *self)
{
    size_t left = self->bytes.len - self->taken;
    if (self->taken < left)
        return;
    memmove(self->bytes.data, self->bytes.data + self->taken, left);
    self->bytes.len = left;
    self->taken = 0;
}

ssize_t stream_take(struct stream *self, char *out, size_t size)
{
    pthread_mutex_lock(&self->mutex);
    size_t left = self->bytes.len - self->taken;
    ssize_t over = self->failed ? STREAM_FAILED : STREAM_OVER;
    ssize_t n = left == 0 && self->ended ? over : (ssize_t)(left < size ? left : size);
    if (n > 0) {
        memcpy(out, self->bytes.data + self->taken, (size_t)n);
        self->taken += (size_t)n;
        make_room(self);
    }
    pthread_mutex_unlock(&self->mutex);
    return n;
}
