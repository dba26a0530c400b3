#include "core/session.h"

#include "base/log.h"
#include "base/mem.h"
#include "builtin/feed.h"
#include "core/outside.h"
#include "core/route.h"
#include "core/state.h"

#define MISSED_HEARTBEATS 3u
#define REFUSALS_APART_NS (5 * NS_PER_MS)

static void on_timer(struct timer *timer, void *arg);
static void on_refusals_due(struct timer *timer, void *arg);
static void on_silence(struct timer *timer, void *arg);

const char *session_state_text(enum session_state state)
{
    static const char *const texts[] = {"ready", "lost", "ended"};
    return texts[state];
}

void sessions_init(struct sessions *sessions)
{
    map_init(&sessions->by_id);
    map_init(&sessions->pipes);
    list_init(&sessions->all);
    list_init(&sessions->dirty);
}

static void orphan_one_shots(struct core *core, struct pipe *pipe)
{
    for (struct list *node; (node = list_first(&pipe->one_shots));)
        call_orphan(core, LIST_ENTRY(node, struct call, by_caller));
}

void sessions_finish(struct core *core)
{
    struct sessions *self = &core->sessions;
    size_t cursor = 0;
    for (struct pipe *pipe; (pipe = map_next(&self->pipes, &cursor));)
        orphan_one_shots(core, pipe); /* or they would be answered as their services end */
    for (struct list *node; (node = list_first(&self->all));)
        session_end(core, LIST_ENTRY(node, struct session, node), STATUS_UNAVAILABLE, NULL);
    cursor = 0;
    for (struct pipe *pipe; (pipe = map_next(&self->pipes, &cursor));) {
        wheel_disarm(&core->wheel, &pipe->silence);
        mem_free(pipe);
    }
    map_finish(&self->pipes);
    map_finish(&self->by_id);
}

/* ---- pipes ---- */

struct pipe *pipe_find(struct core *core, uint32_t id)
{
    return map_get_u64(&core->sessions.pipes, id);
}

/* Whoever is silent in a session is found by its heartbeat. */
static void watch_silence(struct core *core, struct pipe *pipe)
{
    uint64_t due = pipe->last_heard + core->limits.silent_pipe_ms * NS_PER_MS;
    if (list_empty(&pipe->sessions))
        wheel_arm(&core->wheel, &pipe->silence, due);
}

struct pipe *pipe_opened(struct core *core, uint32_t id)
{
    struct pipe *pipe = mem_zalloc(sizeof *pipe);
    pipe->id = id;
    list_init(&pipe->sessions);
    list_init(&pipe->one_shots);
    timer_init(&pipe->silence, on_silence);
    pipe->last_heard = core->now.mono_ns;
    watch_silence(core, pipe);
    map_put_u64(&core->sessions.pipes, id, pipe);
    return pipe;
}

static void on_silence(struct timer *timer, void *arg)
{
    struct core *core = arg;
    struct pipe *pipe = LIST_ENTRY(timer, struct pipe, silence);
    uint64_t silence = core->limits.silent_pipe_ms * NS_PER_MS;
    if (!list_empty(&pipe->sessions))
        return;
    if (pipe->n_one_shots > 0) /* it waits for an answer */
        pipe->last_heard = core->now.mono_ns;
    if (pipe->last_heard + silence > core->now.mono_ns)
        watch_silence(core, pipe);
    else
        core->io.close_pipe(core->io.arg, pipe->id);
}

static void release_parked(struct core *core, struct session *session)
{
    for (unsigned i = 0; i < session->n_parked; i++)
        core->io.release(core->io.arg, session->parked[i]);
    session->n_parked = 0;
}

static void detach(struct core *core, struct session *session)
{
    release_parked(core, session);
    link_pipe_lost(&session->link, session->pipe);
    list_remove(&session->by_pipe);
    struct pipe *pipe = pipe_find(core, session->pipe); /* NULL: it is what was lost */
    if (pipe) {
        pipe->last_heard = core->now.mono_ns;
        watch_silence(core, pipe);
    }
    session->pipe = 0;
}

/* At `due`, or when its token ends if that is sooner. */
static void arm(struct core *core, struct session *session, uint64_t due)
{
    uint64_t end = identity_look_at(session->identity->expires_ms, core->now);
    wheel_arm(&core->wheel, &session->timer, due < end ? due : end);
}

static void lose(struct core *core, struct session *session)
{
    detach(core, session);
    session->state = SESSION_LOST;
    arm(core, session, core->now.mono_ns + core->limits.grace_ms * NS_PER_MS);
    registry_session_changed(core, session);
}

void pipe_lost(struct core *core, uint32_t id)
{
    struct pipe *pipe = map_remove_u64(&core->sessions.pipes, id);
    if (!pipe)
        return;
    orphan_one_shots(core, pipe);
    hold_pipe_lost(core, id);
    for (struct list *node; (node = list_first(&pipe->sessions));)
        lose(core, LIST_ENTRY(node, struct session, by_pipe));
    wheel_disarm(&core->wheel, &pipe->silence);
    mem_free(pipe);
}

