/* engine_internal.h - the engine's state, shared by its files. Nothing outside
 * engine*.c includes it. */
#ifndef CLIENT_ENGINE_INTERNAL_H
#define CLIENT_ENGINE_INTERNAL_H

#include "client/engine.h"

/* An id names a slot in its low bits and how often ids were given out above them:
 * found without hashing, and never used twice. */
#define SLOT_BITS 20u
#define SLOT_CONTROL ((1u << SLOT_BITS) - 1) /* of ids that are not calls' */
#define CALLS_PER_CHUNK 256u

struct saved_request; /* of a call that may be made again */

struct call {
    struct timer timer;
    struct list node; /* in engine.calls or engine.free_calls */
    uint64_t id;      /* 0: free */
    uint32_t slot;
    uint32_t session; /* number of the session it was put into */
    void *arg;
    bool streamed; /* its owner has parts of the answer: not to be made again */
    struct saved_request *saved;
};

/* A control the broker has not answered yet. */
struct waiting {
    struct list node;
    struct timer patience; /* see engine_limit() */
    uint64_t id;
    enum wire_kind kind;
    uint32_t session;
    void *arg;
};

/* A registration or subscription, to be repeated in every new session. */
struct standing {
    struct list node;
    struct timer again; /* the broker had no place for it just now */
    uint64_t id;
    enum wire_kind kind;
    ProtobufCMessage *body;
    struct slice credential; /* its own copy; empty: the session's */
};

struct exchange {
    bool busy;
    uint32_t session, pipe; /* numbers of those it was sent in */
};

struct engine {
    struct engine_io io;
    struct engine_upcalls up;
    char *token, *name, *client;
    uint64_t greet_timeout;
    bool eager; /* and there has been no session */

    enum engine_state state, told; /* as the owner was told last */
    bool doubtful; /* ready, but nothing says yet that the broker still knows the session */
    uint64_t now;
    bool pipe;        /* there is one */
    uint32_t pipe_no; /* counts pipes */
    uint32_t session; /* counts sessions, and attempts at one */
    unsigned corks, turns;

    struct exchange exchanges[ENGINE_EXCHANGES];
    unsigned limit; /* exchanges the broker allows */
    struct link *link;
    struct wire_out bare; /* for Hello, which belongs to no session */
    struct arena arena;   /* of the last answer */
    bool bulky;           /* the last answer was large: expect more of them */
    uint64_t heartbeat;   /* ns */
    uint64_t sent_at, heard_at;
    uint64_t welcomed_at;
    uint64_t greet_at; /* not before */
    bool greeted;      /* Hello is under way */
    bool leaving;      /* engine_goodbye() */
    bool left;         /* and it has been sent */

    struct wheel wheel;
    struct call **chunks;
    uint32_t n_chunks;
    uint64_t ids_given;
    struct list calls, free_calls;
    struct map served; /* by id; see engine_serve.c */
    struct list waiting, standing;
};

#endif
