/* stream.h - a non-blocking socket with an input and an output buffer, for loads that speak a
 * protocol by hand over epoll. */
#ifndef PEERS_STREAM_H
#define PEERS_STREAM_H

#include <stdbool.h>
#include <stddef.h>

struct stream {
    int fd, epoll; /* the socket, and the set it is registered in with itself as data */
    void *owner;   /* the user's */
    bool dead;     /* the other side is gone */
    bool armed;    /* waiting to write more */
    char *in;
    size_t in_at, in_len, in_cap; /* unread: in[in_at .. in_len) */
    char *out;
    size_t out_at, out_len, out_cap;
};

/* Takes the connected descriptor. Lives as long as the process. */
struct stream *stream_create(int epoll, int fd);
/* One read(2); false when nothing came. */
bool stream_fill(struct stream *stream);
/* Room for `len` more bytes of output: write there, then add to out_len. */
char *stream_room(struct stream *stream, size_t len);
void stream_put(struct stream *stream, const char *text);
/* Writes what the socket takes now; the rest goes when epoll says so and this is called again. */
void stream_flush(struct stream *stream);
size_t stream_pending(const struct stream *stream);

#endif
