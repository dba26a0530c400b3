#include "percent.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* What the escape behind a '%' stands for; -1: it is none. */
static int escaped(const char *at)
{
    int high = hex_digit(at[0]);
    int low = high < 0 ? -1 : hex_digit(at[1]);
    return low < 0 ? -1 : high * 16 + low;
}

static bool decode(char *text, char forbidden, char space)
{
    char *to = text;
    for (const char *at = text; *at; at++) {
        char c = *at == space ? ' ' : *at;
        if (*at == '%') {
            int value = escaped(at + 1);
            if (value <= 0 || value == forbidden)
                return false;
            c = (char)value;
            at += 2;
        }
        *to++ = c;
    }
    *to = '\0';
    return true;
}

bool percent_decode_path(char *path)
{
    return decode(path, '/', '\0');
}

bool percent_decode_query(char *value)
{
    return decode(value, '\0', '+');
}
