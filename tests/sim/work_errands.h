/* work_errands.h - peers that administer: how they ask, and what they ask for. */
#ifndef SIM_WORK_ERRANDS_H
#define SIM_WORK_ERRANDS_H

#include "errands.h"
#include "wire/wire.h"

struct peer;
struct world;

/* Now and then, the more often the more it may. False: not now. */
bool work_errand(struct peer *peer);
void work_errand_replied(struct peer *peer, unsigned call, const struct wire_reply *reply);
/* Resets every breaker that was ever forced, until all of them are. */
void work_reset_all(struct world *world);
/* Everybody who calls looks at the configuration once more. */
void work_looks(struct world *world);

/* ---- for each kind ---- */

/* The errand that errand_ask() is about to make: enter it first, the answer may come at once. */
struct errand errand_next(const struct world *world);
struct asking {
    const char *service, *method;
    struct slice payload;
    bool forbidden;
};
void errand_ask(struct peer *peer, const struct asking *asking);

void work_config(struct peer *peer);
void work_look(struct peer *peer);
void work_credit(struct peer *peer);
void work_order(struct peer *peer);
/* What an answer says that was ok. */
void work_config_done(struct config_change *change, const struct wire_reply *reply);
void work_credit_done(struct credit_asked *credit, const struct wire_reply *reply);

#endif
