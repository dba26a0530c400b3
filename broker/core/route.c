#include "core/route.h"

#include "core/outside.h"
#include "core/state.h"
#include "core/tell.h"

#include <errno.h>

#define PROTOCOL_VERSION 1u
#define MS_PER_DAY 86400000u

void route_acknowledge(struct core *core, struct inbound *inbound, uint64_t id, enum status status,
                       const char *message)
{
    Farebox__V1__Acknowledge body = FAREBOX__V1__ACKNOWLEDGE__INIT;
    body.status = (Farebox__V1__Status)status;
    body.message = (char *)(uintptr_t)message;
    if (inbound->session) {
        wire_put_control(session_out(core, inbound->session), id, 0, WIRE_ACKNOWLEDGE, &body.base);
    } else {
        answer_control(core, inbound->exchange, id, WIRE_ACKNOWLEDGE, &body.base);
        inbound->exchange = NULL;
    }
}

/* ---- credentials ---- */

static bool lasts_too_long(const struct core *core, const struct identity *identity)
{
    uint64_t days = core->limits.max_token_days;
    return days > 0 && identity->context.token_expires_ms > core->now.unix_ms + days * MS_PER_DAY;
}

/* What was proven need not be believed: the identity, or NULL. */
static struct identity *believe(struct core *core, struct identity *identity, const char *what)
{
    const char *why = NULL;
    if (identity && revoked_holds(core, identity))
        why = "revoked";
    else if (identity && lasts_too_long(core, identity))
        why = "lasts longer than max-token-days";
    if (!why)
        return identity;
    audit_credential(core, what, why);
    return NULL;
}

static struct identity *resolve(struct core *core, struct inbound *inbound, uint32_t credential)
{
    char why[IDENTITY_WHY_BYTES] = "";
    size_t n = 0;
    const struct slice *audiences =
        inbound->session ? session_audiences(core, inbound->session, &n) : NULL;
    struct identity *identity =
        identities_resolve(core->identities, inbound->frame->credentials[credential - 1], audiences,
                           n, core->now.unix_ms, why);
    if (!identity)
        audit_credential(core, "an envelope", why);
    return identity;
}

struct identity *inbound_identity(struct core *core, struct inbound *inbound, uint32_t credential)
{
    if (credential == 0) {
        struct identity *own = inbound->session ? inbound->session->identity : NULL;
        bool in_time = own && own->expires_ms > core->now.unix_ms;
        return believe(core, in_time ? own : NULL, "a session");
    }
    if (!inbound->resolved)
        inbound->resolved =
            arena_zalloc(&core->arena, inbound->frame->n_credentials * sizeof *inbound->resolved);
    struct identity **slot = &inbound->resolved[credential - 1];
    if (!*slot)
        *slot = resolve(core, inbound, credential);
    return believe(core, *slot, "an envelope");
}

void inbound_finish(struct inbound *inbound)
{
    for (size_t i = 0; inbound->resolved && i < inbound->frame->n_credentials; i++)
        identity_unref(inbound->resolved[i]);
    inbound->resolved = NULL;
}

/* ---- bounds ---- */

static bool request_fits(const struct wire_request *r)
{
    return r->content_type.len + r->idempotency_key.len + r->request_id.len + r->traceparent.len +
               r->tracestate.len + r->tenant.len <=
           ROUTE_TEXTS_MAX;
}

static bool reply_fits(const struct core *core, const struct wire_reply *reply)
{
    size_t texts = reply->content_type.len + reply->message.len;
    for (size_t i = 0; i < reply->n_details; i++)
        texts += strlen(reply->details[i].key) + strlen(reply->details[i].value);
    return reply->payload.len <= core->limits.max_payload_bytes && texts <= ROUTE_TEXTS_MAX;
}

/* ---- calls ---- */

static void refuse_request(struct core *core, struct inbound *inbound, uint64_t id,
                           enum status status, const char *message)
{
    struct wire_reply reply = {
        .status = status,
        .message = slice_of(message),
        .retryable = status_retryable(status),
    };
    core->stats.errors[status]++;
    if (inbound->session) {
        wire_put_reply(session_out(core, inbound->session), id, &reply);
    } else {
        answer_reply(core, inbound->exchange, id, &reply);
        inbound->exchange = NULL;
    }
}

static void set_caller(struct core *core, struct call *call, struct inbound *inbound)
{
    if (inbound->session) {
        call->caller = inbound->session;
        map_put_u64(&call->caller->calls_by_id, call->caller_id, call);
        list_push(&call->caller->calls, &call->by_caller);
    } else {
        call->exchange = inbound->exchange;
        inbound->exchange = NULL;
        struct pipe *pipe = pipe_find(core, inbound->pipe);
        list_push(&pipe->one_shots, &call->by_caller);
        pipe->n_one_shots++;
        call->pipe = pipe;
    }
}

