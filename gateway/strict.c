/* Before anything is included: the inline recv() of a fortified libc would be in the way of ours.
 */
#undef _FORTIFY_SOURCE
#include "strict.h"

#include "base/clock.h"
#include "base/mem.h"
#include "inbound.h"

#include <dlfcn.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <sys/socket.h>

#define EXPORTED __attribute__((visibility("default")))

/* By descriptor. */
static struct watched {
    bool is, tls;
    unsigned requests; /* whose heads libmicrohttpd has read */
    uint64_t since;    /* a head is under way */
    struct inbound inbound;
} * watched;
static size_t watched_count;
static _Thread_local bool is_loop;

/* ---- bytes ---- */

static struct watched *find(int fd)
{
    return fd >= 0 && (size_t)fd < watched_count && watched[fd].is ? &watched[fd] : NULL;
}

static void look(int fd, bool tls, const void *bytes, ssize_t len)
{
    struct watched *connection = is_loop ? find(fd) : NULL;
    if (!connection || connection->tls != tls || len <= 0)
        return;
    inbound_feed(&connection->inbound, bytes, (size_t)len);
    if (!inbound_in_head(&connection->inbound))
        connection->since = 0;
    else if (connection->since == 0)
        connection->since = clock_mono_ns();
}

EXPORTED ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
    static ssize_t (*next)(int, void *, size_t, int);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "recv");
    ssize_t len = next(fd, bytes, size, flags);
    if (!(flags & MSG_PEEK))
        look(fd, false, bytes, len);
    return len;
}

EXPORTED ssize_t gnutls_record_recv(gnutls_session_t session, void *bytes, size_t size)
{
    static ssize_t (*next)(gnutls_session_t, void *, size_t);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "gnutls_record_recv");
    ssize_t len = next(session, bytes, size);
    look(gnutls_transport_get_int(session), true, bytes, len);
    return len;
}

/* ---- connections ---- */

static void make_room(int fd)
{
    size_t count = watched_count;
    while ((size_t)fd >= count)
        count = count > 0 ? 2 * count : 64;
    if (count == watched_count)
        return;
    watched = mem_realloc(watched, count * sizeof *watched);
    memset(watched + watched_count, 0, (count - watched_count) * sizeof *watched);
    watched_count = count;
}

void strict_begin(int fd, bool tls, size_t most)
{
    is_loop = true;
    make_room(fd);
    watched[fd] = (struct watched){.is = true, .tls = tls, .inbound.most = most};
}

void strict_end(int fd)
{
    struct watched *connection = find(fd);
    if (connection)
        connection->is = false;
}

void strict_finish(void)
{
    mem_free(watched);
    watched = NULL;
    watched_count = 0;
}

/* ---- requests ---- */

void strict_next(int fd)
{
    struct watched *connection = find(fd);
    if (connection)
        connection->requests++;
}

const char *strict_defect(int fd, bool *too_large)
{
    const struct watched *connection = find(fd);
    const struct inbound *inbound = connection ? &connection->inbound : NULL;
    /* What libmicrohttpd has read and we have not seen is nothing to trust. */
    if (!connection || inbound->requests < connection->requests)
        return "nobody has seen the request come";
    *too_large = inbound->too_large;
    return inbound->defective <= connection->requests ? inbound->defect : NULL;
}

uint64_t strict_since(int fd)
{
    const struct watched *connection = find(fd);
    return connection ? connection->since : 0;
}
