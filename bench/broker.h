/* broker.h - a fareboxd of our own: the one beside this program, on a fresh data folder. */
#ifndef BENCH_BROKER_H
#define BENCH_BROKER_H

#include <sys/types.h>

/* Starts it and waits for the line that says it is ready. transport: "ipc" or "tcp". `*url` and
 * `*token` (which may do everything within the tenant "bench") are freed with mem_free. Fails the
 * program rather than return. However this program ends, the broker and its folder go with it,
 * short of SIGKILL, which leaves the folder. One at a time. */
pid_t broker_start(const char *transport, char **url, char **token);
void broker_stop(void);

/* The tier "limited" of that broker; "bench" is never refused. */
#define BROKER_LIMITED_PER_MINUTE 6000u
#define BROKER_LIMITED_BURST 100u
/* A token of the broker that runs, for that user of the tenant. Freed with mem_free. */
char *broker_token(const char *tenant, const char *user, const char *tier);

#endif
