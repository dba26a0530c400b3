/* resident.h - what a process holds in memory. */
#ifndef MEASURE_RESIDENT_H
#define MEASURE_RESIDENT_H

#include <sys/types.h>

/* In KiB. Fails the program rather than return. */
unsigned resident_kib(pid_t pid);

#endif
