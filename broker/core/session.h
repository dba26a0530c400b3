/* session.h - a peer's session: its link, the exchanges it has parked with us, and
 * what hangs on it. Owned by the core; one thread. */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include "base/map.h"
#include "base/wheel.h"
#include "core/identity.h"
#include "core/io.h"
#include "wire/link.h"

struct core;

#define SESSION_EXCHANGES 6u /* a peer may have under way; said in Welcome */
#define SESSION_PARKED 2u    /* of these, we keep at most so many; older ones are answered */
#define SESSION_NAME_MAX 128u
#define PIPE_ONE_SHOTS_MAX 256u /* one-shot calls under way by one connection */

enum session_state {
    SESSION_READY,
    SESSION_LOST, /* its pipe is gone; comes back within the grace, or ends */
    SESSION_ENDED,
};
const char *session_state_text(enum session_state state);

struct session {
    struct link link; /* link.session is the id, and the key in sessions.by_id */
    enum session_state state;
    bool draining; /* takes no new requests: it has said so, or the broker is stopping */
    struct identity *identity;
    char *name, *client;
    uint32_t pipe; /* that its newest frame came by; 0: none */
    struct exchange *parked[SESSION_EXCHANGES + 1];
    unsigned n_parked;   /* oldest first */
    struct list node;    /* in sessions.all */
    struct list by_pipe; /* in pipe.sessions */
    struct list dirty;   /* in sessions.dirty when it may have something to send */
    struct list calls;   /* made by it: call.by_caller */
    struct map calls_by_id;
    struct list instances;    /* it serves: instance.by_session */
    struct map subscriptions; /* by id */
    struct timer timer;       /* heartbeat, or grace */
    struct timer refusals;    /* armed: its outbox holds some that wait for more */
    uint64_t refused_at;      /* mono ns; the last frame that left for their sake */
    bool pressing;            /* its outbox holds something that does not wait */
    uint64_t last_heard;      /* mono ns */
    uint64_t since_ms;        /* Unix */
    uint64_t opened;          /* mono ns, and no other's: the order of sessions.all */
    uint64_t frames_in, frames_out, missed;
    uint64_t owed; /* turn of the journal that counts the newest reply it was given */
};

/* A connection: who is on it, so that its loss can be told to them. */
struct pipe {
    uint32_t id;
    uint64_t last_heard;   /* mono ns */
    struct list sessions;  /* session.by_pipe */
    struct list one_shots; /* call.by_caller */
    size_t n_one_shots;    /* each holds an exchange */
    struct timer silence;
};

struct sessions {
    struct map by_id;
    struct list all, dirty;
    uint64_t opened; /* of the newest */
    struct map pipes;
};

void sessions_init(struct sessions *sessions);
void sessions_finish(struct core *core);

struct pipe *pipe_opened(struct core *core, uint32_t id);
void pipe_lost(struct core *core, uint32_t id);
struct pipe *pipe_find(struct core *core, uint32_t id); /* or NULL */

/* Takes a reference to the identity. NULL when there are too many. */
struct session *session_open(struct core *core, struct identity *identity, struct slice name,
                             struct slice client);
struct session *session_find(struct core *core, const uint8_t id[WIRE_SESSION_BYTES]);
/* Its Welcome has just left by `pipe`, which becomes its own. */
void session_greeted(struct core *core, struct session *session, uint32_t pipe);
/* A frame came by `pipe` on `exchange`: takes the exchange over, wakes a lost session. */
void session_heard(struct core *core, struct session *session, struct exchange *exchange,
                   uint32_t pipe);
/* Ends it: its calls are cancelled, those it serves end or move, its
 * subscriptions and feeds close. If `why` is not NULL and an exchange is parked, it is told. */
void session_end(struct core *core, struct session *session, enum status status, const char *why);

/* Where to put its next envelope; it leaves when the turn ends. */
struct wire_out *session_out(struct core *core, struct session *session);
/* The same for the refusal of a call that was made too often. Those of a session that goes on all
 * the same gather for some milliseconds, if there is nothing else to tell it. */
struct wire_out *session_out_refusal(struct core *core, struct session *session);
/* Is its outbox over the bound? */
bool session_full(const struct core *core, const struct session *session);
/* Full, and nothing of it leaves with this turn: the peer reads too slowly. A session that is full
 * of this turn's events alone is not behind. */
bool session_behind(const struct core *core, const struct session *session);
/* End of the turn: everyone with something to say and an exchange to say it on. */
void sessions_flush(struct core *core);

/* The audiences whose sealed contexts it may present, in the turn's arena. */
const struct slice *session_audiences(struct core *core, struct session *session, size_t *count);
/* The audience of contexts that go with events to this session. */
struct slice session_event_audience(struct core *core, const struct session *session);

#endif
