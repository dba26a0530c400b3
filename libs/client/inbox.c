/* inbox.c - the ring between the transport's threads and the drainer. */
#include "client/inbox.h"

#include <stdlib.h>
#include <string.h>

void inbox_init(struct inbox *inbox)
{
    memset(inbox, 0, sizeof(*inbox));
    pthread_mutex_init(&inbox->mutex, NULL);
}

void inbox_finish(struct inbox *inbox)
{
    struct inbox_item item;
    while (inbox_take(inbox, &item))
        transport_message_free(item.message);
    pthread_mutex_destroy(&inbox->mutex);
}

static bool claim(struct inbox *inbox)
{
    bool first = !inbox->draining;
    inbox->draining = true;
    pthread_mutex_unlock(&inbox->mutex);
    return first;
}

bool inbox_put(struct inbox *inbox, struct inbox_item item)
{
    pthread_mutex_lock(&inbox->mutex);
    inbox->items[(inbox->first + inbox->count++) % INBOX_ROOM] = item;
    return claim(inbox);
}

bool inbox_wake(struct inbox *inbox)
{
    pthread_mutex_lock(&inbox->mutex);
    inbox->woken = true;
    return claim(inbox);
}

bool inbox_take(struct inbox *inbox, struct inbox_item *item)
{
    pthread_mutex_lock(&inbox->mutex);
    bool found = inbox->count > 0;
    if (found) {
        *item = inbox->items[inbox->first];
        inbox->first = (inbox->first + 1) % INBOX_ROOM;
        inbox->count--;
    }
    pthread_mutex_unlock(&inbox->mutex);
    return found;
}

bool inbox_leave(struct inbox *inbox)
{
    pthread_mutex_lock(&inbox->mutex);
    bool idle = inbox->count == 0 && !inbox->woken;
    inbox->woken = false;
    if (idle)
        inbox->draining = false;
    pthread_mutex_unlock(&inbox->mutex);
    return idle;
}
