/* workers.h - requests that take long, on threads of their own: a bounded line and a few who work
 * it off. Thread safe. */
#ifndef AUTH_WORKERS_H
#define AUTH_WORKERS_H

#include "farebox.h"

#define WORKERS_MAX 16u

struct workers;

/* `run` answers the request; it may block. NULL if there are no threads to be had. */
struct workers *workers_create(unsigned threads, unsigned room,
                               void (*run)(void *arg, fbx_request *request), void *arg);
/* Answers what waits, and whatever still comes, with `unavailable`; waits for what runs. */
void workers_close(struct workers *workers);
void workers_destroy(struct workers *workers); /* closed; takes NULL */

/* Never blocks: if there is no room, answers `overloaded`. What was cancelled by the time its turn
 * comes is not run. */
void workers_take(struct workers *workers, fbx_request *request);

#endif
