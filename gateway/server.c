#include "server.h"

#include "access.h"
#include "base/address.h"
#include "base/clock.h"
#include "base/mem.h"
#include "bodies.h"
#include "clients.h"
#include "cors.h"
#include "exchange.h"
#include "percent.h"
#include "problem.h"
#include "refuse.h"
#include "strict.h"
#include "tls.h"
#include "trace.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define A_MOMENT_MS 1
#define LAST_TURNS 100u
/* libmicrohttpd keeps a request's head and its response's in one room; INBOUND_SPARE_BYTES of this
 * are the request's. Each connection has that much. */
#define RESPONSE_HEAD_BYTES 4096u
#define STREAM_BLOCK 16384u
/* Most calls are answered within this time. Until then their connections stay with libmicrohttpd,
 * which asks about them in each turn: taking them out of its epoll and putting them back costs two
 * system calls and a read in vain. */
#define SOON_NS (5 * NS_PER_MS)

struct server {
    struct gateway *gateway;
    struct MHD_Daemon *daemon;
    struct clients clients;
    unsigned waiting; /* exchanges that wait and are not suspended */
    unsigned begun;   /* of them: since server_sent() */
    bool has_moved;   /* in the last turn something came in or went out */
    uint64_t now;     /* mono ns; when the turn began */
    int fd;
};

/* ---- the way in ---- */

static void find_route(struct exchange *x)
{
    bool elsewhere = false;
    x->route = routes_find(x->routes, x->method, x->path, &x->match, &elsewhere);
    if (x->route && !x->route->is_open && !exchange_token(x))
        exchange_needs_token(x);
    if (x->route)
        return;
    if (elsewhere)
        refuse_method(x);
    else
        problem_of_http(&x->answer, MHD_HTTP_NOT_FOUND, "not_found", "nothing is at this path");
}

static void find_answer(struct exchange *x)
{
    if (cors_is_preflight(x))
        cors_answer_preflight(x);
    else if (percent_decode_path(x->path))
        find_route(x);
    else
        problem_of_http(&x->answer, MHD_HTTP_BAD_REQUEST, "bad_path",
                        "the path has an escape that no path may have");
}

/* A target may also say whose it is, as to a proxy (RFC 9112, 3.2.2). */
static const char *path_of(const char *target)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(schemes[i]);
        if (strncasecmp(target, schemes[i], len) != 0)
            continue;
        const char *path = strchr(target + len, '/');
        return path ? path : "/";
    }
    return target;
}

static struct exchange *begin(struct server *self, struct MHD_Connection *connection,
                              const char *path, const char *method)
{
    struct exchange *x = exchange_create(self->gateway, connection);
    struct client *client = client_of(connection);
    traffic_add(&self->gateway->traffic.busy, 1);
    x->path = mem_strdup(path_of(path));
    x->method = method;
    client_turn(client, x);
    find_answer(x);
    if (!refuse_defective(x))
        refuse_hopeless(x);
    return x;
}

/* ---- the way out ---- */

/* The body is handed over rather than copied. */
static struct MHD_Response *whole_body(struct exchange *x)
{
    struct answer *answer = &x->answer;
    x->sent = answer->body.len;
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(
        answer->body.len, answer->body.data, mem_free);
    if (response)
        answer->body = (struct buf){0};
    return response;
}

static void suspend(struct exchange *x)
{
    x->suspended = true;
    MHD_suspend_connection(x->connection);
}

