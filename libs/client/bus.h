/* bus.h - what the SDK's files share: the bus, its lock, and its I/O threads.
 *
 * One mutex guards the engine and all tables. Upcalls of the engine happen under it
 * and only note events; whoever drains then runs the application's callbacks
 * without it, one event after the other, and takes it again. So a callback may call
 * anything, and an application may call us under its own locks. */
#ifndef CLIENT_BUS_H
#define CLIENT_BUS_H

#include "base/arena.h"
#include "base/list.h"
#include "client/context.h"
#include "client/engine.h"
#include "client/event.h"
#include "client/farebox.h"
#include "client/inbox.h"
#include "client/transport.h"

#include <pthread.h>

#define TEXT_BYTES_MAX 4096u  /* of any name or header an application gives */
#define TOKEN_BYTES_MAX 8192u /* what the wire allows in a credential */
#define DEFAULT_CONTENT_TYPE "application/msgpack"

struct pool {
    pthread_cond_t work;
    struct list queue; /* fbx_request.queued */
    pthread_t *threads;
    unsigned limit, started, idle;
    unsigned called; /* of the idle ones, signalled but not yet awake */
    bool stopping;
};

struct fbx_bus {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* state, answers to controls, requests answered */
    pthread_cond_t room;    /* the outbox has shrunk */
    unsigned waiting_for_room;

    struct engine *engine; /* NULL once closed, while requests are still held */
    struct transport *transport;
    struct inbox inbox;
    struct events events; /* noted, not yet run */
    struct events running;
    uint64_t batch;       /* counts the runs of callbacks; odd while one is under way */
    struct arena texts;   /* of the callbacks running */
    struct arena scratch; /* of one API call */
    struct contexts contexts;

    enum engine_state state;
    char *why;
    bool was_up;             /* there has been a connection */
    const char *unreachable; /* why there never will be one, or NULL */
    bool connected;          /* as the application was told last */
    bool closing;            /* no new services and subscriptions */
    uint32_t session;        /* counts sessions: requests of older ones are void */

    struct list services;
    struct map subscriptions;
    struct list requests; /* held by the application */
    struct list free_requests;
    unsigned n_requests, n_free_requests;
    unsigned awaiting; /* threads that wait for requests to be answered */
    struct client_call *free_calls;
    struct pool pool;

    struct list ticking; /* the ticker's */
    uint32_t connect_timeout_ms, default_timeout_ms;
    size_t outbox_bytes;
    void (*on_state)(void *arg, bool connected);
    void *on_state_arg;
};

/* bus.c */
void bus_lock(fbx_bus *bus);
void bus_unlock(fbx_bus *bus);
/* Unlocks; what the engine noted meanwhile is run soon, on an I/O thread. */
void bus_unlock_noted(fbx_bus *bus);
/* Waits on `changed` until then; false when it has passed. */
bool bus_wait(fbx_bus *bus, pthread_cond_t *cond, uint64_t until_ns);
/* Is the outbox over its bound? */
bool bus_is_full(const fbx_bus *bus);
/* Is there some now? FBX_EWOULDBLOCK, FBX_ECLOSED. */
int bus_has_room(const fbx_bus *bus);
/* Waits for room. FBX_EWOULDBLOCK on an I/O thread, FBX_ECLOSED. */
int bus_await_room(fbx_bus *bus);
/* Frees what is left of a closed bus when nothing refers to it any more. Unlocks. */
void bus_release(fbx_bus *bus);

/* drain.c */
bool bus_on_io_thread(void);
/* Cached while callbacks run: their time of day is the time of their batch. */
uint64_t bus_now(void);
/* Feeds the engine what has come and runs callbacks, unless another thread does. */
void bus_drain(fbx_bus *bus);
/* No callback that was under way or noted when this was called still is. Locked. */
void bus_settle(fbx_bus *bus);
extern const struct transport_events bus_transport_events;

/* upcalls.c */
struct engine_upcalls bus_upcalls(fbx_bus *bus);

/* text.c */
void text_set_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A text an application gave, NULL read as empty; false when it is too long or not UTF-8: the
 * broker takes a frame with such a text for none, and ends the session. */
bool text_take(struct slice *out, const char *text);
bool text_is_sound(const char *text);    /* would be taken */
struct slice text_cut(const char *text); /* as much of it as would be */

/* pool.c */
void pool_init(struct pool *pool, unsigned limit);
void pool_put(fbx_bus *bus, fbx_request *request); /* locked */
void pool_stop(fbx_bus *bus);                      /* not locked */

#endif
