/* wait.h - where the main thread sleeps while the library's threads work: until woken,
 * interrupted, out of time, or left by whoever reads the output. */
#ifndef INSPECTOR_WAIT_H
#define INSPECTOR_WAIT_H

#include <stdint.h>

enum wait_end {
    WAIT_WOKEN,
    WAIT_TIMEOUT,
    WAIT_INTERRUPTED, /* SIGINT or SIGTERM; reported once, a second signal ends the process */
    WAIT_DEAF,        /* nobody reads standard output any more; reported again and again */
};

#define WAIT_FOR_EVER UINT64_MAX

/* From now on a signal wakes the sleeper instead of killing the process. Once is enough. */
void wait_arm(void);
/* Any thread; one waking is remembered. */
void wait_wake(void);
enum wait_end wait_ms(uint64_t ms);
/* The moment so many milliseconds from now; 0, which never comes, for WAIT_FOR_EVER. */
uint64_t wait_until(uint64_t ms);
/* How many milliseconds there are until then. */
uint64_t wait_left(uint64_t until);

#endif
