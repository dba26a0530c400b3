#include "digits.h"

#include <string.h>

size_t digits_of(char out[DIGITS_MAX], uint64_t value)
{
    char reversed[DIGITS_MAX];
    size_t at = sizeof reversed;
    do
        reversed[--at] = (char)('0' + value % 10);
    while (value /= 10);
    memcpy(out, reversed + at, sizeof reversed - at);
    return sizeof reversed - at;
}
