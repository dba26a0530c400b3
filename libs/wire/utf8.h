/* utf8.h - is this UTF-8? Pure. */
#ifndef WIRE_UTF8_H
#define WIRE_UTF8_H

#include "base/slice.h"

/* Well-formed by RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF. */
bool utf8_valid(struct slice text);
/* The same without NUL, which C strings could not carry. */
bool utf8_valid_text(struct slice text);
/* Appends the encoding of a code point to `at` (room for 4); returns its length. */
size_t utf8_encode(uint8_t *at, uint32_t code);

#endif
