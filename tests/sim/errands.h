/* errands.h - what administrators have asked of the broker, and what came of it: changes of
 * configuration, credits, orders to breakers. Each is a call in the books, too. */
#ifndef SIM_ERRANDS_H
#define SIM_ERRANDS_H

#include "cast.h"
#include "wire/status.h"

#include <stddef.h>

#define ERRANDS_MAX 160u /* of a kind, in a run */

enum errand_state {
    ERRAND_OPEN, /* not answered (yet) */
    ERRAND_DONE,
    ERRAND_REFUSED, /* it was surely not done */
    ERRAND_UNKNOWN, /* it may have been done, or be done yet */
};

struct errand {
    unsigned call; /* in books.calls */
    enum errand_state state;
    enum status status;
    uint64_t made_at, over_at;
    uint32_t made_in, over_in; /* boots of the broker */
};

/* Whose configuration: of a tenant, by its number, or everybody's. */
enum { EVERYBODY = TENANTS };
enum { CONFIG_KEYS = 2 };
extern const char *const config_keys[CONFIG_KEYS];

struct config_change {
    struct errand errand;
    unsigned scope, key;
    bool deletes, conditional;
    uint64_t expected; /* if conditional: the revision; 0: that there is none */
    uint64_t revision; /* once it is done */
};

struct config_look {
    struct errand errand;
    unsigned scope, key;
    bool inherits; /* everybody's counts where the tenant has none */
};

struct credit_asked {
    struct errand errand;
    unsigned id; /* which credit: the first that had the id */
    const struct user *user;
    enum service_name service;
    enum method_name method;
    uint64_t hour; /* Unix, of the row */
    uint64_t calls;
    uint64_t metered; /* at least, when it was asked for */
    uint64_t at_ms;   /* once it is given */
};

enum order_kind { ORDER_RESET, ORDER_OPEN, ORDER_CLOSE, ORDER_KINDS };

struct order {
    struct errand errand;
    enum order_kind kind;
    enum service_name service;
    unsigned owner;  /* the tenant whose service it is; INFRA: everybody's */
    unsigned tenant; /* whose breaker there; TENANTS: that of the service */
    bool shaky;      /* a broker was killed before it was on disk */
};

struct errands {
    struct config_change changes[ERRANDS_MAX];
    struct config_look looks[ERRANDS_MAX];
    struct credit_asked credits[ERRANDS_MAX];
    struct order orders[ERRANDS_MAX];
    unsigned n_changes, n_looks, n_credits, n_orders;
    unsigned resets_from; /* orders from here on are those at the end */
    uint32_t restored;    /* boot of the broker that was last seen to begin as it should */
};

/* By the number of the call; NULL: it is none. */
struct config_change *errands_change(struct errands *errands, unsigned call);
struct config_look *errands_look(struct errands *errands, unsigned call);
struct credit_asked *errands_credit(struct errands *errands, unsigned call);
struct order *errands_order(struct errands *errands, unsigned call);
/* Was it over before the other one was made? */
bool errand_precedes(const struct errand *errand, const struct errand *other);

/* "acme-canary 7": what the change of that number writes. */
#define CONFIG_TEXT_BYTES 32u
void config_text(char *out, const struct config_change *change);
/* The number of the change that wrote it. */
unsigned config_text_number(struct slice text);
/* "tenant.acme" or "global". */
#define CONFIG_SCOPE_BYTES 16u
void config_scope(char *out, unsigned scope);

#endif
