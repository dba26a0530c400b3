#include "exchange.h"

#include "base/mem.h"

#include <microhttpd.h>
#include <strings.h>

struct exchange *exchange_create(struct gateway *gateway, struct MHD_Connection *connection)
{
    struct exchange *self = mem_zalloc(sizeof *self);
    self->gateway = gateway;
    self->connection = connection;
    return self;
}

void exchange_destroy(struct exchange *self)
{
    if (!self)
        return;
    answer_finish(&self->answer);
    buf_finish(&self->body);
    mem_free(self->path);
    mem_free(self);
}

const char *exchange_header(const struct exchange *self, const char *name)
{
    return MHD_lookup_connection_value(self->connection, MHD_HEADER_KIND, name);
}

#define SCHEME "Bearer "

const char *exchange_token(const struct exchange *self)
{
    const char *value = exchange_header(self, MHD_HTTP_HEADER_AUTHORIZATION);
    if (!value || strncasecmp(value, SCHEME, sizeof SCHEME - 1) != 0)
        return NULL;
    value += sizeof SCHEME - 1;
    while (*value == ' ')
        value++;
    return *value ? value : NULL;
}

void exchange_hold(struct exchange *self)
{
    self->held = true;
}

void exchange_post(struct exchange *self)
{
    mailbox_post(&self->gateway->mailbox, self);
}