static ssize_t read_stream(void *arg, uint64_t at, char *out, size_t size)
{
    struct exchange *x = arg;
    (void)at;
    ssize_t n = stream_take(&x->stream, out, size);
    if (n == STREAM_FAILED)
        return MHD_CONTENT_READER_END_WITH_ERROR; /* without the last chunk */
    if (n < 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (n == 0)
        suspend(x);
    x->sent += (size_t)n;
    return n;
}

/* What is for one person or one moment, and some cache might take for everybody's: it need not keep
 * what a POST did, but refusals, and tokens in any case. */
static void keep_private(struct exchange *x)
{
    bool is_safe = strcmp(x->method, MHD_HTTP_METHOD_POST) == 0 &&
                   x->answer.http < MHD_HTTP_BAD_REQUEST && !x->as_gateway;
    if (!is_safe && !answer_get(&x->answer, MHD_HTTP_HEADER_CACHE_CONTROL))
        answer_header(&x->answer, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
}

static enum MHD_Result send_answer(struct exchange *x)
{
    /* Of a stream that is not to be sent libmicrohttpd would send the last chunk. */
    bool flows = x->streams && strcmp(x->method, MHD_HTTP_METHOD_HEAD) != 0;
    struct MHD_Response *response =
        flows ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, x,
                                                  NULL)
              : whole_body(x);
    if (!response)
        return MHD_NO;
    x->answered = clock_mono_ns();
    x->streaming = flows;
    cors_grant(x);
    keep_private(x);
    const char *trace = trace_parent(x);
    if (trace)
        answer_header(&x->answer, "traceparent", trace);
    if (x->gateway->draining && !client_of(x->connection)->unread) /* which says so already */
        answer_header(&x->answer, MHD_HTTP_HEADER_CONNECTION, "close");
    answer_add_headers(&x->answer, response);
    enum MHD_Result result = MHD_queue_response(x->connection, x->answer.http, response);
    MHD_destroy_response(response);
    return result;
}

static void begin_work(struct server *self, struct exchange *x)
{
    x->received = true;
    (void)refuse_defective(x);
    if (x->answer.http != 0)
        return;
    x->route->handler(x);
    bodies_drop(x);
    x->waits = x->refs > 1;
    self->waiting += x->waits;
    self->begun += x->waits;
    if (client_of(x->connection)->left)
        exchange_abandon(x);
}

/* It waits no more, or not with libmicrohttpd. */
static void stop_waiting(struct server *self, struct exchange *x)
{
    self->waiting -= x->waits && !x->suspended;
}

static enum MHD_Result go_on(struct server *self, struct exchange *x)
{
    if (!x->received)
        begin_work(self, x);
    else if (x->waits && self->now > x->began + SOON_NS) {
        stop_waiting(self, x);
        suspend(x);
    }
    return x->waits ? MHD_YES : send_answer(x);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **exchange)
{
    struct server *self = arg;
    struct exchange *x = *exchange;
    (void)version;
    self->has_moved |= !x || !x->waits;
    if (!x) {
        *exchange = x = begin(self, connection, path, method);
        x->received = client_of(connection)->unread;
        return x->received ? send_answer(x) : MHD_YES;
    }
    if (*len == 0)
        return go_on(self, x);
    bodies_take(x, data, *len);
    *len = 0;
    return MHD_YES;
}

static unsigned status_of(const struct exchange *x, bool complete)
{
    if (complete)
        return x->answer.http;
    return client_of(x->connection)->slow ? MHD_HTTP_REQUEST_TIMEOUT : TRAFFIC_LEFT;
}

static void take_note(struct gateway *gateway, struct exchange *x, bool complete)
{
    uint64_t ns = clock_mono_ns() - x->began;
    unsigned status = status_of(x, complete);
    if (!complete && !x->streaming)
        x->sent = 0; /* how much of it was is not known */
    traffic_count(&gateway->traffic, status, ns, x->body_bytes, x->sent);
    access_log_add(gateway->access_log, x, status, ns);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **exchange,
                         enum MHD_RequestTerminationCode how)
{
    struct server *self = arg;
    struct exchange *x = *exchange;
    if (!x)
        return;
    take_note(self->gateway, x, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    traffic_add(&self->gateway->traffic.busy, -1);
    client_turn(client_of(connection), NULL);
    stop_waiting(self, x);
    x->waits = false;
    x->connection = NULL;
    exchange_abandon(x);
    exchange_release(x);
    *exchange = NULL;
}

static void wake(struct server *self, struct exchange *x)
{
    stop_waiting(self, x);
    x->waits = false;
    if (x->suspended)
        MHD_resume_connection(x->connection);
    x->suspended = false;
}

void server_take_mail(struct server *self)
{
    struct mailbox *mailbox = &self->gateway->mailbox;
    mailbox_hush(mailbox);
    for (struct exchange *next, *x = mailbox_take(mailbox); x; x = next) {
        next = x->taken;
        if (x->connection)
            wake(self, x);
        if (x->over) {
            x->on_gone = NULL; /* nothing is under way any more */
            exchange_release(x);
        }
    }
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **client,
                          enum MHD_ConnectionNotificationCode what)
{
    struct server *self = arg;
    _Atomic uint64_t *connections = &self->gateway->traffic.connections;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        const struct gateway_settings *s = &self->gateway->settings;
        *client =
            clients_add(&self->clients, info->connect_fd, *s->tls_cert_file, s->max_header_bytes);
        traffic_add(connections, 1);
    } else {
        clients_remove(&self->clients, *client);
        *client = NULL;
        traffic_add(connections, -1);
    }
}

void server_take_departures(struct server *self)
{
    clients_take_departures(&self->clients);
}

void server_hurry(struct server *self)
{
    const struct gateway_settings *s = &self->gateway->settings;
    const struct patience patience = {s->header_timeout_ms * NS_PER_MS,
                                      s->body_timeout_ms * NS_PER_MS};
    clients_hurry(&self->clients, &patience, clock_mono_ns());
}

/* ---- the daemon ---- */

/* percent.h is stricter. */
static size_t leave_escaped(void *arg, struct MHD_Connection *connection, char *text)
{
    (void)arg;
    (void)connection;
    return strlen(text);
}

static struct MHD_Daemon *start(struct server *self, const union address *address)
{
    const struct gateway_settings *s = &self->gateway->settings;
    unsigned flags = MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME;
    bool tls = *s->tls_cert_file;
    if (tls)
        flags |= MHD_USE_TLS;
    if (address->any.sa_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, self, MHD_OPTION_SOCK_ADDR, &address->any,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, self, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, self, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)s->max_connections, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)(s->idle_timeout_ms / 1000), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        s->max_header_bytes + RESPONSE_HEAD_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        tls ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END, TLS_PRIORITIES,
        MHD_OPTION_HTTPS_CERT_CALLBACK2, tls_retrieve, MHD_OPTION_END);
}

