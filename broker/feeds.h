/* feeds.h - PUB sockets for bus.feed: one a feed, on an unguessable ipc path that only
 * the broker's own user may open. Used from turns only, one thread at a time. */
#ifndef BROKER_FEEDS_H
#define BROKER_FEEDS_H

#include "base/slice.h"

struct feeds_door;

/* `dir` is made 0700 and must stay valid; leftovers of an earlier life are removed. NULL: no
 * thread to close sockets on. */
struct feeds_door *feeds_door_create(const char *dir);
void feeds_door_destroy(struct feeds_door *feeds); /* takes NULL */
/* Returns a handle, or 0, also while too many wait to be closed; `url` is only written on success.
 */
uint64_t feeds_door_open(struct feeds_door *feeds, char *url, size_t size);
/* One message: topic, a space, payload. Never blocks; a slow reader misses it. */
void feeds_door_send(struct feeds_door *feeds, uint64_t handle, struct slice topic,
                     struct slice payload);
/* The socket closes a little later, on another thread. */
void feeds_door_close(struct feeds_door *feeds, uint64_t handle);

#endif
