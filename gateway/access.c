#include "access.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "exchange.h"
#include "wire/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <unistd.h>

#define FLUSH_BYTES 65536u
#define ADDRESS_BYTES 64u
#define TEXT_BYTES 1024u
#define NONE (-1)

struct access_log {
    int fd;
    struct buf lines;
    _Atomic uint64_t *lost;
};

/* ---- the file ---- */

/* A pipe that nobody empties must not stop the gateway. NONE without a path. Negative errno. */
static int open_file(const char *path, int *fd)
{
    *fd = NONE;
    if (*path)
        *fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0640);
    return *path && *fd < 0 ? -errno : 0;
}

struct access_log *access_log_open(const char *path, _Atomic uint64_t *lost)
{
    int fd;
    int rc = open_file(path, &fd);
    if (rc < 0) {
        errno = -rc;
        return NULL;
    }
    struct access_log *self = mem_zalloc(sizeof *self);
    self->fd = fd;
    self->lost = lost;
    return self;
}

static void close_file(struct access_log *self)
{
    access_log_flush(self);
    if (self->fd >= 0)
        (void)close(self->fd);
}

int access_log_reopen(struct access_log *self, const char *path)
{
    int fd;
    int rc = open_file(path, &fd);
    if (rc < 0)
        return rc;
    close_file(self);
    self->fd = fd;
    return 0;
}

/* The rest of a line that was written in part waits, so that lines stay whole; others are lost. */
static void keep_rest(struct access_log *self, const uint8_t *at)
{
    uint8_t *data = self->lines.data;
    const uint8_t *end = data + self->lines.len;
    size_t rest = 0;
    if (at > data && at < end && at[-1] != '\n')
        rest = (size_t)((const uint8_t *)memchr(at, '\n', (size_t)(end - at)) + 1 - at);
    for (const uint8_t *lost = at + rest; lost < end; lost++)
        *self->lost += *lost == '\n';
    if (rest > 0)
        memmove(data, at, rest);
    self->lines.len = rest;
}

void access_log_flush(struct access_log *self)
{
    if (self->lines.len == 0)
        return;
    const uint8_t *at = self->lines.data, *end = at + self->lines.len;
    while (at < end) {
        ssize_t n = write(self->fd, at, (size_t)(end - at));
        if (n > 0)
            at += n;
        else if (errno != EINTR)
            break;
    }
    keep_rest(self, at);
}

void access_log_close(struct access_log *self)
{
    if (!self)
        return;
    close_file(self);
    buf_finish(&self->lines);
    mem_free(self);
}

/* ---- a line ---- */

/* What is not UTF-8 shows as question marks; what is too long is cut. */
static void put_text(json_t *line, const char *name, const char *value)
{
    char text[TEXT_BYTES];
    size_t len = value ? strnlen(value, sizeof text) : 0;
    if (len == 0)
        return;
    memcpy(text, value, len);
    bool valid = utf8_valid(slice_make(text, len));
    for (size_t i = 0; i < len && !valid; i++)
        if ((unsigned char)text[i] >= 0x80)
            text[i] = '?';
    json_object_set_new(line, name, json_stringn(text, len));
}

static void put_time(json_t *line)
{
    char text[CLOCK_TEXT_BYTES];
    clock_text(text, clock_now().unix_ms);
    put_text(line, "time", text);
}

static int append(const char *data, size_t len, void *buf)
{
    buf_append(buf, data, len);
    return 0;
}

void access_log_add(struct access_log *self, const struct exchange *x, unsigned status, uint64_t ns)
{
    char address[ADDRESS_BYTES];
    if (self->fd < 0)
        return;
    json_t *line = json_object();
    exchange_address(x, address, sizeof address);
    put_time(line);
    put_text(line, "client", address);
    put_text(line, "method", x->method);
    put_text(line, "path", x->path);
    json_object_set_new(line, "status", json_integer(status));
    json_object_set_new(line, "ms", json_real((double)ns / NS_PER_MS));
    json_object_set_new(line, "bytes_in", json_integer((json_int_t)x->body_bytes));
    json_object_set_new(line, "bytes_out", json_integer((json_int_t)x->sent));
    if (!x->waits) { /* else the answer may be being written */
        put_text(line, "request_id", answer_get(&x->answer, ANSWER_REQUEST_ID));
        put_text(line, "tenant", answer_get(&x->answer, "X-Tenant-Id"));
    }
    put_text(line, "user_agent", exchange_header(x, "User-Agent"));
    (void)json_dump_callback(line, append, &self->lines,
                             JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6));
    buf_append(&self->lines, "\n", 1);
    json_decref(line);
    if (self->lines.len >= FLUSH_BYTES)
        access_log_flush(self);
}
