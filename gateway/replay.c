#include "replay.h"

void replay_init(struct replay *self)
{
    memset(self, 0, sizeof *self);
    self->first = self->next = 1;
}

static struct buf *at(struct replay *self, uint64_t number)
{
    return &self->events[number % REPLAY_EVENTS];
}

static void drop_oldest(struct replay *self)
{
    struct buf *oldest = at(self, self->first++);
    self->bytes -= oldest->len;
    buf_finish(oldest);
}

void replay_finish(struct replay *self)
{
    while (self->first < self->next)
        drop_oldest(self);
}

void replay_put(struct replay *self, struct buf *event)
{
    if (self->next - self->first == REPLAY_EVENTS)
        drop_oldest(self);
    self->bytes += event->len;
    *at(self, self->next++) = *event;
    *event = (struct buf){0};
    while (self->bytes > REPLAY_BYTES_MAX && self->first < self->next)
        drop_oldest(self);
}

bool replay_has(const struct replay *self, uint64_t after)
{
    return after < self->next && after + 1 >= self->first;
}

const struct buf *replay_get(const struct replay *self, uint64_t number)
{
    return number >= self->first && number < self->next ? &self->events[number % REPLAY_EVENTS]
                                                        : NULL;
}
