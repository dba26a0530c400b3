/* utf8.h - is this UTF-8? Pure. */
#ifndef WIRE_UTF8_H
#define WIRE_UTF8_H

#include "base/slice.h"

/* Well-formed by RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF. */
bool utf8_valid(struct slice text);
/* The same without NUL, which C strings could not carry: what utf8_valid_text()
 * asks about whatever is not plain ASCII. */
bool utf8_valid_without_nul(struct slice text);
/* How many bytes of the text are that, from the first. */
size_t utf8_valid_prefix(struct slice text);

#define UTF8_EACH_BYTE(b) (0x0101010101010101ull * (b))

/* Are all eight bytes ASCII and none of them NUL? */
static inline bool utf8_plain_word(uint64_t word)
{
    return !(((word - UTF8_EACH_BYTE(1)) | word) & UTF8_EACH_BYTE(0x80));
}

/* Nearly all text on the bus is short ASCII: one or two (overlapping) words. */
static inline bool utf8_valid_text(struct slice text)
{
    uint64_t head = 0, tail = 0;
    if (text.len >= 8 && text.len <= 16) {
        memcpy(&head, text.data, 8);
        memcpy(&tail, text.data + text.len - 8, 8);
    } else if (text.len >= 4 && text.len < 8) {
        uint32_t half[2];
        memcpy(&half[0], text.data, 4);
        memcpy(&half[1], text.data + text.len - 4, 4);
        head = tail = half[0] | (uint64_t)half[1] << 32;
    }
    if (utf8_plain_word(head) && utf8_plain_word(tail))
        return true;
    return utf8_valid_without_nul(text);
}

/* Appends the encoding of a code point to `at` (room for 4); returns its length. */
size_t utf8_encode(uint8_t *at, uint32_t code);

#endif
