/* workaround.c - two defects of nng before 1.6, mended from outside.
 *
 * libnng calls the three functions below through its PLT, so definitions
 * exported by the executable, or by a library it names before libnng, are found first. They pass
 * everything on and change two answers. Linked into every program of ours that uses nng, broker and
 * clients alike, and into libfarebox.so for those of others (not where that is loaded by dlopen:
 * then libc is found first); inert with a library that does not need it.
 *
 * 1. A peer that connects and closes at once makes sendmsg() fail with EPIPE, which nng
 *    takes for "our own socket is closed": the ipc listener stops accepting for good
 *    (on tcp, a FIN followed by a RST does the same). Reported as ECONNRESET, it is
 *    taken for what it is.
 *
 * 2. A pipe that closes under load may start a receive or send on a stream whose aio
 *    has just been shut: nng records NNG_ECANCELED, never runs the completion, and its one reaper
 *    thread waits for it for ever: descriptors leak, nng_close() hangs. Finishing the aio lets the
 *    reaper go on.
 *
 * Shown by tests/dialogue/test_churn.c. */
#include <dlfcn.h>
#include <errno.h>
#include <nng/nng.h>
#include <nng/supplemental/util/platform.h>
#include <stdio.h>
#include <sys/socket.h>

#define EXPORTED __attribute__((visibility("default")))

typedef void stream_fn(nng_stream *, nng_aio *);

static ssize_t (*next_sendmsg)(int, const struct msghdr *, int);
static stream_fn *next_stream_recv, *next_stream_send;
static int needed;

static void *next_symbol(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void find_the_real_ones(void)
{
    unsigned major = 0, minor = 0;
    *(void **)&next_sendmsg = next_symbol("sendmsg");
    *(void **)&next_stream_recv = next_symbol("nng_stream_recv");
    *(void **)&next_stream_send = next_symbol("nng_stream_send");
    needed = sscanf(nng_version(), "%u.%u", &major, &minor) == 2 && major == 1 && minor < 6;
}

EXPORTED ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (!next_sendmsg) /* called by another library's constructor */
        find_the_real_ones();
    ssize_t sent = next_sendmsg(fd, message, flags);
    if (sent < 0 && errno == EPIPE && needed)
        errno = ECONNRESET;
    return sent;
}

static void finish_if_forgotten(nng_aio *aio)
{
    if (needed && nng_aio_result(aio) == NNG_ECANCELED)
        nng_aio_finish(aio, NNG_ECLOSED);
}

EXPORTED void nng_stream_recv(nng_stream *stream, nng_aio *aio)
{
    next_stream_recv(stream, aio);
    finish_if_forgotten(aio);
}

EXPORTED void nng_stream_send(nng_stream *stream, nng_aio *aio)
{
    next_stream_send(stream, aio);
    finish_if_forgotten(aio);
}
