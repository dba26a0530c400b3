/* replay.h - the last events of a stream, so that they can be told again. Pure; not thread safe. */
#ifndef GATEWAY_REPLAY_H
#define GATEWAY_REPLAY_H

#include "base/buf.h"

#define REPLAY_EVENTS 256u
#define REPLAY_BYTES_MAX (256u * 1024u)

struct replay {
    struct buf events[REPLAY_EVENTS]; /* event number n is at n % REPLAY_EVENTS */
    uint64_t first, next;             /* numbers: those from first on are here */
    size_t bytes;
};

void replay_init(struct replay *replay);
void replay_finish(struct replay *replay);
/* Takes the bytes over; what does not fit any more goes, the oldest first. */
void replay_put(struct replay *replay, struct buf *event);
/* Everything behind number `after` is still here. */
bool replay_has(const struct replay *replay, uint64_t after);
/* NULL: not here. */
const struct buf *replay_get(const struct replay *replay, uint64_t number);

#endif
