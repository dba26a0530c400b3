#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

void store_explain(char *why, const char *format, ...)
{
    va_list args;
    if (!why)
        return;
    va_start(args, format);
    vsnprintf(why, STORE_WHY_BYTES, format, args);
    va_end(args);
}

static int open_lock(const char *dir)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return -errno;
    int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -errno;
    int fd = openat(folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int err = fd < 0 ? -errno : 0;
    close(folder);
    return err ? err : fd;
}

int lock_take(const char *dir, char *why)
{
    int fd = open_lock(dir);
    if (fd < 0) {
        store_explain(why, "%.96s: %s", dir, strerror(-fd));
        return fd;
    }
    /* The system lets go of it with the process, however that ends. */
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int err = errno == EWOULDBLOCK ? -EBUSY : -errno;
    store_explain(why, "%.96s: %s", dir,
                  err == -EBUSY ? "in use by another broker" : strerror(-err));
    close(fd);
    return err;
}
