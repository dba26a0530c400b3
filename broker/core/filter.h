/* filter.h - one step of the chain every call goes through. A filter is one file
 * exporting one `const struct filter`; chain.c names them in order. It declares the
 * facts it needs and gives, and never includes another filter; what it remembers is
 * the core's or the call's. Counting, timing and the pairing of request with reply
 * are the chain's. */
#ifndef CORE_FILTER_H
#define CORE_FILTER_H

#include "core/call.h"

/* What is known about a call by the time a filter sees it. */
enum fact {
    FACT_DEADLINE = 1 << 0,
    FACT_IDENTITY = 1 << 1,
    FACT_SERVICE = 1 << 2,
    FACT_ENTITLED = 1 << 3,
};

enum verdict {
    VERDICT_PASS,
    VERDICT_REFUSE, /* with `refusal` filled in */
    VERDICT_WAIT,   /* the filter holds the call and will chain_resume() or call_end() it */
};

#define REFUSAL_DETAILS 5

struct refusal {
    enum status status;
    const char *message; /* for people; in the turn's arena or static; of dry calls see chain.h */
    struct wire_detail details[REFUSAL_DETAILS];
    size_t n_details;
    uint32_t retry_after_ms;
    bool lasts; /* trying again does not help, whatever the status says */
};

struct filter {
    const char *name;
    unsigned needs, gives; /* facts */
    bool optional;         /* the chain works without it, if the operator says so */
    enum verdict (*request)(struct core *core, struct call *call, struct refusal *refusal);
    /* For every call that request() let through, once, in reverse order. May be NULL. */
    void (*reply)(struct core *core, struct call *call, const struct wire_reply *reply);
};

/* Fills in a refusal. Returns VERDICT_REFUSE. */
enum verdict refuse(struct refusal *refusal, enum status status, const char *message);
/* The same for whoever answers with a status and says why. */
static inline enum status refuse_with(const char **why, enum status status, const char *text)
{
    *why = text;
    return status;
}
/* Never "tenant_id": gateways know by it that a service refuses and not the broker. */
void refusal_detail(struct refusal *refusal, const char *key, const char *value);

#endif
