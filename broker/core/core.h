/* core.h - the broker without the world: frames, time and random bytes in,
 * frames and store operations out. Pure: the same inputs give the same outputs.
 *
 * Used in turns, by one thread at a time:
 *     core_begin(now); core_frame()…; core_pipe_lost()…; core_finish();
 * Frames are borrowed for the call; what leaves does so in core_finish(). */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "base/clock.h"
#include "core/io.h"
#include "core/limits.h"
#include "policy/health.h"
#include "token/token.h"

struct core;

struct core_options {
    struct limits limits;
    struct io io;
    /* Judges a token; token_verify() in production. */
    int (*verify)(void *arg, struct slice token, int64_t now_s, struct token_claims *claims,
                  char *why);
    void *verify_arg;
    const char *version;
    const char *const *skipped; /* optional filters to leave out */
    size_t n_skipped;
};

/* Reads the registry's records back, and counts what the last process had no time to book. -EPROTO:
 * the filter chain is in an impossible order; other errors are those of the store. */
int core_create(struct core **out, const struct core_options *options, struct moment now);
/* Releases every exchange; sends nothing. Takes NULL. */
void core_destroy(struct core *core);

void core_begin(struct core *core, struct moment now);
void core_pipe_opened(struct core *core, uint32_t pipe);
void core_pipe_lost(struct core *core, uint32_t pipe);
void core_frame(struct core *core, struct exchange *exchange, uint32_t pipe, struct slice bytes);
/* io.tell_when_kept() was asked for this mark, or a later one, and it is so. */
void core_kept(struct core *core, uint64_t mark);
/* io.probe() has come to an end; `reason` is a static text. */
void core_probed(struct core *core, uint64_t id, enum health_outcome outcome, const char *reason);
/* Fires what is due, then gives every session what it can take. */
void core_finish(struct core *core);

/* Gives the store what the core would otherwise give it later: before an orderly end. False: the
 * store refuses. */
bool core_save(struct core *core);

/* Nothing is due before this (monotonic ns). May be early, never late. */
uint64_t core_next_due(const struct core *core);

/* New limits, and credentials verified under an old secret are forgotten. */
void core_reload(struct core *core, const struct limits *limits);
/* Stop taking calls and tell every peer; core_is_drained() once none is pending. */
void core_drain(struct core *core);
bool core_is_drained(const struct core *core);

/* For the simulator's promises and the tests. */
struct core_gauges {
    size_t sessions, calls, abandoned, in_flight, queued, services, subscriptions, feeds, pipes,
        identities;
};
void core_gauges(const struct core *core, struct core_gauges *out);

#endif
