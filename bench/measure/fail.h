/* fail.h - a load generator that cannot measure says why and leaves. */
#ifndef MEASURE_FAIL_H
#define MEASURE_FAIL_H

/* Prints one line on standard error and exits with EX_SOFTWARE, running atexit handlers. */
_Noreturn void fail_with(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
