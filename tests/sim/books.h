/* books.h - what was done on the bus and what came of it, seen from outside. */
#ifndef SIM_BOOKS_H
#define SIM_BOOKS_H

#include "base/buf.h"
#include "cast.h"
#include "hoarded.h"
#include "wire/wire.h"

struct peer;

struct called {
    const struct peer *caller;
    uint32_t life;                   /* of the caller */
    const struct user *user, *actor; /* on whose behalf; the service that hands a context back */
    enum service_name service;
    enum method_name method;
    bool builtin;   /* asks the broker itself; no message, no echo */
    bool forbidden; /* must be refused */
    bool shaky;     /* may be refused: its credential may be out of date when it arrives */
    bool probe;     /* must succeed */
    bool idempotent, stream, one_shot;
    bool keyed;   /* has an idempotency key */
    unsigned key; /* the first call that had it; 0: none */
    size_t length;
    uint32_t timeout_ms, depth;
    unsigned parent;
    uint64_t made_at, id;
    unsigned made_in; /* the month */
    /* what came of it */
    unsigned served, outcomes, parts, served_in; /* the tenant whose service it was */
    bool cancelled;
    bool answered_again; /* with an answer that had been given to another with that key */
    size_t answer;       /* with a key: the length of what it was answered; 0: nothing */
    enum status status;
    struct keyed_answer { /* of the first call with a key: what any of them was answered first */
        size_t length;    /* 0: none of them was */
        uint32_t boot;
    } answers[2]; /* by the shared service; by the tenant's own */
    uint64_t served_at, ended_at;
    unsigned answered_in, ended_in; /* months, of a service's first answer and of the outcome */
    uint32_t served_timeout_ms;
};

struct published {
    const struct peer *publisher;
    unsigned tenant, topic;
    const char *named; /* the tenant it names; NULL: none */
    bool forbidden, marker;
    unsigned witnessed; /* times the broker has published it */
    uint32_t groups;    /* in which a member got it: bits */
};

enum { GROUPS = 2 }; /* names */
extern const char *const group_names[GROUPS + 1];

/* A subscription in one life of its owner. */
struct listening {
    const struct peer *peer;
    uint32_t life;
    unsigned tenant, pattern;
    unsigned group; /* 0: none */
    bool across, forbidden;
    bool accepted, ended;
    uint64_t id;
    /* the present session: what the broker has published up to here is accounted for */
    uint32_t session;
    bool pinned;
    uint64_t sequence;   /* of the newest delivery */
    uint64_t heard_at;   /* length of the broker's log when the acknowledgement came; 0: unknown */
    unsigned newest[32]; /* event of each publisher, by peer */
    unsigned markers;
    uint64_t delivered;
};

enum control_kind {
    CONTROL_REGISTER,
    CONTROL_DEREGISTER,
    CONTROL_LISTEN,
    CONTROL_UNLISTEN,
    CONTROL_PING,
    CONTROL_PUBLISH
};

struct control {
    enum control_kind kind;
    struct peer *peer;
    uint32_t life;
    unsigned what; /* service, listening or event */
    unsigned acknowledged;
    enum status status;
};

struct books { /* all numbered from 1 */
    struct called *calls;
    struct published *events;
    struct listening *listenings;
    struct control *controls;
    unsigned n_calls, n_events, n_listenings, n_controls;
    unsigned cap_calls, cap_events, cap_listenings, cap_controls;
    struct hoarded hoard[HOARD_MAX];
    unsigned n_hoarded;
    uint64_t deliveries;
};

/* Pointers into the books are good until the next addition of that kind. */
unsigned books_add_call(struct books *books, const struct called *called);
unsigned books_add_event(struct books *books, const struct published *published);
unsigned books_add_listening(struct books *books, const struct listening *listening);
unsigned books_add_control(struct books *books, const struct control *control);
/* The oldest one is forgotten when there are too many. */
struct hoarded *books_hoard(struct books *books);
void books_finish(struct books *books);
const struct hoarded *books_any_hoarded(const struct books *books,
                                        struct dice *dice); /* may be NULL */

#endif
