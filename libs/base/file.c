#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define STEP_BYTES 4096u

/* Room for all of it at once: growing leaves copies behind. */
static void make_room(struct buf *out, int fd, size_t most)
{
    struct stat about;
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && (uint64_t)about.st_size <= most)
        (void)buf_reserve(out, (size_t)about.st_size + STEP_BYTES);
}

int file_read_fd(struct buf *out, int fd, size_t most)
{
    size_t begin = out->len;
    make_room(out, fd, most);
    for (;;) {
        uint8_t *at = buf_reserve(out, STEP_BYTES);
        ssize_t n = read(fd, at, out->cap - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        out->len += (size_t)n;
        if (out->len - begin > most)
            return -EFBIG;
    }
}

int file_read(struct buf *out, const char *path, size_t most)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = file_read_fd(out, fd, most);
    (void)close(fd);
    return rc;
}

int file_open_regular(const char *path, size_t most, struct stat *about)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    int rc = fstat(fd, about) < 0 ? -errno : 0;
    if (rc == 0 && (!S_ISREG(about->st_mode) || (uint64_t)about->st_size > most))
        rc = -EINVAL;
    if (rc == 0)
        return fd;
    (void)close(fd);
    return rc;
}
