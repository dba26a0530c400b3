#include "exchange.h"

#include "base/clock.h"
#include "base/mem.h"
#include "bodies.h"
#include "cookie.h"
#include "forwarded.h"
#include "problem.h"
#include "wire/json.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <strings.h>

/* Blanks behind a value are none of it (RFC 9110, 5.5), but libmicrohttpd leaves them there. The
 * bytes are in a buffer of the connection's. */
static enum MHD_Result trim(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    size_t len = value ? strlen(value) : 0;
    (void)arg, (void)kind, (void)name;
    while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
        ((char *)(uintptr_t)value)[--len] = '\0';
    return MHD_YES;
}

struct exchange *exchange_create(struct gateway *gateway, struct MHD_Connection *connection)
{
    struct exchange *self = mem_zalloc(sizeof *self);
    self->gateway = gateway;
    self->connection = connection;
    self->routes = routes_ref(gateway->routes);
    self->refs = 1;
    self->began = clock_mono_ns();
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, trim, NULL);
    answer_name(&self->answer, exchange_header(self, ANSWER_REQUEST_ID));
    return self;
}

void exchange_release(struct exchange *self)
{
    if (!self || --self->refs > 0)
        return;
    if (self->framing != FRAMING_NONE)
        stream_finish(&self->stream);
    answer_finish(&self->answer);
    bodies_drop(self);
    routes_unref(self->routes);
    mem_free(self->path);
    mem_free(self);
}

const char *exchange_header(const struct exchange *self, const char *name)
{
    return MHD_lookup_connection_value(self->connection, MHD_HEADER_KIND, name);
}

void exchange_address(const struct exchange *self, char *out, size_t size)
{
    const char *header = self->gateway->settings.proxy_header;
    if (*header && forwarded_address(self->connection, header, out, size))
        return;
    const struct sockaddr *address =
        MHD_get_connection_info(self->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    const void *at = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    if (address->sa_family == AF_INET6)
        at = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (!inet_ntop(address->sa_family, at, out, (socklen_t)size))
        out[0] = '\0';
}

#define SCHEME "Bearer "
#define TOKEN_MAX 8192u /* longer ones are refused everywhere */

static const char *find_token(const struct exchange *self)
{
    const char *value = exchange_header(self, MHD_HTTP_HEADER_AUTHORIZATION);
    if (!value)
        return cookie_get(self, COOKIE_TOKEN);
    if (strncasecmp(value, SCHEME, sizeof SCHEME - 1) != 0)
        return NULL;
    value += sizeof SCHEME - 1;
    while (*value == ' ')
        value++;
    return *value ? value : NULL;
}

/* The bus would not carry one so long. The broker says of what stands for it what it says of all
 * that are none. */
const char *exchange_token(const struct exchange *self)
{
    const char *token = find_token(self);
    return token && strlen(token) > TOKEN_MAX ? "overlong" : token;
}

uint32_t exchange_timeout_ms(const struct exchange *self)
{
    const char *text = exchange_header(self, "X-Timeout-Ms");
    char *end = NULL;
    if (!text)
        return self->gateway->settings.default_timeout_ms;
    unsigned long ms = strtoul(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && !*end && ms <= UINT32_MAX ? (uint32_t)ms : 0;
}

bool exchange_param(const struct exchange *self, size_t index, char *out, size_t size)
{
    struct slice text = self->match.params[index];
    if (text.len >= size)
        return false;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

struct query {
    const char *known;
    bool said, is_fine;
};

static enum MHD_Result look_at_query(void *arg, enum MHD_ValueKind kind, const char *name,
                                     const char *value)
{
    struct query *query = arg;
    (void)kind, (void)value;
    query->is_fine = query->known && strcmp(name, query->known) == 0 && !query->said;
    query->said = true;
    return query->is_fine ? MHD_YES : MHD_NO;
}

bool exchange_query(struct exchange *self, const char *known)
{
    struct query query = {.known = known, .is_fine = true};
    (void)MHD_get_connection_values(self->connection, MHD_GET_ARGUMENT_KIND, look_at_query, &query);
    if (!query.is_fine)
        problem_of(&self->answer, STATUS_INVALID_ARGUMENT,
                   "the query says what this path does not take, or says it twice");
    return query.is_fine;
}

bool exchange_body(struct exchange *self, const char *none, struct buf *msgpack)
{
    struct json_error why;
    struct slice json = self->body.len > 0 ? buf_slice(&self->body) : slice_of(none);
    if (msgpack_from_json(msgpack, json, &why) == 0)
        return true;
    problem_of(&self->answer, STATUS_INVALID_ARGUMENT, why.text);
    return false;
}

void exchange_needs_token(struct exchange *self)
{
    problem_of(&self->answer, STATUS_UNAUTHENTICATED, "a bearer token is needed");
}

bool exchange_may_ask(struct exchange *self, bool has_token)
{
    if (!has_token) {
        exchange_needs_token(self);
        return false;
    }
    if (exchange_timeout_ms(self) == 0) {
        problem_of(&self->answer, STATUS_INVALID_ARGUMENT,
                   "X-Timeout-Ms is a number of milliseconds, from 1 to 4294967295");
        return false;
    }
    if (!atomic_load(&self->gateway->connected)) {
        problem_of_error(&self->answer, FBX_EUNREACHABLE);
        return false;
    }
    return true;
}

void exchange_hold(struct exchange *self)
{
    self->refs++;
}

void exchange_unhold(struct exchange *self)
{
    self->refs--;
}

void exchange_stream(struct exchange *self, enum framing framing)
{
    self->framing = framing;
    stream_init(&self->stream);
}

bool exchange_put(struct exchange *self, const char *kind, const char *id, struct slice json)
{
    struct buf part = {0};
    framing_put(&part, self->framing, kind, id, json);
    bool put = stream_put(&self->stream, buf_slice(&part));
    buf_finish(&part);
    return put;
}

void exchange_post(struct exchange *self)
{
    mailbox_post(&self->gateway->mailbox, self, false);
}

void exchange_finish(struct exchange *self)
{
    mailbox_post(&self->gateway->mailbox, self, true);
}

void exchange_abandon(struct exchange *self)
{
    void (*on_gone)(struct exchange *) = self->on_gone;
    self->on_gone = NULL;
    if (on_gone)
        on_gone(self);
}
