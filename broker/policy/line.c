#include "policy/line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int line_complain(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, LINE_WHY_BYTES, format, args);
    va_end(args);
    return -EINVAL;
}

int line_number(uint64_t *out, const char *text, uint64_t least, uint64_t most)
{
    char *end;
    if (*text < '0' || *text > '9')
        return -EINVAL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno || *end || number < least || number > most)
        return -EINVAL;
    *out = number;
    return 0;
}

/* Moves to the next word; 0: there is none. */
static size_t next_word(const char **at, size_t passed)
{
    *at += passed;
    *at += strspn(*at, LINE_SPACES);
    return strcspn(*at, LINE_SPACES);
}

/* With its equals sign, if it has one. */
static size_t key_length(const char *word, size_t len)
{
    const char *equals = memchr(word, '=', len);
    return equals ? (size_t)(equals - word) + 1 : len;
}

int line_says_once(const char *line, char *why)
{
    const char *word = line;
    size_t len = next_word(&word, 0);
    while ((len = next_word(&word, len)) > 0) {
        size_t key = key_length(word, len), other_len = len;
        for (const char *other = word; (other_len = next_word(&other, other_len)) > 0;) {
            if (key_length(other, other_len) == key && memcmp(word, other, key) == 0)
                return line_complain(why, "%.*s is there twice", (int)(key < 60 ? key : 60), word);
        }
    }
    return 0;
}
