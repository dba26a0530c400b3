/* mem.h - allocation that does not fail: when the system refuses memory the
 * process prints one line and aborts. Everything a client was promised is on
 * disk by then, so this is the crash the store is built for (and tested with),
 * and no path exists that nobody ever runs. Thread safe. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);              /* uninitialised */
void *mem_zalloc(size_t size);             /* zeroed */
void *mem_realloc(void *old, size_t size); /* like realloc */
char *mem_strdup(const char *text);
void *mem_dup(const void *data, size_t size);
void mem_free(void *ptr); /* takes NULL */

/* For programs whose frames come in bursts: what is freed stays with the process, up to 16 MiB, and
 * blocks up to 1 MiB come from it. A full frame is otherwise just large enough for malloc to map
 * and unmap pages of its own, each time. Call it first in main(). Does nothing without glibc. */
void mem_keep_bursts(void);

#endif
