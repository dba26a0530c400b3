/* observer.h - those who watch the run and hold it to the promises: one file, one
 * `const struct observer`, in the table of observer.c. They change nothing. */
#ifndef SIM_OBSERVER_H
#define SIM_OBSERVER_H

#include "wire/wire.h"

struct world;
struct peer;
struct called;
struct listening;
struct control;
struct witnessed;
struct feed_model;

/* A request as it reached a service. */
struct serving {
    struct called *called; /* NULL: not one of ours (a hostile's) */
    unsigned number;
    const struct wire_request *request;
    const Farebox__V1__Context *context;
};

/* Any function may be missing. */
struct observer {
    void (*served)(struct world *world, struct peer *peer, const struct serving *serving);
    void (*answered)(struct world *world, struct peer *peer, unsigned number,
                     const struct wire_reply *reply);
    void (*part)(struct world *world, struct peer *peer, unsigned number,
                 const struct wire_part *part);
    void (*acknowledged)(struct world *world, struct control *control, enum status status);
    /* In the broker's own order. */
    void (*published)(struct world *world, const struct witnessed *entry, struct slice payload);
    void (*delivered)(struct world *world, struct peer *peer, struct listening *listening,
                      const struct wire_delivery *delivery);
    void (*fed)(struct world *world, struct feed_model *feed, struct slice payload);
    /* Bytes that reached a peer. */
    void (*frame)(struct world *world, struct peer *peer, struct slice frame);
    void (*turn)(struct world *world);
    void (*destroyed)(struct world *world); /* the core, by kill */
    void (*over)(struct world *world);      /* all is quiet; the core is still there */
};

extern const struct observer observer_limits, observer_calls, observer_tenancy, observer_events,
    observer_rest, observer_sights, observer_meter, observer_breakers, observer_keys, observer_fair,
    observer_config, observer_credits, observer_orders, observer_quota;

void observe_served(struct world *world, struct peer *peer, const struct serving *serving);
void observe_answered(struct world *world, struct peer *peer, unsigned number,
                      const struct wire_reply *reply);
void observe_part(struct world *world, struct peer *peer, unsigned number,
                  const struct wire_part *part);
void observe_acknowledged(struct world *world, struct control *control, enum status status);
void observe_published(struct world *world, const struct witnessed *entry, struct slice payload);
void observe_delivered(struct world *world, struct peer *peer, struct listening *listening,
                       const struct wire_delivery *delivery);
void observe_fed(struct world *world, struct feed_model *feed, struct slice payload);
void observe_frame(struct world *world, struct peer *peer, struct slice frame);
void observe_turn(struct world *world);
void observe_destroyed(struct world *world);
void observe_over(struct world *world);

#endif
