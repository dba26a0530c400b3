/* json_read.c - MessagePack from JSON, in one pass and without a tree. */
#include "wire/json.h"
#include "wire/json_text.h"
#include "wire/pack.h"
#include "wire/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define NUMBER_TEXT_MAX 400u /* every double can be said in less */

struct reader {
    const uint8_t *start, *at, *end;
    struct buf *out;
    struct json_error *why;
};

static int fail(const struct reader *reader, int rc, const char *what)
{
    return json_fail(reader->why, rc, (size_t)(reader->at - reader->start), what);
}

/* The next byte, or 0 at the end: no JSON outside a string has a NUL. */
static uint8_t peek(const struct reader *reader)
{
    return reader->at != reader->end ? *reader->at : 0;
}

static void skip_space(struct reader *reader)
{
    for (;;) {
        uint8_t c = peek(reader);
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
        reader->at++;
    }
}

static bool take(struct reader *reader, uint8_t c)
{
    if (peek(reader) != c)
        return false;
    reader->at++;
    return true;
}

static bool take_word(struct reader *reader, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, word, len) != 0)
        return false;
    reader->at += len;
    return true;
}

/* ---- numbers ---- */

static size_t take_digits(struct reader *reader)
{
    const uint8_t *from = reader->at;
    while (peek(reader) >= '0' && peek(reader) <= '9')
        reader->at++;
    return (size_t)(reader->at - from);
}

/* Moves past a number; says whether it is an integer. */
static bool scan_number(struct reader *reader, bool *integer)
{
    *integer = true;
    take(reader, '-');
    if (!take(reader, '0') && take_digits(reader) == 0)
        return false;
    if (take(reader, '.')) {
        *integer = false;
        if (take_digits(reader) == 0)
            return false;
    }
    if (take(reader, 'e') || take(reader, 'E')) {
        *integer = false;
        if (!take(reader, '+'))
            take(reader, '-');
        if (take_digits(reader) == 0)
            return false;
    }
    return true;
}

static int read_integer(struct reader *reader, struct slice text)
{
    bool negative = text.data[0] == '-';
    uint64_t value = 0;
    for (size_t i = negative; i < text.len; i++) {
        uint64_t digit = text.data[i] - (uint64_t)'0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return fail(reader, -ENOTSUP, "integer of more than 64 bits");
    }
    if (!negative) {
        pack_uint(reader->out, value);
        return 0;
    }
    if (value > (uint64_t)INT64_MAX + 1)
        return fail(reader, -ENOTSUP, "integer of more than 64 bits");
    pack_int(reader->out, (int64_t)(0 - value));
    return 0;
}

static int read_float(struct reader *reader, struct slice text)
{
    char terminated[NUMBER_TEXT_MAX];
    if (text.len >= sizeof(terminated))
        return fail(reader, -ENOTSUP, "number of too many digits");
    memcpy(terminated, text.data, text.len);
    terminated[text.len] = 0;
    double value = json_parse_float(terminated);
    if (!isfinite(value))
        return fail(reader, -ENOTSUP, "number out of range");
    pack_float(reader->out, value);
    return 0;
}

static int read_number(struct reader *reader)
{
    const uint8_t *from = reader->at;
    bool integer;
    if (!scan_number(reader, &integer))
        return fail(reader, -EBADMSG, "not a number");
    struct slice text = slice_make(from, (size_t)(reader->at - from));
    return integer ? read_integer(reader, text) : read_float(reader, text);
}

/* ---- strings ---- */

/* Moves past the closing quote. */
static int scan_string(struct reader *reader, struct slice *raw, bool *escapes)
{
    const uint8_t *from = ++reader->at;
    for (; reader->at != reader->end && *reader->at != '"'; reader->at++) {
        if (*reader->at < 0x20)
            return fail(reader, -EBADMSG, "control character in a string");
        if (*reader->at == '\\') {
            *escapes = true;
            if (++reader->at == reader->end)
                break;
        }
    }
    if (reader->at == reader->end)
        return fail(reader, -EBADMSG, "string without an end");
    *raw = slice_make(from, (size_t)(reader->at - from));
    reader->at++;
    return utf8_valid(*raw) ? 0 : fail(reader, -EBADMSG, "string is not UTF-8");
}

/* Four hexadecimal digits, or -1. */
static int32_t hex4(const uint8_t *at, const uint8_t *end)
{
    static const char digits[] = "0123456789abcdef";
    int32_t value = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        uint8_t c = at[i] >= 'A' && at[i] <= 'F' ? (uint8_t)(at[i] + 32) : at[i];
        const char *found = c ? strchr(digits, c) : NULL;
        if (!found)
            return -1;
        value = value << 4 | (int32_t)(found - digits);
    }
    return value;
}

