/* scene.h - a broker, somebody who calls and somebody who serves, for tests of the SDK.
 * The services `scene` (on worker threads) and `io` (on the I/O thread) have the methods
 *   block    posts `entered`, waits for `leave`, returns the payload
 *   stream   100 parts "0" to "99", then "end"
 *   who      "tenant/user depth N in time"
 *   nest     what a nested call of `who` says
 *   refuse   overloaded, "no table", in 1500 ms, with details "table" and "menu"
 *   relay    what a nested call of `refuse` says
 *   persist  posts `entered`, then calls until its bus is closed
 * and any other method returns its payload. */
#ifndef DIALOGUE_SCENE_H
#define DIALOGUE_SCENE_H

#include "harness.h"

#include <semaphore.h>
#include <stdatomic.h>

extern const char *const scene_permissions[];

struct scene {
    struct place *place;
    fbx_bus *bus, *served; /* the caller's and the service's */
    sem_t entered, leave;
    atomic_uint running, most; /* of `block` */
    atomic_uint cancels;       /* requests cancelled; each posts `leave` */
};

/* For cmocka. */
int scene_open(void **state);
int scene_close(void **state);

/* Fails the test when it takes too long. */
void scene_await(sem_t *sem);

/* An asynchronous call and what became of it. */
struct scene_call {
    sem_t done;
    fbx_reply *reply; /* kept */
    uint64_t id;
};

void scene_call(struct scene *scene, struct scene_call *call, const char *method,
                const fbx_call_options *options);
/* Waits for its end and returns its status. */
int scene_outcome(struct scene_call *call);
void scene_call_finish(struct scene_call *call);

#endif
