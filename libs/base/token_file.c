#include "base/token_file.h"

#include "base/file.h"
#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define TOKEN_MAX 8192u /* longer ones are refused everywhere */
#define FILE_MAX (TOKEN_MAX + 64u)

static bool is_word(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isgraph((unsigned char)text[i]))
            return false;
    return len > 0;
}

/* The word between white space, or -EBADMSG. */
static int take_word(char **out, struct slice text)
{
    const char *at = (const char *)text.data;
    size_t from = 0, to = text.len;
    while (to > 0 && isspace((unsigned char)at[to - 1]))
        to--;
    while (from < to && isspace((unsigned char)at[from]))
        from++;
    if (!is_word(at + from, to - from) || to - from > TOKEN_MAX)
        return -EBADMSG;
    char *token = mem_alloc(to - from + 1);
    memcpy(token, at + from, to - from);
    token[to - from] = '\0';
    *out = token;
    return 0;
}

int token_file_read(char **out, const char *path)
{
    struct buf text = {0};
    int rc = file_read(&text, path, FILE_MAX);
    if (rc == 0)
        rc = take_word(out, buf_slice(&text));
    buf_finish(&text);
    return rc == -EFBIG ? -EBADMSG : rc;
}
