/* call.h - calls of the application. */
#ifndef CLIENT_CALL_H
#define CLIENT_CALL_H

#include "client/bus.h"

#include <semaphore.h>

/* A call that blocks its caller. */
struct caller {
    sem_t answered;
    fbx_reply *reply;
};

struct client_call {
    fbx_on_reply on_reply;
    fbx_on_terms on_terms;
    void (*on_part)(void *arg, fbx_bytes part, uint32_t index);
    void *arg;
    struct caller *caller; /* or NULL */
    struct client_call *next_free;
};

void call_tell_reply(fbx_bus *bus, const struct client_call *call, const struct wire_reply *reply);
void call_tell_part(fbx_bus *bus, const struct client_call *call, const struct wire_part *part);
void call_release(fbx_bus *bus, struct client_call *call); /* locked */
void calls_free(fbx_bus *bus);

/* On whose behalf: credential bytes, in the bus's scratch arena or borrowed. Locked. */
int call_credential(fbx_bus *bus, const fbx_request *parent, const fbx_context *context,
                    const char *token, struct slice *out);

/* A view of a reply for the length of a callback; texts are made in the arena on demand. */
struct fbx_reply {
    struct wire_reply wire;
    struct arena *texts; /* NULL: retained, and every text is terminated */
    const char *content_type, *message, *request_id, *tenant, *tier; /* once made */
};

#endif