/* A session that does not read what it has asked for asks for nothing more; a connection
 * holds only so many exchanges. */
static bool has_room(struct core *core, const struct inbound *inbound)
{
    if (inbound->session)
        return !session_full(core, inbound->session);
    return pipe_find(core, inbound->pipe)->n_one_shots < PIPE_ONE_SHOTS_MAX;
}

static void route_request(struct core *core, struct inbound *inbound,
                          const struct wire_envelope *envelope)
{
    struct session *session = inbound->session;
    if (core->draining) {
        refuse_request(core, inbound, envelope->id, STATUS_UNAVAILABLE, "the broker is stopping");
        return;
    }
    if (session && map_get_u64(&session->calls_by_id, envelope->id)) {
        refuse_request(core, inbound, envelope->id, STATUS_CONFLICT,
                       "a call of that id is under way");
        return;
    }
    if (!request_fits(&envelope->request)) {
        refuse_request(core, inbound, envelope->id, STATUS_TOO_LARGE,
                       "the request's texts are over the limit");
        return;
    }
    struct call *call = has_room(core, inbound) ? call_open(core) : NULL;
    if (!call) {
        refuse_request(core, inbound, envelope->id, STATUS_OVERLOADED, "too many calls under way");
        return;
    }
    const struct wire_request *request = &envelope->request;
    call->caller_id = envelope->id;
    call->credential = envelope->credential;
    call->request = request;
    call->inbound = inbound;
    call->idempotent = request->idempotent;
    call->stream = request->stream;
    call->terms = request->terms;
    call->bytes_in = request->payload.len;
    call_name(core, call, request->request_id);
    set_caller(core, call, inbound);
    chain_request(core, call);
}

/* An answer is taken only from the session that has the call. */
static struct call *served_by(struct core *core, const struct session *session, uint64_t id)
{
    struct call *call = call_find(core, id);
    return call && call->instance && call->instance->session == session ? call : NULL;
}

static void route_reply(struct core *core, struct session *session,
                        const struct wire_envelope *envelope)
{
    struct call *call = served_by(core, session, envelope->id);
    if (!call) { /* ended long ago, or never was one */
        health_replied(core, session, envelope->id, &envelope->reply);
        return;
    }
    if (!reply_fits(core, &envelope->reply)) {
        struct wire_reply reply = {.status = STATUS_TOO_LARGE,
                                   .message = slice_of("the reply is over the limit")};
        call_settle(core, call, &reply, call->caller || call->exchange);
        call_answer(core, call, &reply);
        return;
    }
    if (call->caller && session_behind(core, call->caller)) {
        struct wire_reply reply = {.status = STATUS_OVERLOADED,
                                   .message = slice_of("the caller reads too slowly")};
        call_settle(core, call, &envelope->reply, false); /* it may still come for it */
        call_answer(core, call, &reply);
        return;
    }
    if (envelope->reply.status != STATUS_OK && call->instance)
        call->instance->errors++;
    call->answered = true;
    call_answer(core, call, &envelope->reply);
}

static void route_part(struct core *core, struct session *session,
                       const struct wire_envelope *envelope)
{
    struct call *call = served_by(core, session, envelope->id);
    if (!call || call->state != CALL_SERVING)
        return;
    if (!call->stream || !call->caller) {
        call_fail(core, call, STATUS_INTERNAL, "the service streams, the caller does not");
    } else if (envelope->part.payload.len > core->limits.max_payload_bytes) {
        call_fail(core, call, STATUS_TOO_LARGE, "a part is over the limit");
    } else if (session_full(core, call->caller)) {
        call_fail(core, call, STATUS_OVERLOADED, "the caller reads too slowly");
    } else {
        call->bytes_out += envelope->part.payload.len;
        tell_part(core, call, envelope->part.payload);
    }
}

static void route_cancel(struct core *core, struct session *session, uint64_t id)
{
    struct call *call = map_get_u64(&session->calls_by_id, id);
    if (call)
        call_fail(core, call, STATUS_CANCELLED, "cancelled by the caller");
}

/* ---- services ---- */

static void route_register(struct core *core, struct inbound *inbound,
                           const struct wire_envelope *envelope)
{
    const char *why = "";
    enum status status = registry_register(core, inbound->session, envelope->registration, &why);
    route_acknowledge(core, inbound, envelope->id, status, why);
}

static void route_deregister(struct core *core, struct inbound *inbound,
                             const struct wire_envelope *envelope)
{
    const char *why = "";
    enum status status =
        registry_deregister(core, inbound->session, slice_of(envelope->deregister->tenant),
                            slice_of(envelope->deregister->service), &why);
    route_acknowledge(core, inbound, envelope->id, status, why);
}

