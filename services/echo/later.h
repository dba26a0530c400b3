/* later.h - requests that are answered later: one thread with timers. The
 * handler hands a request over and returns, so the I/O thread never blocks. Thread safe. */
#ifndef ECHO_LATER_H
#define ECHO_LATER_H

#include "farebox.h"

struct later;

/* NULL if no thread can be had. */
struct later *later_create(void);
/* Ends the thread and answers what is held, and whatever still comes, with `unavailable`. */
void later_close(struct later *later);
void later_destroy(struct later *later); /* closed; takes NULL */

/* Answers after that time (and at most 8 ms more), or as soon as it is cancelled. */
void later_sleep(struct later *later, fbx_request *request, uint64_t ms);
/* Sends the parts {"index": 0} and so on, then answers {"count": count}. */
void later_stream(struct later *later, fbx_request *request, uint64_t count);
/* For on_cancel: the request may be one that was answered a moment ago. */
void later_cancel(struct later *later, fbx_request *request);

#endif
