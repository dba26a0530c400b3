#include "ticket.h"

#include "base/name.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define HEAD_BYTES (FAMILY_ID_BYTES + FAMILY_SECRET_BYTES)
#define TICKET_BYTES (HEAD_BYTES + TENANT_SIZE + USER_SIZE) /* and the stroke between them */
#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

_Static_assert(sodium_base64_ENCODED_LEN(TICKET_BYTES, VARIANT) <= TICKET_TEXT_SIZE,
               "the longest ticket fits");

void ticket_print(const struct ticket *ticket, char out[TICKET_TEXT_SIZE])
{
    uint8_t bytes[TICKET_BYTES + 1];
    memcpy(bytes, ticket->id, FAMILY_ID_BYTES);
    memcpy(bytes + FAMILY_ID_BYTES, ticket->secret, FAMILY_SECRET_BYTES);
    int len = snprintf((char *)bytes + HEAD_BYTES, sizeof bytes - HEAD_BYTES, "%s/%s",
                       ticket->tenant, ticket->user);
    sodium_bin2base64(out, TICKET_TEXT_SIZE, bytes, HEAD_BYTES + (size_t)len, VARIANT);
    sodium_memzero(bytes, sizeof bytes);
}

static bool take_name(char *out, size_t size, struct slice name)
{
    if (name.len >= size)
        return false;
    memcpy(out, name.data, name.len);
    out[name.len] = '\0';
    return true;
}

static bool read_names(struct ticket *ticket, struct slice names)
{
    const uint8_t *stroke = memchr(names.data, '/', names.len);
    if (!stroke)
        return false;
    struct slice tenant = slice_make(names.data, (size_t)(stroke - names.data));
    struct slice user = slice_make(stroke + 1, names.len - tenant.len - 1);
    return name_valid_tenant(tenant) && name_valid_user(user) &&
           take_name(ticket->tenant, TENANT_SIZE, tenant) &&
           take_name(ticket->user, USER_SIZE, user);
}

bool ticket_read(struct ticket *ticket, const char *text)
{
    uint8_t bytes[TICKET_BYTES];
    size_t len;
    if (sodium_base642bin(bytes, sizeof bytes, text, strlen(text), NULL, &len, NULL, VARIANT) !=
            0 ||
        len <= HEAD_BYTES)
        return false;
    memcpy(ticket->id, bytes, FAMILY_ID_BYTES);
    memcpy(ticket->secret, bytes + FAMILY_ID_BYTES, FAMILY_SECRET_BYTES);
    sodium_memzero(bytes, HEAD_BYTES);
    return read_names(ticket, slice_make(bytes + HEAD_BYTES, len - HEAD_BYTES));
}
