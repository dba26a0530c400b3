#include "base/token_file.h"

#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define TOKEN_MAX 8192u /* longer ones are refused everywhere */

static ssize_t read_up_to(const char *path, char *out, size_t size)
{
    size_t len = 0;
    ssize_t n = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    while (len < size && n != 0) {
        n = read(fd, out + len, size - len);
        if (n < 0 && errno != EINTR)
            break;
        len += n > 0 ? (size_t)n : 0;
    }
    ssize_t result = n < 0 ? -errno : (ssize_t)len;
    (void)close(fd);
    return result;
}

static bool is_word(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isgraph((unsigned char)text[i]))
            return false;
    return len > 0;
}

int token_file_read(char **out, const char *path)
{
    char text[TOKEN_MAX + 64] = {0};
    ssize_t n = read_up_to(path, text, sizeof text);
    if (n < 0)
        return (int)n;
    size_t from = 0, to = (size_t)n;
    while (to > 0 && isspace((unsigned char)text[to - 1]))
        to--;
    while (from < to && isspace((unsigned char)text[from]))
        from++;
    if (!is_word(text + from, to - from) || to - from > TOKEN_MAX)
        return -EBADMSG;
    char *token = mem_alloc(to - from + 1);
    memcpy(token, text + from, to - from);
    token[to - from] = '\0';
    *out = token;
    return 0;
}
