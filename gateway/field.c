#include "field.h"

#include "inbound.h"

#include <string.h>

#define LENGTH "content-length"
#define CODING "transfer-encoding"

enum { HOST }; /* of the headers that come once at most: a bit of `lone` */

bool field_is(const struct inbound *self, const char *name)
{
    return self->name_len == strlen(name) && memcmp(self->name, name, self->name_len) == 0;
}

static const char not_a_length[] = "its Content-Length is no number";

/* RFC 9110 allows blanks behind a value, but libmicrohttpd takes them for a part of it. */
static const char *take_length(struct inbound *self)
{
    if (self->has_length || self->is_chunked)
        return "the request says more than once how long it is";
    self->has_length = true;
    if (self->value_len == INBOUND_VALUE_BYTES) /* more of it may have come */
        return not_a_length;
    for (size_t i = 0; i < self->value_len; i++) {
        uint8_t digit = (uint8_t)(self->value[i] - '0');
        if (digit > 9 || self->left > INBOUND_LENGTH_MAX)
            return not_a_length;
        self->left = self->left * 10 + digit;
    }
    return self->value_len > 0 ? NULL : not_a_length;
}

static const char *take_coding(struct inbound *self)
{
    static const char chunked[] = "chunked";
    if (self->has_length || self->is_chunked)
        return "the request says more than once how long it is";
    self->is_chunked = true;
    bool known = self->value_len == sizeof chunked - 1 &&
                 memcmp(self->value, chunked, sizeof chunked - 1) == 0;
    return known ? NULL : "its Transfer-Encoding is not chunked";
}

/* Of two, one reader would take the first and another the last. */
static const char *take_lone(struct inbound *self)
{
    static const struct {
        const char *name, *twice;
    } lone[] = {
        [HOST] = {"host", "there is more than one Host"},
        {"authorization", "there is more than one Authorization"},
        {"idempotency-key", "there is more than one Idempotency-Key"},
        {"x-timeout-ms", "there is more than one X-Timeout-Ms"},
    };
    for (unsigned i = 0; i < sizeof lone / sizeof *lone; i++) {
        if (!field_is(self, lone[i].name))
            continue;
        bool is_second = self->lone & 1u << i;
        self->lone |= (uint8_t)(1u << i);
        return is_second ? lone[i].twice : NULL;
    }
    return NULL;
}

const char *field_take(struct inbound *self)
{
    self->extra += INBOUND_ITEM_BYTES;
    if (field_is(self, LENGTH))
        return take_length(self);
    if (field_is(self, CODING))
        return take_coding(self);
    return take_lone(self);
}

bool field_frames(const struct inbound *self)
{
    return field_is(self, LENGTH) || field_is(self, CODING);
}

bool field_has_host(const struct inbound *self)
{
    return self->lone & 1u << HOST;
}
