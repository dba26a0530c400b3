/* crew.h - people at work while processes are killed: each a process of its own, forked, that
 * counts in shared memory what it did, so that the counts outlive it. Whoever makes a crew
 * must not use the bus itself until it is dismissed: it forks. */
#ifndef DIALOGUE_CREW_H
#define DIALOGUE_CREW_H

#include "harness.h"

#include <stdatomic.h>

#define CREW_CLIENTS 4u

/* What is known of one user. */
struct crew_tally {
    _Atomic uint64_t received; /* replies that were ok */
    _Atomic uint64_t served;   /* that were about to be given, whether they arrived or not */
    _Atomic uint64_t started;  /* calls */
    atomic_uint in_flight;
};

struct crew {
    struct place *place;
    struct crew_tally *tallies; /* shared; by client */
    atomic_bool *paused;        /* shared: client 0 begins nothing */
    pid_t clients[CREW_CLIENTS];
    pid_t server;
};

/* "client-0" and so on, of the tenant "acme". */
void crew_name(unsigned client, char name[16]);

/* The broker has to run. */
struct crew *crew_create(struct place *place);
/* Ends everybody where they are; the counts stay. */
void crew_stop(struct crew *crew);
void crew_destroy(struct crew *crew);
/* kill -9, and another takes its place. */
void crew_replace_client(struct crew *crew, unsigned client);
void crew_replace_server(struct crew *crew);

/* Waits until each client has received so many replies more. */
void crew_work(const struct crew *crew, uint64_t replies);
/* Client 0 rests: on return it has nothing in flight. */
void crew_pause(struct crew *crew);
void crew_resume(struct crew *crew);

#endif
