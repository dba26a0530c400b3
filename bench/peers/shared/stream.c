#include "stream.h"

#include "../../measure/fail.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Large enough that a load of a thousand requests moves in one system call. */
#define BUFFER_BYTES (256u * 1024)

struct stream *stream_create(int epoll, int fd)
{
    struct stream *stream = mem_zalloc(sizeof *stream);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = stream};
    stream->fd = fd;
    stream->epoll = epoll;
    stream->in = mem_alloc(stream->in_cap = BUFFER_BYTES);
    stream->out = mem_alloc(stream->out_cap = BUFFER_BYTES);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
        fail_with("epoll_ctl: %s", strerror(errno));
    return stream;
}

static void move_to_front(char *bytes, size_t *at, size_t *len)
{
    memmove(bytes, bytes + *at, *len - *at);
    *len -= *at;
    *at = 0;
}

bool stream_fill(struct stream *stream)
{
    if (stream->in_at == stream->in_len || stream->in_at > stream->in_cap / 2)
        move_to_front(stream->in, &stream->in_at, &stream->in_len);
    if (stream->in_len == stream->in_cap)
        stream->in = mem_realloc(stream->in, stream->in_cap *= 2);
    ssize_t got = recv(stream->fd, stream->in + stream->in_len, stream->in_cap - stream->in_len, 0);
    if (got > 0) {
        stream->in_len += (size_t)got;
        return true;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR))
        stream->dead = true;
    return false;
}

char *stream_room(struct stream *stream, size_t len)
{
    if (stream->out_at == stream->out_len ||
        (stream->out_len + len > stream->out_cap && stream->out_at > 0))
        move_to_front(stream->out, &stream->out_at, &stream->out_len);
    while (stream->out_len + len > stream->out_cap)
        stream->out = mem_realloc(stream->out, stream->out_cap *= 2);
    return stream->out + stream->out_len;
}

void stream_put(struct stream *stream, const char *text)
{
    size_t len = strlen(text);
    memcpy(stream_room(stream, len), text, len);
    stream->out_len += len;
}

static void watch_output(struct stream *stream, bool on)
{
    if (stream->armed == on)
        return;
    struct epoll_event event = {.events = EPOLLIN | (on ? EPOLLOUT : 0u), .data.ptr = stream};
    epoll_ctl(stream->epoll, EPOLL_CTL_MOD, stream->fd, &event);
    stream->armed = on;
}

void stream_flush(struct stream *stream)
{
    while (stream->out_at < stream->out_len) {
        ssize_t sent = send(stream->fd, stream->out + stream->out_at,
                            stream->out_len - stream->out_at, MSG_NOSIGNAL);
        if (sent >= 0) {
            stream->out_at += (size_t)sent;
        } else if (errno != EINTR) {
            stream->dead |= errno != EAGAIN;
            break;
        }
    }
    watch_output(stream, !stream->dead && stream->out_at < stream->out_len);
}

size_t stream_pending(const struct stream *stream)
{
    return stream->out_len - stream->out_at;
}
