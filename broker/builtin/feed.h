/* feed.h - bus.feed: PUB endpoints for plain nng subscribers. A PUB socket shows
 * everything to whoever reaches it, so each feed has a socket of its own on an unguessable
 * private path, and carries only what its opener may see. */
#ifndef BUILTIN_FEED_H
#define BUILTIN_FEED_H

#include <stddef.h>

struct core;
struct feeds;
struct session;

struct feeds *feeds_create(void);
void feeds_destroy(struct core *core);
size_t feeds_count(const struct core *core);
/* Closes the feeds it opened. */
void feeds_session_ended(struct core *core, const struct session *session);

/* Closes those whose token was revoked. */
void feeds_revoked(struct core *core);

#endif
