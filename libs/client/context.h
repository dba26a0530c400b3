/* context.h - contexts the broker sealed, parsed once and shared: those of a user come
 * back with every request. Tables are guarded by the bus's mutex, references are not. */
#ifndef CLIENT_CONTEXT_H
#define CLIENT_CONTEXT_H

#include "base/slice.h"
#include "client/farebox.h"

#define CONTEXTS_KEPT 1024u

struct contexts {
    fbx_context *slots[CONTEXTS_KEPT];
};

void contexts_finish(struct contexts *contexts);
/* A new reference to the context in these credential bytes; one without a word when
 * they are empty or make no sense. */
fbx_context *contexts_get(struct contexts *contexts, struct slice credential);
/* The credential bytes, to make a call under it. */
struct slice context_credential(const fbx_context *context);

#endif
