#include "core/core.h"

#include "base/log.h"
#include "base/mem.h"
#include "builtin/feed.h"
#include "builtin/tap.h"
#include "core/lost_tiers.h"
#include "core/outside.h"
#include "core/route.h"
#include "core/state.h"

#include <errno.h>

/* Refusals and acknowledgements pass a full outbox, replies to calls made before too. A session
 * that goes on asking without ever reading is ended at so many times its bound. */
#define OUTBOXES_MAX 2u

int core_create(struct core **out, const struct core_options *options, struct moment now)
{
    struct core *core = mem_zalloc(sizeof *core);
    struct identities_options identities = {.verify = options->verify,
                                            .verify_arg = options->verify_arg,
                                            .remembered = options->limits.max_identities};
    uint32_t prefix;

    core->limits = options->limits;
    core->io = options->io;
    core->version = options->version;
    core->now = core->started = now;
    core->io.random(core->io.arg, core->boot, sizeof core->boot);
    core->io.random(core->io.arg, identities.seal_key, sizeof identities.seal_key);
    core->io.random(core->io.arg, core->cursor_key, sizeof core->cursor_key);
    core->io.random(core->io.arg, &core->chance, sizeof core->chance);
    memcpy(&prefix, core->boot, sizeof prefix);
    arena_init(&core->arena);
    wheel_init(&core->wheel, now.mono_ns);
    core->identities = identities_create(&identities);
    sessions_init(&core->sessions);
    calls_init(&core->calls, prefix);
    pubsub_init(&core->pubsub);
    meter_init(&core->meter);
    rates_start(core);
    months_start(core);
    retention_start(core);
    expiry_start(core);
    checks_init(&core->checks);
    grants_renew(core);
    hold_init(&core->hold);
    core->feeds = feeds_create();
    core->taps = taps_create();
    int rc = registry_start(core);
    if (rc == 0)
        rc = accounts_start(core);
    if (rc == 0)
        rc = breakers_start(core);
    if (rc == 0)
        rc = answers_start(core);
    if (rc == 0)
        rc = values_start(core);
    if (rc == 0)
        rc = revoked_start(core);
    if (rc == 0)
        rc = journal_start(core);
    if (rc == 0)
        rc = chain_start(core, options->skipped, options->n_skipped);
    if (rc < 0) {
        core_destroy(core);
        return rc;
    }
    lost_tiers_tell(core);
    *out = core;
    return 0;
}

void core_destroy(struct core *core)
{
    if (!core)
        return;
    core->limits.grace_ms = 0;
    core->draining = true;
    feeds_destroy(core); /* before anything ends that they would tell of */
    sessions_finish(core);
    calls_finish(&core->calls);
    taps_destroy(core);
    hold_finish(core);
    journal_stop(core);
    retention_finish(core);
    meter_finish(&core->meter);
    breakers_finish(core);
    rates_finish(core);
    months_finish(core);
    answers_finish(core);
    values_finish(core);
    credits_finish(&core->credits);
    revoked_finish(core);
    registry_finish(core);
    checks_finish(&core->checks);
    accounts_finish(core);
    grants_finish(core);
    pubsub_finish(&core->pubsub);
    identities_destroy(core->identities);
    arena_finish(&core->arena);
    mem_free(core);
}

void core_begin(struct core *core, struct moment now)
{
    core->now = now;
    core->stats.turns++;
}

void core_pipe_opened(struct core *core, uint32_t pipe)
{
    pipe_opened(core, pipe);
}

void core_pipe_lost(struct core *core, uint32_t pipe)
{
    pipe_lost(core, pipe);
}

/* ---- frames ---- */

static int read_envelopes(struct core *core, struct inbound *inbound)
{
    struct wire_envelope envelope;
    int rc = 0;
    while (rc >= 0 && (rc = wire_next(inbound->frame, &envelope, &core->arena)) > 0) {
        if (envelope.kind == WIRE_GOODBYE) {
            session_end(core, inbound->session, STATUS_OK, "");
            inbound->session = NULL;
            return 0;
        }
        rc = route_envelope(core, inbound, &envelope);
    }
    return rc;
}

/* Returns false when the session has ended. */
static bool deliver(struct core *core, struct session *session, struct wire_frame *frame)
{
    struct inbound inbound = {.session = session, .pipe = session->pipe, .frame = frame};
    int rc = read_envelopes(core, &inbound);
    inbound_finish(&inbound);
    if (rc < 0) {
        core->stats.bad_frames++;
        session_end(core, session, STATUS_INVALID_ARGUMENT, "a frame makes no sense");
        return false;
    }
    return inbound.session != NULL;
}

static void deliver_held(struct core *core, struct session *session)
{
    struct buf held = {0};
    struct wire_frame frame;
    bool alive = true;
    while (alive && link_take_held(&session->link, &held)) {
        arena_reset(&core->arena);
        /* It was sound when it was put aside. */
        if (wire_read_frame(&frame, buf_slice(&held), &core->arena) == 0)
            alive = deliver(core, session, &frame);
        buf_finish(&held);
    }
}

