#include "secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/* All of it, on disk; or -errno. */
static int write_all(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0 ? 0 : -errno;
}

int secret_file_create(const struct cli *cli, const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int err = fd < 0 ? -errno : 0;
    if (fd >= 0) {
        err = write_all(fd, text);
        if (close(fd) < 0 && !err)
            err = -errno;
        if (err)
            unlink(path);
    }
    return err ? cli_fail(cli, EXIT_NO_OUTPUT, "cannot write %s: %s", path, strerror(-err))
               : EXIT_OK;
}

int secret_file_replace(const struct cli *cli, const char *path, const char *text)
{
    char fresh[PATH_MAX];
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        return cli_fail(cli, EXIT_NO_OUTPUT, "cannot write %.80s…: the name is too long", path);
    int code = secret_file_create(cli, fresh, text);
    if (code == EXIT_OK && rename(fresh, path) != 0) {
        code = cli_fail(cli, EXIT_NO_OUTPUT, "cannot write %s: %s", path, strerror(errno));
        unlink(fresh);
    }
    return code;
}