/* ---- opening and ending ---- */

static char *printable(struct slice text)
{
    size_t len = text.len < SESSION_NAME_MAX ? text.len : SESSION_NAME_MAX;
    char *copy = mem_alloc(len + 1);
    for (size_t i = 0; i < len; i++)
        copy[i] = text.data[i] >= ' ' && text.data[i] < 0x7f ? (char)text.data[i] : '?';
    copy[len] = '\0';
    return copy;
}

struct session *session_open(struct core *core, struct identity *identity, struct slice name,
                             struct slice client)
{
    if (core->sessions.by_id.count >= core->limits.max_sessions)
        return NULL;
    struct session *self = mem_zalloc(sizeof *self);
    uint8_t id[WIRE_SESSION_BYTES];
    core->io.random(core->io.arg, id, sizeof id);
    link_init(&self->link);
    link_name(&self->link, id);
    self->identity = identity_ref(identity);
    self->name = printable(name);
    self->client = printable(client);
    self->since_ms = core->now.unix_ms;
    bool later = core->now.mono_ns > core->sessions.opened;
    self->opened = later ? core->now.mono_ns : core->sessions.opened + 1;
    core->sessions.opened = self->opened;
    list_init(&self->by_pipe);
    list_init(&self->dirty);
    list_init(&self->calls);
    list_init(&self->instances);
    map_init(&self->calls_by_id);
    map_init(&self->subscriptions);
    timer_init(&self->timer, on_timer);
    timer_init(&self->refusals, on_refusals_due);
    list_push(&core->sessions.all, &self->node);
    map_put(&core->sessions.by_id, slice_make(self->link.session, WIRE_SESSION_BYTES), self);
    log_event(LOG_DEBUG, "session.opened", "tenant", identity->context.tenant, "user",
              identity->context.user, "name", self->name, NULL);
    return self;
}

struct session *session_find(struct core *core, const uint8_t id[WIRE_SESSION_BYTES])
{
    return map_get(&core->sessions.by_id, slice_make(id, WIRE_SESSION_BYTES));
}

static void drop_everything_of(struct core *core, struct session *self)
{
    size_t cursor = 0;
    for (struct subscription *s; (s = map_next(&self->subscriptions, &cursor));) {
        map_remove_u64(&self->subscriptions, s->id);
        subscription_remove(core, s);
    }
    feeds_session_ended(core, self);
    for (struct list *node; (node = list_first(&self->calls));)
        call_orphan(core, LIST_ENTRY(node, struct call, by_caller));
    registry_session_ended(core, self); /* hears nothing of it any more */
}

void session_end(struct core *core, struct session *self, enum status status, const char *why)
{
    if (self->state == SESSION_ENDED)
        return;
    log_event(LOG_DEBUG, "session.ended", "tenant", self->identity->context.tenant, "user",
              self->identity->context.user, "name", self->name, "why", why, NULL);
    self->state = SESSION_ENDED;
    wheel_disarm(&core->wheel, &self->timer);
    wheel_disarm(&core->wheel, &self->refusals);
    drop_everything_of(core, self);
    for (unsigned i = 0; why && i < self->n_parked; i++)
        answer_error(core, self->parked[i], status, why);
    if (why)
        self->n_parked = 0;
    detach(core, self);
    map_remove(&core->sessions.by_id, slice_make(self->link.session, WIRE_SESSION_BYTES));
    list_remove(&self->node);
    list_remove(&self->dirty);
    link_finish(&self->link);
    map_finish(&self->calls_by_id);
    map_finish(&self->subscriptions);
    identity_unref(self->identity);
    mem_free(self->name);
    mem_free(self->client);
    mem_free(self);
}

/* Heartbeats do not move the timer: it looks, when it fires, how long the silence really is. */
static void on_timer(struct timer *timer, void *arg)
{
    struct core *core = arg;
    struct session *self = LIST_ENTRY(timer, struct session, timer);
    uint64_t silence = (uint64_t)core->limits.heartbeat_ms * MISSED_HEARTBEATS * NS_PER_MS;

    if (self->identity->expires_ms <= core->now.unix_ms) {
        session_end(core, self, STATUS_UNAUTHENTICATED, TEXT_UNAUTHENTICATED);
    } else if (self->state == SESSION_LOST) {
        session_end(core, self, STATUS_UNAVAILABLE, NULL);
    } else if (self->last_heard + silence <= core->now.mono_ns) {
        uint32_t pipe = self->pipe;
        session_end(core, self, STATUS_UNAVAILABLE, "no heartbeat");
        core->io.close_pipe(core->io.arg, pipe);
    } else {
        link_shrink(&self->link);
        arm(core, self,
            self->last_heard + core->limits.heartbeat_ms * NS_PER_MS > core->now.mono_ns
                ? self->last_heard + silence
                : core->now.mono_ns + core->limits.heartbeat_ms * NS_PER_MS);
    }
}

