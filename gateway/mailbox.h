/* mailbox.h - exchanges that have news, from the threads of the bus to the loop. Thread safe.
 * `fd` becomes readable when there is something; one write tells of all that gathers before it is
 * taken. */
#ifndef GATEWAY_MAILBOX_H
#define GATEWAY_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>

struct exchange;

struct mailbox {
    pthread_mutex_t mutex;
    struct exchange *first, **last;
    int fd;
};

int mailbox_init(struct mailbox *mailbox); /* negative errno */
void mailbox_finish(struct mailbox *mailbox);
/* Harmless when it is in there already. `last`: whoever posts lets go of it with this. */
void mailbox_post(struct mailbox *mailbox, struct exchange *exchange, bool last);
/* All of them, in the order they came, as a list by `taken`; `over`: whoever posted has let go.
 * They may be posted again meanwhile. */
struct exchange *mailbox_take(struct mailbox *mailbox);
/* Everything that was told so far is going to be taken. */
void mailbox_hush(struct mailbox *mailbox);

#endif
