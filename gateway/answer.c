#include "answer.h"

#include "base/digits.h"

#include <microhttpd.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <strings.h>

#define NAMED_RUN_BYTES 4u
#define NAMED_SERIAL_BYTES 6u
#define HEADERS_BYTES 480u /* what an answer of a call has of them */

void answer_finish(struct answer *self)
{
    buf_finish(&self->headers);
    buf_finish(&self->body);
    *self = (struct answer){0};
}

void answer_name(struct answer *self, const char *request_id)
{
    if (request_id && name_valid_request(slice_of(request_id)))
        (void)snprintf(self->request_id, sizeof self->request_id, "%s", request_id);
}

static void put_big_endian(uint8_t *out, size_t n, uint64_t value)
{
    for (; n > 0; value >>= 8)
        out[--n] = (uint8_t)value;
}

/* As the broker makes them: which run of the gateway, and a number. */
static void make_name(struct answer *self)
{
    static _Atomic uint64_t serial;
    static _Atomic uint32_t run;
    uint32_t none = 0;
    uint8_t id[NAMED_RUN_BYTES + NAMED_SERIAL_BYTES];
    if (run == 0)
        (void)atomic_compare_exchange_strong(&run, &none, randombytes_uniform(UINT32_MAX) + 1);
    put_big_endian(id, NAMED_RUN_BYTES, atomic_load(&run));
    put_big_endian(id + NAMED_RUN_BYTES, NAMED_SERIAL_BYTES, atomic_fetch_add(&serial, 1) + 1);
    sodium_bin2hex(self->request_id, sizeof self->request_id, id, sizeof id);
}

const char *answer_have_name(struct answer *self)
{
    if (!self->request_id[0])
        make_name(self);
    return self->request_id;
}

const char *answer_tell_name(struct answer *self)
{
    const char *told = answer_get(self, ANSWER_REQUEST_ID);
    if (told)
        return told;
    answer_header(self, ANSWER_REQUEST_ID, answer_have_name(self));
    return self->request_id;
}

void answer_header(struct answer *self, const char *name, const char *value)
{
    size_t name_size = strlen(name) + 1;
    if (self->headers.cap == 0)
        (void)buf_reserve(&self->headers, HEADERS_BYTES);
    uint8_t *out = buf_reserve(&self->headers, name_size + strlen(value) + 1);
    memcpy(out, name, name_size);
    out += name_size;
    for (; *value; value++)
        if ((unsigned char)*value >= ' ')
            *out++ = (uint8_t)*value;
    *out++ = '\0';
    self->headers.len = (size_t)(out - self->headers.data);
}

void answer_header_number(struct answer *self, const char *name, uint64_t value)
{
    char text[DIGITS_MAX + 1];
    text[digits_of(text, value)] = '\0';
    answer_header(self, name, text);
}

const char *answer_get(const struct answer *self, const char *name)
{
    if (self->headers.len == 0)
        return NULL;
    const char *at = (const char *)self->headers.data;
    const char *end = at + self->headers.len;
    while (at < end) {
        const char *value = at + strlen(at) + 1;
        if (strcasecmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

void answer_add_headers(const struct answer *self, struct MHD_Response *response)
{
    if (self->content_type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, self->content_type);
    if (self->headers.len == 0)
        return;
    const char *at = (const char *)self->headers.data;
    const char *end = at + self->headers.len;
    while (at < end) {
        const char *value = at + strlen(at) + 1;
        MHD_add_response_header(response, at, value);
        at = value + strlen(value) + 1;
    }
}
