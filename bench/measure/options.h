/* options.h - what a load generator can be told: the same words for Farebox and for its
 * peers, from one table. */
#ifndef MEASURE_OPTIONS_H
#define MEASURE_OPTIONS_H

#include <sys/types.h>

#define OPTIONS_SIZE_MIN 16u /* room for a time stamp and a header */
#define OPTIONS_SUBS_MAX 1024u
#define OPTIONS_SESSIONS_MAX 16384u

/* Who understands an option. */
enum options_group {
    OPTIONS_LOAD = 1,   /* every generator */
    OPTIONS_FANOUT = 2, /* publish/subscribe */
    OPTIONS_BUS = 4,    /* Farebox */
    OPTIONS_PEER = 8    /* the peers */
};

struct bench_options {
    const char *url;        /* NULL: none given */
    const char *transport;  /* of a broker of our own: "ipc" or "tcp" */
    const char *token_file; /* NULL: a token is minted */
    const char *service;    /* NULL: an echo service of our own */
    const char *method;
    const char *mode;  /* variant of a peer's client; "" by default */
    const char *label; /* replaces the peer's name in the report; NULL: does not */
    const char *user, *password, *service_user; /* NULL: no login */
    unsigned size;                              /* bytes of a body */
    unsigned window;   /* requests in flight a session, or messages unseen by the slowest */
    unsigned sessions; /* sessions or connections that call */
    unsigned subs;     /* subscribers */
    double seconds;    /* measured */
    double warm;       /* under load before that */
    pid_t broker_pid;  /* whose CPU time is the broker's; 0: unknown */
};

/* Sets the defaults. */
void options_init(struct bench_options *options);
/* Reads the long options of the `accepted` groups. --help prints `usage` and the options and
 * exits 0; anything wrong exits with EX_USAGE. Texts point into argv. */
void options_parse(struct bench_options *options, int argc, char **argv, unsigned accepted,
                   const char *usage);

#endif
