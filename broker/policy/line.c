#include "policy/line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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
