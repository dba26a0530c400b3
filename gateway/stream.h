/* stream.h - a response that goes on: bytes from the threads of the bus to a client who reads them
 * at its own pace. Thread safe. */
#ifndef GATEWAY_STREAM_H
#define GATEWAY_STREAM_H

#include "base/buf.h"

#include <pthread.h>
#include <sys/types.h>

/* What may wait for a slow client, unless it is a single part. */
#define STREAM_BYTES_MAX (1024u * 1024u)

#define STREAM_OVER (-1)
#define STREAM_FAILED (-2)

struct stream {
    pthread_mutex_t mutex;
    struct buf bytes; /* from `taken` on they wait */
    size_t taken;
    bool ended, failed;
};

void stream_init(struct stream *stream);
void stream_finish(struct stream *stream);
/* All of it, or false when too much is waiting, or the stream has ended. */
bool stream_put(struct stream *stream, struct slice bytes);
/* Nothing comes after what was put. */
void stream_end(struct stream *stream);
/* The same, and that is not all that there was to say. */
void stream_fail(struct stream *stream);
/* Up to `size` bytes; 0: none now, STREAM_OVER or STREAM_FAILED: none ever. */
ssize_t stream_take(struct stream *stream, char *out, size_t size);

#endif
