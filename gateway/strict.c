/* Before anything is included: the inline recv() of a fortified libc would be in the way of ours.
 */
#undef _FORTIFY_SOURCE
#include "strict.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "inbound.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <sys/socket.h>

#define EXPORTED __attribute__((visibility("default")))

/* What comes after a defect is thrown away, this much of it at a time. */
#define SCRAP_BYTES 4096u
#define SCRAPS 16

/* By descriptor. */
static struct watched {
    bool is, tls;
    unsigned requests; /* whose heads libmicrohttpd has read */
    uint64_t since;    /* a head is under way, that of request `of`, or the handshake */
    unsigned of;
    struct inbound inbound;
    struct buf held; /* what libmicrohttpd has not been given: a piece of framing without its end */
    size_t ready;    /* bytes of that which it may have now */
} * watched;
static size_t watched_count, largest_body;
static _Thread_local bool is_loop;

/* ---- bytes ---- */

static struct watched *find(int fd)
{
    return fd >= 0 && (size_t)fd < watched_count && watched[fd].is ? &watched[fd] : NULL;
}

/* Where bytes come from. */
struct source {
    int fd, flags;
    gnutls_session_t session; /* NULL: from the socket */
};

static ssize_t pull(const struct source *source, void *bytes, size_t size)
{
    static ssize_t (*next)(int, void *, size_t, int);
    static ssize_t (*next_record)(gnutls_session_t, void *, size_t);
    if (!next) {
        *(void **)&next = dlsym(RTLD_NEXT, "recv");
        *(void **)&next_record = dlsym(RTLD_NEXT, "gnutls_record_recv");
    }
    return source->session ? next_record(source->session, bytes, size)
                           : next(source->fd, bytes, size, source->flags);
}

static size_t take_ready(struct watched *self, uint8_t *out, size_t size)
{
    size_t n = self->ready < size ? self->ready : size;
    if (n == 0)
        return 0;
    memcpy(out, self->held.data, n);
    self->held.len -= n;
    self->ready -= n;
    memmove(self->held.data, self->held.data + n, self->held.len);
    return n;
}

/* In the place of the piece that is held from `start` on. Its line stays, if it is one, for the
 * log.
 */
static void replace(struct watched *self, size_t start)
{
    static const char rest[] = "Host: gateway\r\n\r\n";
    const struct inbound *inbound = &self->inbound;
    bool has_line = inbound->line > 0 && inbound_in_head(inbound);
    const char *instead = has_line ? rest : inbound_instead(inbound);
    self->held.len = start + (has_line ? inbound->line : 0);
    buf_append(&self->held, instead, strlen(instead));
    self->ready = self->held.len;
}

/* New bytes, when nothing is ready. Returns how many of them may go straight on. */
static size_t sift(struct watched *self, const uint8_t *bytes, size_t len)
{
    size_t pending = self->held.len;
    self->inbound.largest = largest_body;
    size_t whole = inbound_feed(&self->inbound, bytes, len);
    size_t on = pending == 0 ? whole : 0;
    if (on < len)
        buf_append(&self->held, bytes + on, len - on);
    if (on == 0 && whole > 0)
        self->ready = pending + whole;
    if (self->inbound.defect)
        replace(self, self->ready);
    return on;
}

static ssize_t discard(const struct source *source)
{
    uint8_t scrap[SCRAP_BYTES];
    ssize_t n = 1;
    for (int i = 0; i < SCRAPS && n > 0; i++)
        n = pull(source, scrap, sizeof scrap);
    if (n <= 0)
        return n;
    errno = EAGAIN;
    return source->session ? GNUTLS_E_AGAIN : -1;
}

/* Less than `size` only when the source has no more for now, as libmicrohttpd takes it to mean. */
static ssize_t give(struct watched *self, const struct source *source, uint8_t *out, size_t size)
{
    size_t given = 0;
    for (;;) {
        given += take_ready(self, out + given, size - given);
        if (given == size)
            return (ssize_t)given;
        if (self->inbound.defect)
            return given > 0 ? (ssize_t)given : discard(source);
        ssize_t n = pull(source, out + given, size - given);
        if (n <= 0)
            return given > 0 ? (ssize_t)given : n;
        bool is_all = (size_t)n < size - given;
        given += sift(self, out + given, (size_t)n);
        if (is_all && given > 0 && self->ready == 0)
            return (ssize_t)given;
    }
}

static ssize_t receive(struct watched *self, const struct source *source, void *bytes, size_t size)
{
    ssize_t n = give(self, source, bytes, size);
    if (!inbound_in_head(&self->inbound) || self->inbound.defect)
        self->since = 0;
    else if (self->since == 0 || self->of != self->inbound.requests)
        self->since = clock_mono_ns();
    self->of = self->inbound.requests;
    return n;
}

EXPORTED ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
    const struct source source = {.fd = fd, .flags = flags};
    struct watched *connection = is_loop && !(flags & MSG_PEEK) ? find(fd) : NULL;
    return connection && !connection->tls ? receive(connection, &source, bytes, size)
                                          : pull(&source, bytes, size);
}

EXPORTED ssize_t gnutls_record_recv(gnutls_session_t session, void *bytes, size_t size)
{
    const struct source source = {.session = session};
    struct watched *connection = is_loop ? find(gnutls_transport_get_int(session)) : NULL;
    return connection && connection->tls ? receive(connection, &source, bytes, size)
                                         : pull(&source, bytes, size);
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
    if (tls)
        watched[fd].since = clock_mono_ns();
}

void strict_allow(size_t largest)
{
    largest_body = largest;
}

void strict_end(int fd)
{
    struct watched *connection = find(fd);
    if (!connection)
        return;
    connection->is = false;
    buf_finish(&connection->held);
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

bool strict_defect(int fd, struct strict_defect *out)
{
    const struct watched *connection = find(fd);
    const struct inbound *inbound = connection ? &connection->inbound : NULL;
    /* What libmicrohttpd has read and we have not seen is nothing to trust. */
    if (!connection || inbound->requests < connection->requests) {
        *out = (struct strict_defect){"nobody has seen the request come", 400, false};
        return true;
    }
    if (!inbound->defect || inbound->defective > connection->requests)
        return false;
    *out = (struct strict_defect){inbound->defect, inbound->http, inbound->line == 0};
    return true;
}

bool strict_waits(int fd, bool begun)
{
    const struct watched *connection = find(fd);
    if (!connection || connection->tls || connection->ready > 0 || connection->inbound.defect)
        return false;
    unsigned ahead = connection->inbound.requests - connection->requests;
    bool is_within = inbound_in_request(&connection->inbound);
    if (begun)
        return ahead == 0 && is_within;
    return ahead == 0 || (ahead == 1 && is_within);
}

uint64_t strict_since(int fd)
{
    const struct watched *connection = find(fd);
    return connection ? connection->since : 0;
}