/* The code point after "\u", which may take a second escape; moves `at` behind it. */
static int32_t unicode_escape(const uint8_t **at, const uint8_t *end)
{
    int32_t high = hex4(*at, end);
    if (high < 0)
        return -1;
    *at += 4;
    if (high < 0xd800 || high > 0xdfff)
        return high;
    if (high > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return -1;
    int32_t low = hex4(*at + 2, end);
    if (low < 0xdc00 || low > 0xdfff)
        return -1;
    *at += 6;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* Writes what an escape stands for; `at` is behind the backslash. 0: no such escape. */
static size_t unescape_one(uint8_t *to, const uint8_t **at, const uint8_t *end)
{
    static const char letters[] = "\"\\/bfnrt", plain[] = "\"\\/\b\f\n\r\t";
    uint8_t c = *(*at)++;
    if (c == 'u') {
        int32_t code = unicode_escape(at, end);
        return code < 0 ? 0 : utf8_encode(to, (uint32_t)code);
    }
    const char *found = c ? strchr(letters, c) : NULL;
    if (!found)
        return 0;
    *to = (uint8_t)plain[found - letters];
    return 1;
}

/* Never writes more than it reads. The length, or -1. */
static ptrdiff_t unescape(uint8_t *to, struct slice raw)
{
    const uint8_t *at = raw.data, *end = raw.data + raw.len;
    uint8_t *start = to;
    while (at != end) {
        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        at++;
        size_t n = unescape_one(to, &at, end);
        if (n == 0)
            return -1;
        to += n;
    }
    return to - start;
}

static int read_string(struct reader *reader)
{
    struct slice raw = {0};
    bool escapes = false;
    int rc = scan_string(reader, &raw, &escapes);
    if (rc < 0)
        return rc;
    if (raw.len > UINT32_MAX)
        return fail(reader, -ENOTSUP, "string too long");
    if (!escapes) {
        pack_str(reader->out, raw);
        return 0;
    }
    struct buf text = {0};
    ptrdiff_t len = unescape(buf_reserve(&text, raw.len), raw);
    if (len >= 0)
        pack_str(reader->out, slice_make(text.data, (size_t)len));
    buf_finish(&text);
    return len >= 0 ? 0 : fail(reader, -EBADMSG, "no such escape");
}

/* ---- containers ---- */

static int read_value(struct reader *reader, unsigned depth);

static int read_array(struct reader *reader, unsigned depth)
{
    size_t start = pack_open(reader->out);
    uint32_t count = 0;
    skip_space(reader);
    if (take(reader, ']')) {
        pack_close_array(reader->out, start, 0);
        return 0;
    }
    do {
        int rc = read_value(reader, depth);
        if (rc < 0)
            return rc;
        count++;
    } while (take(reader, ','));
    if (!take(reader, ']'))
        return fail(reader, -EBADMSG, "expected ',' or ']'");
    pack_close_array(reader->out, start, count);
    return 0;
}

/* A name where it was written: `out` may move meanwhile. */
struct name {
    size_t at, len;
};

static int by_text(const void *a, const void *b, void *written)
{
    const struct name *left = a, *right = b;
    const uint8_t *base = written;
    if (left->len != right->len)
        return left->len < right->len ? -1 : 1;
    return memcmp(base + left->at, base + right->at, left->len);
}

/* It would depend on who reads them which of two members counts. */
static int refuse_twins(const struct reader *reader, struct buf *names)
{
    struct name *list = (struct name *)(void *)names->data;
    size_t n = names->len / sizeof *list;
    uint8_t *written = reader->out->data;
    qsort_r(list, n, sizeof *list, by_text, written);
    for (size_t i = 1; i < n; i++)
        if (by_text(&list[i - 1], &list[i], written) == 0)
            return fail(reader, -EBADMSG, "an object has a name twice");
    return 0;
}

static int read_name(struct reader *reader, struct buf *names)
{
    struct name name = {.at = reader->out->len};
    skip_space(reader);
    if (peek(reader) != '"')
        return fail(reader, -EBADMSG, "expected a name in quotes");
    int rc = read_string(reader);
    name.len = reader->out->len - name.at;
    buf_append(names, &name, sizeof name);
    return rc;
}

static int read_member(struct reader *reader, struct buf *names, unsigned depth)
{
    int rc = read_name(reader, names);
    if (rc < 0)
        return rc;
    skip_space(reader);
    if (!take(reader, ':'))
        return fail(reader, -EBADMSG, "expected ':'");
    return read_value(reader, depth);
}

static int read_members(struct reader *reader, struct buf *names, unsigned depth)
{
    do {
        int rc = read_member(reader, names, depth);
        if (rc < 0)
            return rc;
    } while (take(reader, ','));
    if (!take(reader, '}'))
        return fail(reader, -EBADMSG, "expected ',' or '}'");
    return refuse_twins(reader, names);
}

static int read_object(struct reader *reader, unsigned depth)
{
    size_t start = pack_open(reader->out);
    struct buf names = {0};
    skip_space(reader);
    if (take(reader, '}')) {
        pack_close_map(reader->out, start, 0);
        return 0;
    }
    int rc = read_members(reader, &names, depth);
    if (rc == 0)
        pack_close_map(reader->out, start, (uint32_t)(names.len / sizeof(struct name)));
    buf_finish(&names);
    return rc;
}

static int read_word(struct reader *reader)
{
    if (take_word(reader, "null"))
        pack_nil(reader->out);
    else if (take_word(reader, "true"))
        pack_bool(reader->out, true);
    else if (take_word(reader, "false"))
        pack_bool(reader->out, false);
    else
        return fail(reader, -EBADMSG, "expected a value");
    return 0;
}

static int read_bare_value(struct reader *reader, unsigned depth)
{
    uint8_t c = peek(reader);
    if (c == '"')
        return read_string(reader);
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(reader);
    if (c != '[' && c != '{')
        return read_word(reader);
    if (depth == JSON_DEPTH_MAX)
        return fail(reader, -EMSGSIZE, "nested too deep");
    reader->at++;
    return c == '[' ? read_array(reader, depth + 1) : read_object(reader, depth + 1);
}

/* With the space around it. */
static int read_value(struct reader *reader, unsigned depth)
{
    skip_space(reader);
    int rc = read_bare_value(reader, depth);
    skip_space(reader);
    return rc;
}

int msgpack_from_json(struct buf *out, struct slice json, struct json_error *why)
{
    if (json.len == 0)
        json = slice_of("");
    size_t before = out->len;
    struct reader reader = {json.data, json.data, json.data + json.len, out, why};
    int rc = read_value(&reader, 0);
    if (rc == 0 && reader.at != reader.end)
        rc = fail(&reader, -EBADMSG, "more than one value");
    if (rc < 0)
        out->len = before;
    return rc;
}
