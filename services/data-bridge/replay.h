/* replay.h - bars published as events market.bar.<symbol> at a chosen speed, each
 * replay on a thread of its own so that none holds up another. Thread safe. */
#ifndef DATA_BRIDGE_REPLAY_H
#define DATA_BRIDGE_REPLAY_H

#include "bars.h"
#include "farebox.h"

#define REPLAY_SPEED_MAX 1e6
#define REPLAY_ID_SIZE 17u /* 16 hexadecimal digits and the terminator */

struct replays;

struct replays *replays_create(void);
/* Stops all replays and waits for their threads; new ones are refused. */
void replays_close(struct replays *replays);
void replays_destroy(struct replays *replays); /* closed; takes NULL */

struct replay_plan {
    const struct series *series; /* outlives the replays */
    struct bars_range range;
    double speed; /* bars a second; 0: as fast as possible */
};

/* Takes the request over: publishes under its context and answers it once the
 * broker has taken the first bar, or refused it. */
void replays_start(struct replays *replays, fbx_request *request, const struct replay_plan *plan);
/* False: that tenant has no such replay (any more). */
bool replays_stop(struct replays *replays, const char *tenant, const char *id);

#endif