void server_adopt(struct server *self)
{
    strict_allow(refuse_beyond(&self->gateway->settings));
}

int server_create(struct server **out, struct gateway *gateway, char *why)
{
    union address address;
    const struct gateway_settings *s = &gateway->settings;
    if (address_parse(&address, s->listen) < 0) {
        snprintf(why, SETTINGS_WHY_BYTES, "%s: not an address to listen on", s->listen);
        return -EINVAL;
    }
    struct server *self = mem_zalloc(sizeof *self);
    self->gateway = gateway;
    int rc = clients_init(&self->clients);
    errno = 0;
    self->daemon = rc < 0 ? NULL : start(self, &address);
    if (!self->daemon) {
        rc = rc < 0 ? rc : errno ? -errno : -EADDRNOTAVAIL;
        clients_finish(&self->clients);
        snprintf(why, SETTINGS_WHY_BYTES, "cannot listen on %s: %s", s->listen, strerror(-rc));
        mem_free(self);
        return rc;
    }
    self->fd = MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    server_adopt(self);
    *out = self;
    return 0;
}

/* Who was waiting has an answer, and may read it, but not for ever. */
static void say_last_words(struct server *self)
{
    server_take_mail(self); /* none may be suspended */
    for (unsigned turn = 0; turn < LAST_TURNS && server_busy(self) > 0; turn++)
        MHD_run_wait(self->daemon, A_MOMENT_MS);
}

void server_destroy(struct server *self)
{
    if (!self)
        return;
    say_last_words(self);
    MHD_stop_daemon(self->daemon);
    clients_finish(&self->clients);
    mem_free(self);
}

int server_fd(const struct server *self)
{
    return self->fd;
}

int server_departures_fd(const struct server *self)
{
    return self->clients.departures;
}

int server_timeout(const struct server *self, int most)
{
    MHD_UNSIGNED_LONG_LONG wait = 0;
    if (MHD_get_timeout(self->daemon, &wait) != MHD_YES || wait > (unsigned)most)
        return most;
    /* 0 as long as somebody waits with libmicrohttpd, who may be all there is. */
    return wait == 0 && self->waiting > 0 && !self->has_moved ? A_MOMENT_MS : (int)wait;
}

void server_run(struct server *self)
{
    self->has_moved = false;
    self->now = clock_mono_ns();
    MHD_run(self->daemon);
    clients_see_off(&self->clients);
}

unsigned server_waiting(const struct server *self)
{
    return self->waiting;
}

unsigned server_begun(const struct server *self)
{
    return self->begun;
}

void server_sent(struct server *self)
{
    self->begun = 0;
}

/* Were it kept, the system would go on taking connections that nobody serves. */
void server_quiesce(struct server *self)
{
    (void)close(MHD_quiesce_daemon(self->daemon));
}

unsigned server_busy(const struct server *self)
{
    return (unsigned)self->gateway->traffic.busy;
}
