#include "route.h"

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

/* What the escape behind a '%' stands for; -1 if it is none that a path may hold. */
static int escaped(const char *at)
{
    int high = hex_digit(at[0]);
    int low = high < 0 ? -1 : hex_digit(at[1]);
    if (low < 0)
        return -1;
    int value = high * 16 + low;
    return value == 0 || value == '/' ? -1 : value;
}

bool route_decode(char *path)
{
    char *to = path;
    for (const char *at = path; *at; at++) {
        int c = (unsigned char)*at;
        if (c == '%') {
            c = escaped(at + 1);
            if (c < 0)
                return false;
            at += 2;
        }
        *to++ = (char)c;
    }
    *to = '\0';
    return true;
}

static size_t segment_len(const char *at)
{
    return strcspn(at, "/");
}

bool route_fits(const struct route *route, const char *path, struct route_match *match)
{
    const char *want = route->path;
    match->n = 0;
    for (;;) {
        size_t wants = segment_len(want), has = segment_len(path);
        if (want[0] == '{') {
            if (has == 0 || match->n == ROUTE_PARAMS_MAX)
                return false;
            match->params[match->n++] = slice_make(path, has);
        } else if (!slice_equal(slice_make(want, wants), slice_make(path, has))) {
            return false;
        }
        want += wants;
        path += has;
        if (!*want || !*path)
            return *want == *path;
        want++;
        path++;
    }
}
