/* inbox.h - exchanges that have ended, from the transport's threads to the one that
 * drains. Thread safe. Whoever puts the first thing in becomes the drainer; others
 * only put and go. */
#ifndef CLIENT_INBOX_H
#define CLIENT_INBOX_H

#include "client/transport.h"

#include <pthread.h>

#define INBOX_ROOM 16u /* exchanges there are, and then some */

struct inbox_item {
    unsigned exchange;
    struct transport_message *message; /* NULL: it failed */
};

struct inbox {
    pthread_mutex_t mutex;
    struct inbox_item items[INBOX_ROOM]; /* ring */
    unsigned first, count;
    bool draining;
    bool woken; /* there is something besides items */
};

void inbox_init(struct inbox *inbox);
void inbox_finish(struct inbox *inbox); /* frees messages never taken */
/* Is the caller to drain? */
bool inbox_put(struct inbox *inbox, struct inbox_item item);
/* The same, with nothing but the wish that someone drains. */
bool inbox_wake(struct inbox *inbox);
bool inbox_take(struct inbox *inbox, struct inbox_item *item);
/* The drainer sees nothing left to do: true if that is so and it may go. */
bool inbox_leave(struct inbox *inbox);

#endif
