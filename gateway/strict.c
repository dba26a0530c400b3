#include "strict.h"

#include "base/mem.h"
#include "head.h"

#include <dlfcn.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define EXPORTED __attribute__((visibility("default")))

/* By descriptor. */
static struct watched {
    bool is, tls;
    struct head head;
} * watched;
static size_t watched_count;

/* ---- bytes ---- */

static struct watched *find(int fd)
{
    return fd >= 0 && (size_t)fd < watched_count && watched[fd].is ? &watched[fd] : NULL;
}

static void look(int fd, bool tls, const void *bytes, ssize_t len)
{
    struct watched *connection = find(fd);
    if (connection && connection->tls == tls && len > 0)
        head_feed(&connection->head, bytes, (size_t)len);
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

void strict_begin(int fd, bool tls)
{
    size_t count = watched_count;
    while ((size_t)fd >= count)
        count = count > 0 ? 2 * count : 64;
    if (count > watched_count) {
        watched = mem_realloc(watched, count * sizeof *watched);
        memset(watched + watched_count, 0, (count - watched_count) * sizeof *watched);
        watched_count = count;
    }
    watched[fd] = (struct watched){.is = true, .tls = tls};
}

void strict_next(int fd)
{
    struct watched *connection = find(fd);
    if (connection)
        connection->head = (struct head){0};
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

/* ---- headers ---- */

/* Those that may be there once. */
struct single {
    unsigned lengths, codings, hosts, authorizations;
    bool chunked;
};

static enum MHD_Result count(void *arg, enum MHD_ValueKind kind, const char *name,
                             const char *value)
{
    struct single *seen = arg;
    (void)kind;
    seen->lengths += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
    seen->hosts += strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0;
    seen->authorizations += strcasecmp(name, MHD_HTTP_HEADER_AUTHORIZATION) == 0;
    if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        seen->codings++;
        seen->chunked = value && strcasecmp(value, "chunked") == 0;
    }
    return MHD_YES;
}

const char *strict_defect(struct MHD_Connection *connection, int fd)
{
    struct single seen = {0};
    const struct watched *bytes = find(fd);
    if (bytes && bytes->head.defect)
        return bytes->head.defect;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, count, &seen);
    if (seen.lengths + seen.codings > 1)
        return "the request says more than once how long it is";
    if (seen.codings > 0 && !seen.chunked)
        return "its Transfer-Encoding is not chunked";
    if (seen.hosts > 1)
        return "there is more than one Host";
    return seen.authorizations > 1 ? "there is more than one Authorization" : NULL;
}
