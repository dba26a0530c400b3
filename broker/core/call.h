/* call.h - a call under way, from its request's arrival until its one outcome has
 * been given and its service has let go. Entries live in a slab: an id is a slot and a generation,
 * so an answer finds its call without hashing and a late one finds nothing. Core; one thread. */
#ifndef CORE_CALL_H
#define CORE_CALL_H

#include "base/list.h"
#include "base/name.h"
#include "base/wheel.h"
#include "core/answers.h"
#include "core/breakers.h"
#include "core/io.h"
#include "policy/fair.h"
#include "wire/wire.h"

struct core;
struct identity;
struct inbound;
struct instance;
struct pipe;
struct service;
struct session;

#define CALL_METHOD_MAX 63u
#define CALL_ATTEMPTS_MAX 3u

enum call_state {
    CALL_FREE,
    CALL_OPEN,      /* in the chain */
    CALL_WAITING,   /* for an instance with room */
    CALL_ATTACHED,  /* waits for the answer to another one like it */
    CALL_SERVING,   /* at an instance, or inside the broker's own service */
    CALL_ABANDONED, /* outcome given; the instance has not let go yet */
    CALL_STATES
};

struct call {
    uint64_t id; /* what the service sees; 0 when free */
    enum call_state state;
    /* who asked */
    struct session *caller;    /* NULL: one-shot, or gone */
    struct exchange *exchange; /* a one-shot's, and the connection it came by */
    struct pipe *pipe;
    uint64_t caller_id;
    struct list by_caller;
    struct identity *identity; /* on whose behalf */
    struct identity *actor;    /* the session that hands a sealed context back; else NULL */
    /* what */
    const struct wire_request *request; /* borrowed while in the chain, or `kept`; else NULL */
    struct wire_request kept;
    uint8_t *kept_bytes;     /* owns the text and payload of `kept` */
    struct inbound *inbound; /* the frame it came in; NULL once the identity is known */
    uint32_t credential;     /* in that frame */
    char request_id[NAME_REQUEST_MAX], method[CALL_METHOD_MAX];
    uint8_t request_id_len, method_len; /* 0: not known (yet) */
    uint32_t depth;
    bool idempotent, stream, terms;
    const struct rehearsal *dry; /* it is explained, and nothing comes of it; else NULL */
    unsigned attempts, parts;
    uint32_t rate_limit, rate_remaining; /* what the caller is told; no limit: 0 */
    /* where */
    struct service *service;
    struct instance *instance;
    struct list by_place;          /* instance.calls, or answer.waiting */
    struct fair_node turn;         /* in service.waiting */
    struct call_passes passes;     /* of breakers */
    bool pending;                  /* in its tenant's month, for the quota */
    struct answer *answer;         /* it leads: others like it get its answer; else NULL */
    bool answered, replayed, owes; /* by the instance; from what was kept; not counted yet */
    unsigned passed;               /* filters that let it through: these hear of the outcome */
    /* when: mono ns */
    uint64_t started, sent, deadline;
    uint64_t ends_ms; /* Unix: of one that lasts as long as its token; 0: the deadline counts */
    struct timer timer;
    uint64_t counted;           /* in this turn of the journal; 0: not (yet) */
    size_t bytes_in, bytes_out; /* payloads; of the parts that have gone out */
};

struct calls {
    struct call **slabs;
    size_t n_slabs;
    uint32_t *free_slots;
    size_t n_free, cap_free;
    size_t pending;   /* not free */
    size_t abandoned; /* of these, whose callers have their outcome */
    uint64_t serial;
    uint32_t boot; /* prefix of request ids */
};

void calls_init(struct calls *calls, uint32_t boot);
void calls_finish(struct calls *calls);
/* Visits every entry that is not free; `each` may end it. */
void calls_each(struct core *core, void (*each)(struct core *core, struct call *call));

struct call *call_open(struct core *core);               /* NULL when max_calls are pending */
void call_discard(struct core *core, struct call *call); /* a dry one: nobody is told */
struct call *call_find(struct core *core, uint64_t id);  /* NULL when there is none any more */
/* Copies the request, so that the call can outlive the frame. */
void call_keep_request(struct call *call);
/* Takes the caller's request id if it is fit, makes one otherwise. */
void call_name(struct core *core, struct call *call, struct slice wanted);
/* Aborts on a move the table in call.c does not know. */
void call_move(struct call *call, enum call_state to);

/* Every call ends in one of these two, once: the filters it passed hear of it in reverse, the
 * caller gets `reply`, observers look. If an instance is still busy with it, it is told to
 * stop, and the call stays, abandoned, until the instance answers, for max_timeout at most. */
void call_end(struct core *core, struct call *call, const struct wire_reply *reply);
void call_fail(struct core *core, struct call *call, enum status status, const char *message);
/* The caller is gone: nobody to answer. */
void call_orphan(struct core *core, struct call *call);
/* The instance's own answer; for an abandoned call it only frees the slot. */
void call_answer(struct core *core, struct call *call, const struct wire_reply *reply);
/* What its service said, for whoever asks again with the same key; NULL: nothing. */
void call_settle(struct core *core, struct call *call, const struct wire_reply *reply,
                 bool metered);
/* The instance vanished: an idempotent call is placed again, others end. */
void call_instance_gone(struct core *core, struct call *call);

#endif