static void session_frame(struct core *core, struct exchange *exchange, uint32_t pipe,
                          struct wire_frame *frame)
{
    struct session *session = session_find(core, frame->session);
    if (!session) {
        answer_error(core, exchange, STATUS_UNAUTHENTICATED, "no such session");
        return;
    }
    session_heard(core, session, exchange, pipe);
    bool was_full = session_full(core, session);
    enum link_verdict verdict = link_admit(&session->link, frame);
    if (was_full && !session_full(core, session))
        registry_session_has_room(core, session);
    switch (verdict) {
    case LINK_DELIVER:
        if (link_backlog(&session->link) > OUTBOXES_MAX * core->limits.outbox_bytes)
            session_end(core, session, STATUS_OVERLOADED, "it does not read what it asks for");
        else if (deliver(core, session, frame))
            deliver_held(core, session);
        break;
    case LINK_BROKEN:
        session_end(core, session, STATUS_INVALID_ARGUMENT, "impossible frame numbers");
        break;
    case LINK_NOTHING:
    case LINK_REPEAT:
    case LINK_HELD:
        break;
    }
}

static void one_shot_frame(struct core *core, struct exchange *exchange, uint32_t pipe,
                           struct wire_frame *frame)
{
    struct inbound inbound = {.exchange = exchange, .pipe = pipe, .frame = frame};
    struct wire_envelope envelope;
    if (frame->n_envelopes == 1 && wire_next(frame, &envelope, &core->arena) == 1)
        route_one_shot(core, &inbound, &envelope);
    inbound_finish(&inbound);
    if (inbound.exchange) {
        core->stats.bad_frames++;
        answer_error(core, inbound.exchange, STATUS_INVALID_ARGUMENT,
                     "a frame without a session carries one envelope");
    }
}

void core_frame(struct core *core, struct exchange *exchange, uint32_t pipe_id, struct slice bytes)
{
    struct wire_frame frame;
    struct pipe *pipe = pipe_find(core, pipe_id);
    core->stats.frames_in++;
    core->stats.bytes_in += bytes.len;
    arena_reset(&core->arena);
    if (pipe)
        pipe->last_heard = core->now.mono_ns;
    int rc = wire_read_frame(&frame, bytes, &core->arena);
    if (rc < 0) {
        core->stats.bad_frames++;
        answer_error(core, exchange, rc == -EMSGSIZE ? STATUS_TOO_LARGE : STATUS_INVALID_ARGUMENT,
                     rc == -EMSGSIZE ? "the frame is over a limit" : "not a frame");
    } else if (frame.has_session) {
        session_frame(core, exchange, pipe_id, &frame);
    } else if (pipe) {
        one_shot_frame(core, exchange, pipe_id, &frame);
    } else {
        core->io.release(core->io.arg, exchange); /* it has gone before it was heard */
    }
}

void core_finish(struct core *core)
{
    arena_reset(&core->arena);
    wheel_advance(&core->wheel, core->now.mono_ns, core);
    sessions_flush(core);
    hold_ask(core);
}

bool core_save(struct core *core)
{
    return journal_save(core);
}

void core_probed(struct core *core, uint64_t id, enum health_outcome outcome, const char *reason)
{
    health_probed(core, id, outcome, reason);
}

void core_kept(struct core *core, uint64_t mark)
{
    journal_kept(core, mark);
}

uint64_t core_next_due(const struct core *core)
{
    return wheel_next(&core->wheel);
}

/* ---- the whole ---- */

void core_reload(struct core *core, const struct limits *limits)
{
    core->limits = *limits;
    core->accounts.generation++;
    grants_renew(core);
    breakers_reload(core);
    lost_tiers_tell(core);
    identities_forget(core->identities);
}

void core_drain(struct core *core)
{
    if (core->draining)
        return;
    core->draining = true;
    for (struct list *node = core->sessions.all.next; node != &core->sessions.all;
         node = node->next) {
        struct session *session = LIST_ENTRY(node, struct session, node);
        wire_put_control(session_out(core, session), 0, 0, WIRE_DRAIN, NULL);
    }
    taps_drain(core);
}

static bool nothing_to_say(const struct core *core)
{
    const struct list *head = &core->sessions.all;
    for (struct list *node = head->next; node != head; node = node->next) {
        const struct session *session = LIST_ENTRY(node, struct session, node);
        if (session->state == SESSION_READY && link_pending(&session->link))
            return false;
    }
    return true;
}

bool core_is_drained(const struct core *core)
{
    struct core_gauges gauges;
    core_gauges(core, &gauges);
    return gauges.calls == gauges.abandoned && core->hold.count == 0 && nothing_to_say(core);
}

static void gauge_calls(const struct core *core, struct core_gauges *out)
{
    size_t cursor = 0;
    for (struct service *s; (s = map_next(&core->registry.by_key, &cursor));) {
        out->queued += s->waiting.n;
        out->in_flight += s->in_flight;
    }
}

void core_gauges(const struct core *core, struct core_gauges *out)
{
    *out = (struct core_gauges){
        .sessions = core->sessions.by_id.count,
        .calls = core->calls.pending,
        .abandoned = core->calls.abandoned,
        .services = core->registry.by_key.count,
        .subscriptions = core->pubsub.count,
        .feeds = feeds_count(core),
        .pipes = core->sessions.pipes.count,
        .identities = identities_count(core->identities),
    };
    gauge_calls(core, out);
}
