/* serve.h - services of the application and the requests it holds. */
#ifndef CLIENT_SERVE_H
#define CLIENT_SERVE_H

#include "client/bus.h"

#include <stdatomic.h>

#define REQUEST_SPACE 640u /* bytes of texts and payload a request holds without allocating */
#define REQUESTS_KEPT 256u /* free ones */

struct service {
    struct list node;
    char *name, *tenant;
    unsigned refs; /* the table's, and its requests' */
    bool on_io_thread;
    fbx_handler handler;
    void *arg;
    void (*on_cancel)(void *arg, fbx_request *request);
    fbx_health (*on_health)(void *arg);
};

struct fbx_request {
    fbx_bus *bus;
    struct service *service;
    fbx_context *context;
    uint64_t id;
    uint32_t session;
    uint32_t parts;
    uint64_t deadline;  /* ns; 0: none */
    struct list held;   /* in bus.requests */
    struct list queued; /* in pool.queue */
    unsigned refs;      /* the application's, and events' */
    atomic_bool answered;
    bool stream;
    bool check; /* the broker asks how the service is */
    atomic_bool cancelled;
    const char *method, *content_type, *request_id, *traceparent, *tracestate, *idempotency_key;
    fbx_bytes payload;
    uint8_t *spill; /* for what does not fit into the space, or NULL */
    uint8_t space[REQUEST_SPACE];
};

/* Locked. Finds the service, copies the request; NULL when none of that name is served. */
fbx_request *request_take(fbx_bus *bus, uint64_t id, const struct wire_request *wire,
                          struct slice credential);
/* On the I/O thread: the service's handler, or its word about its health. */
void request_run(fbx_request *request);
void request_unref(fbx_bus *bus, fbx_request *request);
fbx_request *request_find(const fbx_bus *bus, uint64_t id);
/* Its caller has given up. If its handler has not been started it never will be. */
void request_cancel(fbx_bus *bus, fbx_request *request);
/* All of them: the session that wanted them answered is no more. */
void requests_void(fbx_bus *bus);
void requests_free(fbx_bus *bus);
/* Milliseconds left, at least 1; UINT32_MAX when it has no deadline. */
uint32_t request_left_ms(const fbx_request *request);
/* Blocks until every request whose deadline is not over has been answered, or the limit has
 * passed: false. Locked. */
bool requests_await(fbx_bus *bus, uint64_t limit);

void service_unref(struct service *service); /* locked */
void services_deregister(fbx_bus *bus);      /* locked */
void services_free(fbx_bus *bus);

struct subscription {
    uint64_t id;
    fbx_on_event on_event;
    fbx_on_answer on_over;
    void *arg;
    unsigned refs;
    bool over;          /* the broker has it no more; its last callback is still to come */
    atomic_bool closed; /* nothing of it is told any more */
};

void subscription_tell(fbx_bus *bus, const struct event *event);
void subscription_unref(struct subscription *subscription); /* locked */
/* Nothing more is told of it, and it is forgotten. Locked. */
void subscription_drop(fbx_bus *bus, struct subscription *subscription);
/* Notes its last callback. Locked. */
void subscription_over(fbx_bus *bus, uint64_t id, enum status status, const char *message);
void subscriptions_free(fbx_bus *bus);

#endif
