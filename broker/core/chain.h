/* chain.h - runs the filters over calls, and keeps their books. */
#ifndef CORE_CHAIN_H
#define CORE_CHAIN_H

#include "core/filter.h"

#define CHAIN_MAX 16u

struct chain_link {
    const struct filter *filter;
    uint64_t passed, refused, waited;
    uint64_t timed, timed_ns; /* a sample of the calls */
};

struct chain {
    struct chain_link links[CHAIN_MAX];
    unsigned n;
    uint64_t seen;
};

/* Leaves out the optional filters that `skipped` names. -EPROTO: a filter needs a fact that none
 * before it gives. */
int chain_start(struct core *core, const char *const *skipped, size_t n_skipped);
/* Is there an optional filter of that name? */
bool chain_may_skip(const char *name);
/* What a call is explained with, beside its request. */
struct rehearsal {
    struct slice token; /* says whose it is; empty: the identity is supposed */
    bool has_payload;   /* the request has the payload it would have */
};

/* What each filter would decide, in order, of a dry call: also of those behind the first that
 * refuses, as far as it can be said. A filter that has let it through or holds it may have said why
 * in the refusal's message; one that would answer it (call.replayed), with which status. */
void chain_explain(struct core *core, struct call *call,
                   void (*each)(void *arg, const struct filter *filter, enum verdict verdict,
                                const struct refusal *refusal),
                   void *arg);
/* Runs a new call from the first filter on. When all pass it, it has been sent to
 * its instance; otherwise it waits or has ended. */
void chain_request(struct core *core, struct call *call);
/* Goes on with the filter that said VERDICT_WAIT; with the last, which places it, if all had let it
 * through and its instance has vanished. Ends it if its time is up. */
void chain_resume(struct core *core, struct call *call);
/* Tells the filters that let it through. */
void chain_reply(struct core *core, struct call *call, const struct wire_reply *reply);

#endif
