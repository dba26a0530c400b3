#include "mailbox.h"

#include "exchange.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int mailbox_init(struct mailbox *self)
{
    self->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (self->fd < 0)
        return -errno;
    pthread_mutex_init(&self->mutex, NULL);
    self->first = NULL;
    self->last = &self->first;
    return 0;
}

void mailbox_finish(struct mailbox *self)
{
    if (self->fd < 0)
        return;
    (void)close(self->fd);
    self->fd = -1;
    pthread_mutex_destroy(&self->mutex);
}

void mailbox_post(struct mailbox *self, struct exchange *exchange, bool last)
{
    const uint64_t one = 1;
    pthread_mutex_lock(&self->mutex);
    bool was_empty = !self->first;
    exchange->finished |= last;
    if (!exchange->posted) {
        exchange->posted = true;
        exchange->next = NULL;
        *self->last = exchange;
        self->last = &exchange->next;
    }
    pthread_mutex_unlock(&self->mutex);
    if (was_empty)
        (void)!write(self->fd, &one, sizeof one);
}

/* Under one lock, so that threads that go on posting and the loop do not wait for each other over
 * each exchange. */
struct exchange *mailbox_take(struct mailbox *self)
{
    pthread_mutex_lock(&self->mutex);
    struct exchange *taken = self->first;
    self->first = NULL;
    self->last = &self->first;
    for (struct exchange *exchange = taken; exchange; exchange = exchange->next) {
        exchange->posted = false;
        exchange->over = exchange->finished;
        exchange->taken = exchange->next;
    }
    pthread_mutex_unlock(&self->mutex);
    return taken;
}

void mailbox_hush(struct mailbox *self)
{
    uint64_t count;
    (void)!read(self->fd, &count, sizeof count);
}
