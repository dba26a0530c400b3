/* mailbox.h - exchanges that are answered, from the threads of the bus to the loop. Thread safe.
 * `fd` becomes readable when there is something; one write tells of all that gathers before it is
 * taken. */
#ifndef GATEWAY_MAILBOX_H
#define GATEWAY_MAILBOX_H

#include <pthread.h>

struct exchange;

struct mailbox {
    pthread_mutex_t mutex;
    struct exchange *first, **last;
    int fd;
};

int mailbox_init(struct mailbox *mailbox); /* negative errno */
void mailbox_finish(struct mailbox *mailbox);
void mailbox_post(struct mailbox *mailbox, struct exchange *exchange);
/* All of them in the order they came, linked by `next`; NULL if none. */
struct exchange *mailbox_take(struct mailbox *mailbox);

#endif