/* ---- frames ---- */

static void attach(struct core *core, struct session *self, uint32_t pipe_id)
{
    struct pipe *pipe = pipe_find(core, pipe_id);
    if (!pipe) { /* it was lost while its frame waited for us: nothing can be sent by it */
        if (!self->pipe)
            lose(core, self);
        return;
    }
    if (self->pipe)
        detach(core, self);
    bool was_lost = self->state == SESSION_LOST;
    self->pipe = pipe_id;
    list_push(&pipe->sessions, &self->by_pipe);
    self->state = SESSION_READY;
    arm(core, self,
        core->now.mono_ns + (uint64_t)core->limits.heartbeat_ms * MISSED_HEARTBEATS * NS_PER_MS);
    if (was_lost)
        registry_session_changed(core, self);
}

void session_greeted(struct core *core, struct session *self, uint32_t pipe)
{
    self->last_heard = core->now.mono_ns;
    attach(core, self, pipe);
}

static void mark_dirty(struct core *core, struct session *self)
{
    if (list_empty(&self->dirty))
        list_push(&core->sessions.dirty, &self->dirty);
}

static void transmit(struct core *core, struct session *self)
{
    struct exchange *exchange = self->parked[0];
    self->n_parked--;
    memmove(self->parked, self->parked + 1, self->n_parked * sizeof *self->parked);
    struct slice frame = link_transmit(&self->link, self->pipe);
    self->frames_out++;
    core->stats.frames_out++;
    core->stats.bytes_out += frame.len;
    hold_answer(core, exchange, self->pipe, frame, self->owed);
}

void session_heard(struct core *core, struct session *self, struct exchange *exchange,
                   uint32_t pipe)
{
    self->last_heard = core->now.mono_ns;
    self->frames_in++;
    if (self->pipe != pipe)
        attach(core, self, pipe);
    if (self->pipe != pipe) {
        core->io.release(core->io.arg, exchange);
        return;
    }
    if (self->n_parked > SESSION_EXCHANGES) { /* more than we said: the oldest is answered */
        transmit(core, self);
    }
    self->parked[self->n_parked++] = exchange;
    mark_dirty(core, self);
}

struct wire_out *session_out(struct core *core, struct session *self)
{
    self->pressing = true;
    mark_dirty(core, self);
    return link_out(&self->link);
}

static void on_refusals_due(struct timer *timer, void *arg)
{
    struct session *self = LIST_ENTRY(timer, struct session, refusals);
    struct core *core = arg;
    self->refused_at = core->now.mono_ns;
    mark_dirty(core, self);
}

struct wire_out *session_out_refusal(struct core *core, struct session *self)
{
    uint64_t next = self->refused_at + REFUSALS_APART_NS;
    if (core->now.mono_ns >= next) {
        self->refused_at = core->now.mono_ns;
        return session_out(core, self);
    }
    if (self->refusals.due == 0)
        wheel_arm(&core->wheel, &self->refusals, next);
    return link_out(&self->link);
}

/* A peer whose exchanges are not answered gathers its calls, too. */
static bool can_wait(const struct session *self)
{
    return self->refusals.due > 0 && !self->pressing && list_empty(&self->link.ready) &&
           self->link.n_lost == 0;
}

bool session_full(const struct core *core, const struct session *self)
{
    return link_backlog(&self->link) > core->limits.outbox_bytes;
}

bool session_behind(const struct core *core, const struct session *self)
{
    return session_full(core, self) && self->n_parked == 0;
}

void sessions_flush(struct core *core)
{
    for (struct list *node; (node = list_first(&core->sessions.dirty));) {
        struct session *self = LIST_ENTRY(node, struct session, dirty);
        list_remove(&self->dirty);
        if (can_wait(self))
            continue;
        wheel_disarm(&core->wheel, &self->refusals);
        while (self->n_parked > 0 && link_pending(&self->link))
            transmit(core, self);
        while (self->n_parked > SESSION_PARKED)
            transmit(core, self);
        self->pressing = link_pending(&self->link); /* no exchange was left for it */
    }
}

/* ---- what sealed contexts it may present ---- */

struct slice session_event_audience(struct core *core, const struct session *self)
{
    const struct identity *who = self->identity;
    return slice_of(arena_printf(&core->arena, "@%s/%s", who->context.tenant, who->context.user));
}

const struct slice *session_audiences(struct core *core, struct session *self, size_t *count)
{
    size_t n = 1;
    for (struct list *node = self->instances.next; node != &self->instances; node = node->next)
        n++;
    struct slice *list = arena_alloc(&core->arena, n * sizeof *list);
    *count = 0;
    list[(*count)++] = session_event_audience(core, self);
    for (struct list *node = self->instances.next; node != &self->instances; node = node->next)
        list[(*count)++] = slice_of(LIST_ENTRY(node, struct instance, by_session)->service->key);
    return list;
}
