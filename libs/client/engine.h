/* engine.h - the client's half of the protocol, pure: bytes, pipe events and
 * time in, bytes and upcalls out. libfarebox wraps it with nng, a mutex and
 * threads; the simulator runs it in virtual time. Not thread safe: the owner
 * serialises. Upcalls happen inside the functions below and may call
 * back into the engine (to make the next call, to answer a request); what they queue leaves
 * when the input function they were made from ends. Outside of upcalls every output leaves at
 * once. Both wait for the end of a turn, or for an uncork, except frames that are full already.
 *
 * Exchanges are numbered 0 … ENGINE_EXCHANGES-1. The owner owns one REQ context
 * for each: io->send(n, bytes) starts one, and the owner reports its end with
 * engine_answer() or engine_failed(), never from inside io->send. Frames are copied by
 * io->send. */
#ifndef CLIENT_ENGINE_H
#define CLIENT_ENGINE_H

#include "base/clock.h"
#include "base/map.h"
#include "base/wheel.h"
#include "wire/link.h"

#define ENGINE_EXCHANGES 6u /* contexts a peer may have under way */

struct engine_io {
    void *arg;
    void (*send)(void *arg, unsigned exchange, struct slice frame);
    /* closes the pipe, so that the transport dials again (the broker has gone silent) */
    void (*reset)(void *arg);
    void (*random)(void *arg, void *out, size_t len);
};

enum engine_state {
    ENGINE_DOWN,     /* no pipe */
    ENGINE_GREETING, /* pipe, Hello under way */
    ENGINE_READY,    /* session */
    ENGINE_LOST,     /* session, but its pipe is gone, or the broker has not answered by the next:
                        resumes or is given up */
    ENGINE_REFUSED,  /* the broker refused the token: final until the owner gives another */
    ENGINE_CLOSED,
};

/* What the engine tells its owner. Pointers are borrowed until the next engine_answer();
 * those into the frame only as long as the caller of engine_answer() keeps it. */
struct engine_upcalls {
    void *arg;
    void (*state)(void *arg, enum engine_state state, const char *why);
    /* of engine_call(): exactly once each; reply is synthesized for timeouts, cancels and lost
     * sessions */
    void (*reply)(void *arg, void *call_arg, const struct wire_reply *reply);
    void (*part)(void *arg, void *call_arg, const struct wire_part *part);
    /* a request to serve; answer with engine_reply(id). A state of DOWN or GREETING ends the
     * session: requests received before are void, and their ids mean nothing any more */
    void (*request)(void *arg, uint64_t id, const struct wire_request *request,
                    struct slice credential);
    void (*cancel)(void *arg, uint64_t id);
    void (*delivery)(void *arg, uint64_t subscription, const struct wire_delivery *delivery,
                     struct slice credential);
    /* answer to engine_control(): status and message */
    void (*acknowledged)(void *arg, void *control_arg, enum status status, const char *message);
    /* a subscription that had been granted is no more: the broker has ended it, or refused it (or
     * the whole session) in a new one. It is not repeated */
    void (*over)(void *arg, uint64_t subscription, enum status status, const char *message);
    void (*drain)(void *arg);
};

struct engine;

struct engine_options {
    const char *token, *name, *client;
    uint64_t greet_timeout_ns; /* for Hello; 0: 5 s */
    bool eager; /* until the first session every refusal is final, also one that would pass */
};

struct engine *engine_create(const struct engine_options *options, const struct engine_io *io,
                             const struct engine_upcalls *upcalls, uint64_t now);
void engine_destroy(struct engine *engine); /* no upcalls */
enum engine_state engine_state(const struct engine *engine);
/* Is there more to time than heartbeats: deadlines, a session to be had? */
bool engine_is_timing(const struct engine *engine);

/* ---- inputs; `now` in nanoseconds, monotonic ---- */
void engine_pipe_up(struct engine *engine, uint64_t now);
void engine_pipe_down(struct engine *engine, uint64_t now);
void engine_answer(struct engine *engine, unsigned exchange, struct slice frame, uint64_t now);
void engine_failed(struct engine *engine, unsigned exchange, uint64_t now);
void engine_tick(struct engine *engine, uint64_t now); /* every few tens of milliseconds at least */

/* ---- outputs ---- */
/* Around inputs that belong together: nothing leaves before the end. */
void engine_begin_turn(struct engine *engine);
void engine_end_turn(struct engine *engine, uint64_t now);
/* Outputs gather until they fill a frame, the outermost uncork, or an answer after which the
 * broker would have nothing more to answer on. */
void engine_cork(struct engine *engine);
void engine_uncork(struct engine *engine, uint64_t now);
/* Bytes unsent or unacknowledged. */
size_t engine_backlog(const struct engine *engine);

/* Timeout is taken from request->timeout_ms (0: none). Returns the call's id (never 0).
 * While there is no session the call waits for one, within its timeout. After a
 * lost session, calls marked idempotent are made again; others end with
 * STATUS_OUTCOME_UNKNOWN (or UNAVAILABLE when they never left). */
uint64_t engine_call(struct engine *engine, const struct wire_request *request,
                     struct slice credential, void *call_arg, uint64_t now);
/* Ends the call with STATUS_CANCELLED now. False: no such call (any more). */
bool engine_cancel(struct engine *engine, uint64_t id, uint64_t now);
/* False: the request is no longer wanted (session lost, cancelled and forgotten). */
bool engine_reply(struct engine *engine, uint64_t id, const struct wire_reply *reply);
bool engine_part(struct engine *engine, uint64_t id, const struct wire_part *part);
/* Upcall, and an id (else 0), only if confirm. */
uint64_t engine_publish(struct engine *engine, const struct wire_publish *publish,
                        struct slice credential, void *control_arg);
/* Register, Deregister, Subscribe, Unsubscribe, Ping. Register and Subscribe are
 * remembered (by service name / by id) and repeated in every new session, without a second upcall,
 * each second while the refusal is one that passes, or is for a subscription suspended meanwhile.
 * For Subscribe, `id` becomes the subscription's; 0 makes one. Returns the id. */
uint64_t engine_make_id(struct engine *engine);
uint64_t engine_control(struct engine *engine, enum wire_kind kind, uint64_t id,
                        const ProtobufCMessage *body, void *control_arg);
/* Subscribe on behalf of `credential`, which is copied; empty: the session's own. */
uint64_t engine_subscribe(struct engine *engine, uint64_t id, const Farebox__V1__Subscribe *body,
                          struct slice credential, void *control_arg);
/* Right after a confirmed publish or a subscription was asked for: its upcall comes within that
 * time (0: whenever it does), and within two seconds of the loss of the connection. Of an event
 * nobody knows then whether it was published: STATUS_DEADLINE_EXCEEDED, or OUTCOME_UNKNOWN without
 * a connection. A subscription is undone: STATUS_UNAVAILABLE. */
void engine_limit(struct engine *engine, uint64_t id, uint32_t timeout_ms, uint64_t now);
/* Says goodbye once everything queued has left; then ENGINE_CLOSED. */
void engine_goodbye(struct engine *engine, uint64_t now);

#endif
