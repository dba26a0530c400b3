/* transport_nng.c - exchanges as contexts of a REQ socket. The only file of the
 * library that knows nng; see libs/shim for what older versions need.
 *
 * nng's own resending is off: frames have numbers, so the engine repeats exactly those
 * that were lost, and nng's list of timers costs time with every request. */
#include "client/transport.h"

#include "base/mem.h"
#include "client/engine.h"

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <nng/supplemental/tls/tls.h>
#include <pthread.h>
#include <stdlib.h>

#define RECONNECT_FIRST_MS 10
#define RECONNECT_LAST_MS 250 /* nng waits a random part of it: whoever is back is soon found */

/* Two operations, the second posted right behind the first. The send has no
 * callback, so nng finishes it on the spot instead of waking a thread for it.
 * Neither is ever cancelled: before 1.7, cancelling a receive while its send is
 * queued leaves the context with a freed message. */
struct context {
    struct transport *transport;
    unsigned number;
    nng_ctx ctx;
    nng_aio *send, *receive;
};

struct transport {
    nng_socket socket;
    bool open;
    struct transport_events events;
    struct context contexts[ENGINE_EXCHANGES];
    /* Of open and pipe, and held while an operation is asked for: nng panics when a
     * socket is closed under one that is just being asked for. */
    pthread_mutex_t mutex;
    nng_pipe pipe;
    nng_dialer dialer;
    pthread_t first_dial;
    bool dialling; /* there is such a thread, to be joined */
};

/* ---- exchanges ---- */

static void on_received(void *arg)
{
    struct context *context = arg;
    const struct transport_events *events = &context->transport->events;
    nng_msg *message = NULL;
    if (nng_aio_result(context->receive) == 0)
        message = nng_aio_get_msg(context->receive);
    events->ended(events->arg, context->number, (struct transport_message *)message);
}

static void start(struct context *context, nng_msg *message)
{
    /* An answer can overtake the end of the send that it answers, by a moment. */
    nng_aio_wait(context->send);
    nng_aio_set_msg(context->send, message);
    nng_ctx_send(context->ctx, context->send);
    nng_ctx_recv(context->ctx, context->receive);
}

void transport_send(struct transport *transport, unsigned exchange, struct slice frame)
{
    nng_msg *message;
    if (nng_msg_alloc(&message, frame.len) != 0)
        abort();
    memcpy(nng_msg_body(message), frame.data, frame.len);
    pthread_mutex_lock(&transport->mutex);
    if (transport->open)
        start(&transport->contexts[exchange], message);
    else
        nng_msg_free(message);
    pthread_mutex_unlock(&transport->mutex);
}

struct slice transport_message_bytes(const struct transport_message *message)
{
    nng_msg *msg = (nng_msg *)message;
    return slice_make(nng_msg_body(msg), nng_msg_len(msg));
}

void transport_message_free(struct transport_message *message)
{
    if (message)
        nng_msg_free((nng_msg *)message);
}

/* ---- the connection ---- */

static void set_pipe(struct transport *transport, nng_pipe pipe)
{
    pthread_mutex_lock(&transport->mutex);
    transport->pipe = pipe;
    pthread_mutex_unlock(&transport->mutex);
}

static void on_pipe(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
    struct transport *transport = arg;
    if (event == NNG_PIPE_EV_ADD_POST) {
        set_pipe(transport, pipe);
        transport->events.pipe_up(transport->events.arg);
        return;
    }
    transport->events.pipe_down(transport->events.arg);
}

void transport_reset(struct transport *transport)
{
    pthread_mutex_lock(&transport->mutex);
    if (transport->open)
        nng_pipe_close(transport->pipe);
    pthread_mutex_unlock(&transport->mutex);
}

/* Unset, any certificate the CA ever signed would do, whoever shows it. */
static int set_server_name(nng_tls_config *config, const struct transport_options *options)
{
    nng_url *url;
    if (options->tls_server_name)
        return nng_tls_config_server_name(config, options->tls_server_name);
    int error = nng_url_parse(&url, options->url);
    if (error != 0)
        return error;
    error = nng_tls_config_server_name(config, url->u_hostname);
    nng_url_free(url);
    return error;
}

static int set_tls(nng_dialer dialer, const struct transport_options *options)
{
    nng_tls_config *config;
    if (nng_tls_config_alloc(&config, NNG_TLS_MODE_CLIENT) != 0)
        return -EINVAL;
    int error = nng_tls_config_auth_mode(config, NNG_TLS_AUTH_MODE_REQUIRED);
    if (error == 0)
        error = set_server_name(config, options);
    if (error == 0)
        error = nng_tls_config_ca_file(config, options->tls_ca_file);
    if (error == 0)
        error = nng_dialer_set_ptr(dialer, NNG_OPT_TLS_CONFIG, config);
    nng_tls_config_free(config);
    return error == 0 ? 0 : -ENOENT;
}

