/* threads.h - how many threads nng runs the ends of operations on: one. (What it says of
 * connections comes on others.)
 *
 * For our own programs, whose callbacks never wait and all hand frames to one engine or one core
 * behind one lock: of two threads each wakes the other while it holds what that one needs next
 * (measured: docs/benchmarks.md). */
#ifndef SHIM_THREADS_H
#define SHIM_THREADS_H

/* Before anything else is asked of nng, and once signals are blocked: its threads would take them.
 * A second call changes nothing. Not thread safe.
 * From then on a callback that blocks keeps all others waiting. */
void threads_leave_one(void);
/* Nothing if that was not called, else nng_fini(); waits for the threads, which may still free
 * connections. */
void threads_end(void);

#endif
