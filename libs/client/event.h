/* event.h - what the engine said, noted under the bus's mutex to be told to the
 * application without it. */
#ifndef CLIENT_EVENT_H
#define CLIENT_EVENT_H

#include "client/farebox.h"
#include "wire/wire.h"

struct answer;
struct client_call;
struct subscription;

enum event_kind {
    EVENT_REPLY,
    EVENT_PART,
    EVENT_REQUEST,
    EVENT_CANCEL,
    EVENT_DELIVERY,
    EVENT_ANSWER,
    EVENT_STATE,
};

/* Slices borrow from the frame, which the drainer keeps until the callbacks have run. */
struct event {
    enum event_kind kind;
    union {
        struct client_call *call;
        fbx_request *request;
        struct subscription *subscription;
        struct answer *answer;
        bool connected;
    };
    fbx_context *context; /* of a delivery, or NULL */
    union {
        struct wire_reply reply;
        struct wire_part part;
        struct wire_delivery delivery;
    };
};

struct events {
    struct event *at;
    size_t count, cap;
};

/* Room for one more, uninitialised but for its kind. */
struct event *events_add(struct events *events, enum event_kind kind);
void events_finish(struct events *events);

/* Tells the application. Not locked, on an I/O thread. */
void event_run(fbx_bus *bus, const struct event *event);
/* Gives back what the event held. Locked. */
void event_release(fbx_bus *bus, const struct event *event);

#endif
