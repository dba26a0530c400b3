/* json_write.c - JSON from MessagePack, in one pass. */
#include "wire/json.h"
#include "wire/json_text.h"
#include "wire/pack.h"
#include "wire/utf8.h"

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>

#define SHORT_TEXT 32u /* any integer, any escape */

struct writer {
    struct pack_reader in;
    const uint8_t *start;
    struct buf *out;
    struct json_error *why;
};

static int fail(const struct writer *writer, int rc, const char *what)
{
    return json_fail(writer->why, rc, (size_t)(writer->in.at - writer->start), what);
}

static void put_char(struct buf *out, char c)
{
    *buf_reserve(out, 1) = (uint8_t)c;
    out->len++;
}

static void put_text(struct buf *out, const char *text)
{
    buf_append(out, text, strlen(text));
}

/* In place: buf_printf() would format twice, to know the size. */
__attribute__((format(printf, 2, 3))) static void put_short(struct buf *out, const char *format,
                                                            ...)
{
    va_list args;
    char *at = (char *)buf_reserve(out, SHORT_TEXT);
    va_start(args, format);
    out->len += (size_t)vsnprintf(at, SHORT_TEXT, format, args);
    va_end(args);
}

static void put_escaped(struct buf *out, uint8_t c)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *found = c ? strchr(plain, c) : NULL;
    if (found)
        put_short(out, "\\%c", letters[found - plain]);
    else
        put_short(out, "\\u%04x", c);
}

static int write_string(struct writer *writer, struct slice text)
{
    if (!utf8_valid(text))
        return fail(writer, -ENOTSUP, "text is not UTF-8");
    put_char(writer->out, '"');
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_append(writer->out, text.data + from, i - from);
        put_escaped(writer->out, c);
        from = i + 1;
    }
    buf_append(writer->out, text.data + from, text.len - from);
    put_char(writer->out, '"');
    return 0;
}

static void write_base64(struct buf *out, struct slice bytes)
{
    put_char(out, '"');
    size_t room = sodium_base64_ENCODED_LEN(bytes.len, sodium_base64_VARIANT_ORIGINAL);
    char *at = (char *)buf_reserve(out, room);
    sodium_bin2base64(at, room, bytes.data, bytes.len, sodium_base64_VARIANT_ORIGINAL);
    out->len += room - 1; /* its terminator is not part of the text */
    put_char(out, '"');
}

static int write_float(struct writer *writer, double value)
{
    if (!isfinite(value))
        return fail(writer, -ENOTSUP, "JSON has no such number");
    char text[JSON_FLOAT_TEXT];
    json_format_float(text, value);
    put_text(writer->out, text);
    return 0;
}

static int write_value(struct writer *writer, unsigned depth);

static int write_array(struct writer *writer, uint32_t count, unsigned depth)
{
    put_char(writer->out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            put_char(writer->out, ',');
        int rc = write_value(writer, depth);
        if (rc < 0)
            return rc;
    }
    put_char(writer->out, ']');
    return 0;
}

static int write_key(struct writer *writer)
{
    struct pack_value key;
    if (!pack_read(&writer->in, &key))
        return fail(writer, -EBADMSG, "not MessagePack");
    if (key.type != PACK_STR)
        return fail(writer, -ENOTSUP, "map key is not text");
    return write_string(writer, key.bytes);
}

static int write_map(struct writer *writer, uint32_t count, unsigned depth)
{
    put_char(writer->out, '{');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            put_char(writer->out, ',');
        int rc = write_key(writer);
        if (rc < 0)
            return rc;
        put_char(writer->out, ':');
        rc = write_value(writer, depth);
        if (rc < 0)
            return rc;
    }
    put_char(writer->out, '}');
    return 0;
}

static int write_container(struct writer *writer, const struct pack_value *head, unsigned depth)
{
    if (depth == JSON_DEPTH_MAX)
        return fail(writer, -EMSGSIZE, "nested too deep");
    return head->type == PACK_ARRAY ? write_array(writer, head->count, depth + 1)
                                    : write_map(writer, head->count, depth + 1);
}

static int write_value(struct writer *writer, unsigned depth)
{
    struct pack_value value;
    if (!pack_read(&writer->in, &value))
        return fail(writer, -EBADMSG, "not MessagePack");
    switch (value.type) {
    case PACK_NIL:
        put_text(writer->out, "null");
        return 0;
    case PACK_BOOL:
        put_text(writer->out, value.boolean ? "true" : "false");
        return 0;
    case PACK_UINT:
        put_short(writer->out, "%llu", (unsigned long long)value.uint);
        return 0;
    case PACK_INT:
        put_short(writer->out, "%lld", (long long)value.integer);
        return 0;
    case PACK_FLOAT:
        return write_float(writer, value.number);
    case PACK_STR:
        return write_string(writer, value.bytes);
    case PACK_BIN:
        write_base64(writer->out, value.bytes);
        return 0;
    case PACK_EXT:
        return fail(writer, -ENOTSUP, "ext has no JSON form");
    case PACK_ARRAY:
    case PACK_MAP:
        return write_container(writer, &value, depth);
    }
    return fail(writer, -EBADMSG, "not MessagePack");
}

int json_from_msgpack(struct buf *out, struct slice msgpack, struct json_error *why)
{
    if (msgpack.len == 0) {
        put_text(out, "null");
        return 0;
    }
    size_t before = out->len;
    struct writer writer = {
        .in = {msgpack.data, msgpack.data + msgpack.len},
        .start = msgpack.data,
        .out = out,
        .why = why,
    };
    int rc = write_value(&writer, 0);
    if (rc == 0 && writer.in.at != writer.in.end)
        rc = fail(&writer, -EBADMSG, "more than one value");
    if (rc < 0)
        out->len = before;
    return rc;
}

/* ---- well-formed? ---- */

static bool skip_value(struct pack_reader *reader, unsigned depth)
{
    struct pack_value value;
    if (!pack_read(reader, &value))
        return false;
    if (value.type != PACK_ARRAY && value.type != PACK_MAP)
        return true;
    if (depth == JSON_DEPTH_MAX)
        return false;
    uint64_t inside = (uint64_t)value.count * (value.type == PACK_MAP ? 2 : 1);
    for (uint64_t i = 0; i < inside; i++)
        if (!skip_value(reader, depth + 1))
            return false;
    return true;
}

bool msgpack_valid(struct slice msgpack)
{
    struct pack_reader reader = {msgpack.data, msgpack.data + msgpack.len};
    return msgpack.len > 0 && skip_value(&reader, 0) && reader.at == reader.end;
}
