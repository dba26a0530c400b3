/* core_stage.h - a broker core on a stage: its io in memory, time by hand, and actors who speak
 * the protocol over the wire library. Everything happens inside the calls below; a
 * call returns when nobody has anything left to say. */
#ifndef TESTS_CORE_STAGE_H
#define TESTS_CORE_STAGE_H

#include "core/core.h"
#include "core_stage_store.h"
#include "wire/link.h"

#define STAGE_ACTORS 16u
#define STAGE_FEEDS 16u

struct stage;

/* A frame that came and has not been looked at. */
struct stage_frame {
    struct list node;
    struct buf bytes;
};

struct actor {
    struct stage *stage;
    struct link link;
    uint32_t pipe;
    unsigned parked;     /* exchanges the core holds */
    bool joined, silent; /* silent: parks nothing by itself */
    struct list frames;  /* struct stage_frame */
    struct list taken;   /* kept alive for the envelopes read from it */
    struct wire_frame reading;
    bool is_reading;
    struct arena arena;
};

struct stage {
    struct core *core;
    struct core_options options;
    struct moment now;
    struct actor actors[STAGE_ACTORS];
    unsigned n_actors;
    uint32_t pipes;
    unsigned held, answered, released; /* exchanges */
    size_t arena_used;                 /* by the newest frame */
    uint64_t random;
    unsigned verified; /* tokens judged */
    unsigned puts, scans, n_records, feeds_open, closed_pipes;
    bool store_fails, store_lags; /* nothing can be put; what is put reaches no disk */
    unsigned store_refuses;       /* so many of the next puts and removals, and then no more */
    uint64_t asked;               /* the mark the core waits for; 0: none */
    struct stage_record records[STAGE_RECORDS];
    struct stage_ledger ledger;
    struct buf fed;        /* what feeds carried: "topic payload\n" */
    struct list one_shots; /* answers to one-shots: struct stage_frame */
};

/* Generous limits; change options.limits between stage_init and stage_start. */
void stage_init(struct stage *stage);
void stage_start(struct stage *stage);
unsigned stage_lose(struct stage *stage, const char *table); /* its records; how many there were */
/* The ledger goes, and another, empty one takes its place: for the core that starts next. */
void stage_lose_ledger(struct stage *stage);
/* The core goes without a word and comes back with the same records and the same ledger. */
void stage_restart(struct stage *stage);
void stage_finish(struct stage *stage);
/* Time goes by, in turns of at most 5 ms. */
void stage_pass(struct stage *stage, uint64_t ms);
struct core_gauges stage_gauges(const struct stage *stage);

/* ---- actors ----
 * A token is "TENANT USER PERMISSION PERMISSION…"; it lasts a day, or with "ends:N" among the
 * permissions N seconds from when it is first shown. "tier:NAME" and "status:NAME" among them say
 * on what terms; free and active without. "id:NAME" is its id, "issued:N" when (Unix seconds). */
struct actor *stage_join(struct stage *stage, const char *token);
/* The same, with the status the broker gave; NULL when refused. */
struct actor *stage_try_join(struct stage *stage, const char *token, enum status *status);
/* Its connection breaks; with `back` it makes another and goes on. */
void actor_cut(struct actor *actor, bool back);
/* The newest actor leaves the stage: its place is free. It must be cut. */
void stage_dismiss(struct actor *newest);
/* Where to put envelopes; actor_say() sends them. */
struct wire_out *actor_out(struct actor *actor);
void actor_say(struct actor *actor);
/* The next envelope it was sent, whatever it is. Good until stage_finish(). False: none. */
bool actor_next(struct actor *actor, struct wire_envelope *out);
bool actor_await(struct actor *actor, struct wire_envelope *out); /* or what comes in a moment */
/* Skips to the next of that kind; fails the test if there is none. */
struct wire_envelope actor_expect(struct actor *actor, enum wire_kind kind);
bool actor_hears_nothing(struct actor *actor); /* of what has come and was not taken */
struct slice actor_credential(const struct actor *actor, const struct wire_envelope *envelope);

/* ---- the usual things to say; each is sent at once ---- */
void actor_register(struct actor *actor, const char *service, uint32_t capacity);
/* A registration as wanted; returns what the broker said. */
enum status actor_register_as(struct actor *actor, const Farebox__V1__Register *wanted);
void actor_call(struct actor *actor, uint64_t id, const char *service, const char *method);
void actor_request(struct actor *actor, uint64_t id, const struct wire_request *request,
                   struct slice credential);
void actor_reply(struct actor *actor, uint64_t id, enum status status, const char *payload);
void actor_cancel(struct actor *actor, uint64_t id);
enum status actor_subscribe(struct actor *actor, uint64_t id, const char *pattern,
                            const char *group, const char *tenant);
enum status actor_publish(struct actor *actor, const char *topic, const char *payload);

/* ---- what must have come of it ---- */
/* The status of the next reply, which must be to that call. */
enum status actor_outcome(struct actor *caller, uint64_t id);
/* The id of the next request it was given. */
uint64_t actor_requested(struct actor *server);
/* No call is under way, waiting or abandoned. */
void stage_is_idle(const struct stage *stage);

/* ---- raw frames ---- */
uint32_t stage_pipe(struct stage *stage);
/* Gives the core these bytes on a new exchange of the pipe. Returns whether it was answered
 * at once; the answer is in stage.one_shots. */
bool stage_frame_in(struct stage *stage, uint32_t pipe, struct slice bytes);
/* Takes the oldest answer to a raw frame; reads its first envelope into the arena. */
bool stage_answer(struct stage *stage, struct arena *arena, struct wire_envelope *out);

#endif
