/* file.h - whole files, read into a buffer. Blocking; thread safe.
 *
 * `most` bounds what is read: files are named by people, who name other ones by mistake. All
 * append, and return 0 or a negative errno, -EFBIG for more than `most` bytes; the buffer then
 * holds what had been read. A file that does not grow meanwhile leaves no copy of its bytes
 * elsewhere, so that whoever reads a secret can wipe it. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"

#include <sys/stat.h>

/* Anything that can be read to its end, a pipe as well. Follows links. */
int file_read(struct buf *out, const char *path, size_t most);
/* The same of what is open already, from where it stands. */
int file_read_fd(struct buf *out, int fd, size_t most);
/* Opens a regular file for reading, and never waits for whoever might write into a pipe. Returns a
 * descriptor that is the caller's, or -EINVAL: it is no file, or over `most`. */
int file_open_regular(const char *path, size_t most, struct stat *about);

#endif
