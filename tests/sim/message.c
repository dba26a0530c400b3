#include "message.h"

#include "cast.h"

#include <stdlib.h>

#define HEAD_MAX 40u
#define CANARY_BYTES (sizeof CANARY - 1)

void message_write(struct buf *out, const struct message *message)
{
    static const uint8_t filler[] = "!#$%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "[]^_`abcdefghijklmnopqrstuvwxyz{|}~";
    const size_t period = sizeof filler - 1;
    size_t start = out->len, at = message->number * 7u % period;
    buf_printf(out, "%s" CANARY " %c %u ", tenant_names[message->tenant], message->kind,
               message->number);
    while (out->len - start < message->length) {
        size_t missing = message->length - (out->len - start);
        size_t some = missing < period - at ? missing : period - at;
        buf_append(out, filler + at, some);
        at = 0;
    }
}

static bool read_tenant(struct message *out, struct slice bytes)
{
    for (unsigned tenant = 0; tenant < TENANTS; tenant++) {
        if (memcmp(bytes.data, tenant_names[tenant], TENANT_NAME_BYTES) == 0) {
            out->tenant = tenant;
            return memcmp(bytes.data + TENANT_NAME_BYTES, CANARY, CANARY_BYTES) == 0;
        }
    }
    return false;
}

bool message_read(struct message *out, struct slice bytes)
{
    char head[HEAD_MAX] = "";
    const size_t fixed = TENANT_NAME_BYTES + CANARY_BYTES;
    if (bytes.len < fixed + 4 || !read_tenant(out, bytes))
        return false;
    memcpy(head, bytes.data, bytes.len < HEAD_MAX ? bytes.len : HEAD_MAX - 1);
    out->kind = head[fixed + 1];
    out->number = (unsigned)strtoul(head + fixed + 3, NULL, 10);
    out->length = bytes.len;
    return true;
}

bool message_is(struct slice bytes, const struct message *message)
{
    struct buf expected = {0};
    message_write(&expected, message);
    bool same = slice_equal(bytes, buf_slice(&expected));
    buf_finish(&expected);
    return same;
}

void flip_a_bit(struct dice *dice, struct buf *bytes)
{
    unsigned at = dice_below(dice, (unsigned)bytes->len);
    bytes->data[at] ^= (uint8_t)(1u << dice_below(dice, 8));
}