/* Others pass: a full backlog, an address that is not up yet. */
static const char *why_final(int error)
{
    switch (error) {
    case NNG_ECONNREFUSED: /* a socket file that is missing, too */
    case NNG_ENOENT:
        return "nothing listens there (connection refused)";
    case NNG_EADDRINVAL:
        return "the address is not valid, or its name does not resolve";
    case NNG_EPERM:
    case NNG_EPEERAUTH:
    case NNG_ECRYPTO:
    case NNG_EPROTO:
        return nng_strerror(error);
    default:
        return NULL;
    }
}

/* On a thread of its own: only a dial that blocks says how it ended, and it may take minutes. */
static void *dial_first(void *arg)
{
    struct transport *transport = arg;
    int error = nng_dialer_start(transport->dialer, 0);
    const char *why = why_final(error);
    if (why)
        transport->events.failed(transport->events.arg, why);
    pthread_mutex_lock(&transport->mutex);
    if (error != 0 && !why && transport->open)
        (void)nng_dialer_start(transport->dialer, NNG_FLAG_NONBLOCK);
    pthread_mutex_unlock(&transport->mutex);
    return NULL;
}

static int start_dialling(struct transport *transport, bool patient)
{
    if (patient)
        return nng_dialer_start(transport->dialer, NNG_FLAG_NONBLOCK) == 0 ? 0 : -EINVAL;
    transport->dialling = pthread_create(&transport->first_dial, NULL, dial_first, transport) == 0;
    return transport->dialling ? 0 : -ENOMEM;
}

static int dial(struct transport *transport, const struct transport_options *options)
{
    nng_dialer dialer;
    if (nng_dialer_create(&dialer, transport->socket, options->url) != 0)
        return -EINVAL;
    transport->dialer = dialer;
    /* Each applies to some schemes only. */
    (void)nng_dialer_set_bool(dialer, NNG_OPT_TCP_NODELAY, true);
    (void)nng_dialer_set_bool(dialer, NNG_OPT_TCP_KEEPALIVE, true);
    if (strncmp(options->url, "tls+", 4) == 0) {
        int error = set_tls(dialer, options);
        if (error < 0)
            return error;
    }
    return start_dialling(transport, options->patient);
}

static void set_options(struct transport *transport)
{
    nng_socket socket = transport->socket;
    /* Before any context is opened: contexts take it over from the socket. */
    nng_socket_set_ms(socket, NNG_OPT_REQ_RESENDTIME, -1);
    nng_socket_set_ms(socket, NNG_OPT_RECONNMINT, RECONNECT_FIRST_MS);
    nng_socket_set_ms(socket, NNG_OPT_RECONNMAXT, RECONNECT_LAST_MS);
    nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, WIRE_FRAME_MAX);
    nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, on_pipe, transport);
    nng_pipe_notify(socket, NNG_PIPE_EV_REM_POST, on_pipe, transport);
}

static int open_contexts(struct transport *transport)
{
    for (unsigned n = 0; n < ENGINE_EXCHANGES; n++) {
        struct context *context = &transport->contexts[n];
        context->transport = transport;
        context->number = n;
        if (nng_aio_alloc(&context->send, NULL, NULL) != 0 ||
            nng_aio_alloc(&context->receive, on_received, context) != 0 ||
            nng_ctx_open(&context->ctx, transport->socket) != 0)
            return -ENOMEM;
    }
    return 0;
}

int transport_create(struct transport **out, const struct transport_options *options,
                     const struct transport_events *events)
{
    struct transport *transport = mem_zalloc(sizeof(*transport));
    transport->events = *events;
    pthread_mutex_init(&transport->mutex, NULL);
    int error = -ENOMEM;
    if (nng_req0_open(&transport->socket) != 0)
        goto fail;
    transport->open = true;
    set_options(transport);
    error = open_contexts(transport);
    if (error == 0)
        error = dial(transport, options);
    if (error < 0)
        goto fail;
    *out = transport;
    return 0;

fail:
    transport_stop(transport);
    transport_destroy(transport);
    return error;
}

void transport_stop(struct transport *transport)
{
    pthread_mutex_lock(&transport->mutex);
    bool was_open = transport->open;
    transport->open = false;
    pthread_mutex_unlock(&transport->mutex);
    if (!was_open)
        return;
    nng_close(transport->socket);
    if (transport->dialling)
        pthread_join(transport->first_dial, NULL);
    for (unsigned n = 0; n < ENGINE_EXCHANGES && transport->contexts[n].receive; n++) {
        nng_aio_stop(transport->contexts[n].send);
        nng_aio_stop(transport->contexts[n].receive);
    }
}

static void free_context(struct context *context)
{
    /* A message that was never sent is still there; of one that was, nothing is. */
    if (context->send && nng_aio_get_msg(context->send))
        nng_msg_free(nng_aio_get_msg(context->send));
    nng_aio_free(context->send);
    nng_aio_free(context->receive);
}

void transport_destroy(struct transport *transport)
{
    if (!transport)
        return;
    for (unsigned n = 0; n < ENGINE_EXCHANGES; n++)
        free_context(&transport->contexts[n]);
    pthread_mutex_destroy(&transport->mutex);
    mem_free(transport);
}