int route_envelope(struct core *core, struct inbound *inbound, const struct wire_envelope *envelope)
{
    switch (envelope->kind) {
    case WIRE_REQUEST:
        route_request(core, inbound, envelope);
        return 0;
    case WIRE_REPLY:
        route_reply(core, inbound->session, envelope);
        return 0;
    case WIRE_PART:
        route_part(core, inbound->session, envelope);
        return 0;
    case WIRE_CANCEL:
        route_cancel(core, inbound->session, envelope->id);
        return 0;
    case WIRE_PUBLISH:
        route_publish(core, inbound, envelope);
        return 0;
    case WIRE_SUBSCRIBE:
        route_subscribe(core, inbound, envelope);
        return 0;
    case WIRE_UNSUBSCRIBE:
        route_unsubscribe(core, inbound, envelope->id);
        return 0;
    case WIRE_REGISTER:
        route_register(core, inbound, envelope);
        return 0;
    case WIRE_DEREGISTER:
        route_deregister(core, inbound, envelope);
        return 0;
    case WIRE_PING:
        route_acknowledge(core, inbound, envelope->id, STATUS_OK, "");
        return 0;
    case WIRE_DRAIN:
        inbound->session->draining = true;
        registry_session_draining(core, inbound->session);
        return 0;
    case WIRE_NONE:
        return 0; /* from a newer peer */
    default:
        return -EPROTO;
    }
}

/* ---- without a session ---- */

static void welcome(struct core *core, const struct session *session, struct exchange *exchange)
{
    Farebox__V1__Welcome body = FAREBOX__V1__WELCOME__INIT;
    body.session =
        (ProtobufCBinaryData){WIRE_SESSION_BYTES, (uint8_t *)(uintptr_t)session->link.session};
    body.heartbeat_ms = core->limits.heartbeat_ms;
    body.max_frame_bytes = WIRE_FRAME_MAX;
    body.max_payload_bytes = core->limits.max_payload_bytes;
    body.exchanges = SESSION_EXCHANGES;
    body.server = (char *)(uintptr_t)core->version;
    body.boot = (ProtobufCBinaryData){sizeof core->boot, core->boot};
    answer_control(core, exchange, 0, WIRE_WELCOME, &body.base);
}

static struct session *greet(struct core *core, const Farebox__V1__Hello *hello,
                             enum status *status, const char **message)
{
    char why[IDENTITY_WHY_BYTES] = "";
    *message = "";
    *status = STATUS_UNAVAILABLE;
    if (core->draining) {
        *message = "the broker is stopping";
        return NULL;
    }
    *status = STATUS_INVALID_ARGUMENT;
    if (hello->protocol != PROTOCOL_VERSION) {
        *message = "this broker speaks protocol version 1";
        return NULL;
    }
    *status = STATUS_UNAUTHENTICATED;
    *message = TEXT_UNAUTHENTICATED;
    struct identity *identity =
        identities_resolve_token(core->identities, slice_of(hello->token), core->now.unix_ms, why);
    if (!identity) {
        audit_credential(core, "hello", why);
        return NULL;
    }
    if (!believe(core, identity, "hello")) {
        identity_unref(identity);
        return NULL;
    }
    struct session *session =
        session_open(core, identity, slice_of(hello->name), slice_of(hello->client));
    identity_unref(identity);
    *status = session ? STATUS_OK : STATUS_OVERLOADED;
    *message = session ? "" : "too many sessions";
    return session;
}

static void route_hello(struct core *core, struct inbound *inbound, const Farebox__V1__Hello *hello)
{
    enum status status;
    const char *message;
    struct session *session = greet(core, hello, &status, &message);
    struct exchange *exchange = inbound->exchange;
    inbound->exchange = NULL;
    if (!session) {
        answer_error(core, exchange, status, message);
        return;
    }
    welcome(core, session, exchange);
    session_greeted(core, session, inbound->pipe);
}

void route_one_shot(struct core *core, struct inbound *inbound,
                    const struct wire_envelope *envelope)
{
    core->stats.one_shot++;
    switch (envelope->kind) {
    case WIRE_HELLO:
        core->stats.one_shot--;
        route_hello(core, inbound, envelope->hello);
        return;
    case WIRE_REQUEST:
        route_request(core, inbound, envelope);
        return;
    case WIRE_PUBLISH:
        route_publish(core, inbound, envelope);
        return;
    case WIRE_PING:
        route_acknowledge(core, inbound, envelope->id, STATUS_OK, "");
        return;
    default:
        answer_error(core, inbound->exchange, STATUS_INVALID_ARGUMENT,
                     "without a session: hello, request, publish or ping");
        inbound->exchange = NULL;
    }
}
