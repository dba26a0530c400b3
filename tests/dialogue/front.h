/* front.h - the front door: a broker, its echo service, the gateway, and clients that speak HTTP.
 * One at a time. */
#ifndef DIALOGUE_FRONT_H
#define DIALOGUE_FRONT_H

#include "http.h"

struct front {
    struct place *place;
    struct process *gateway, *host;
    int port;
    char *ann;          /* the token of a user on trial: 100 calls a minute, 10 at once */
    char answer[65536]; /* the last one: headers and body */
};

extern struct front front;

/* For cmocka. */
int front_open(void **state);
int front_close(void **state);
/* The same with more flags for the gateway (NULL-terminated). */
void front_open_with(const char *const *flags);
void front_start_broker(void);

/* A request on a connection of its own; returns the status. */
int front_ask(const char *request, const char *token, const char *body);
/* The last answer holds that text, or the test fails. */
void front_says(const char *text);

#endif
