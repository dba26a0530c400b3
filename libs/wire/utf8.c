/* utf8.c - validation by lead byte; words of plain ASCII are skipped eight bytes
 * at a time, because nearly all text on the bus is names. */
#include "wire/utf8.h"

/* Length of the plain ASCII, NUL excluded, that `text` starts with; a multiple of 8, or all. */
static size_t plain_prefix(const uint8_t *text, size_t len)
{
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, text + i, 8);
        if (!utf8_plain_word(word))
            return i;
    }
    while (i < len && text[i] - 1u < 0x7fu)
        i++;
    return i;
}

static bool continues(const uint8_t *text, size_t n)
{
    for (size_t i = 1; i <= n; i++)
        if ((text[i] & 0xc0) != 0x80)
            return false;
    return true;
}

/* Length of the multi-byte sequence at `text`, or 0 if it is not one. */
static size_t sequence(const uint8_t *text, size_t left)
{
    uint8_t lead = text[0];
    if (lead >= 0xc2 && lead <= 0xdf)
        return left >= 2 && continues(text, 1) ? 2 : 0;
    if ((lead & 0xf0) == 0xe0) {
        if (left < 3 || !continues(text, 2))
            return 0;
        bool overlong = lead == 0xe0 && text[1] < 0xa0;
        bool surrogate = lead == 0xed && text[1] > 0x9f;
        return overlong || surrogate ? 0 : 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        if (left < 4 || !continues(text, 3))
            return 0;
        bool overlong = lead == 0xf0 && text[1] < 0x90;
        bool beyond = lead == 0xf4 && text[1] > 0x8f;
        return overlong || beyond ? 0 : 4;
    }
    return 0;
}

static size_t valid_prefix(struct slice text, bool allow_nul)
{
    size_t i = 0;
    while (i < text.len && (i += plain_prefix(text.data + i, text.len - i)) < text.len) {
        bool is_plain = text.data[i] < 0x80 && (text.data[i] != 0 || allow_nul);
        size_t n = is_plain ? 1 : sequence(text.data + i, text.len - i);
        if (n == 0)
            return i;
        i += n;
    }
    return text.len;
}

bool utf8_valid(struct slice text)
{
    return valid_prefix(text, true) == text.len;
}

bool utf8_valid_without_nul(struct slice text)
{
    return valid_prefix(text, false) == text.len;
}

size_t utf8_valid_prefix(struct slice text)
{
    return valid_prefix(text, false);
}

size_t utf8_encode(uint8_t *at, uint32_t code)
{
    if (code < 0x80) {
        at[0] = (uint8_t)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--, code >>= 6)
        at[i] = (uint8_t)(0x80 | (code & 0x3f));
    at[0] = (uint8_t)(lead[n] | code);
    return n;
}
