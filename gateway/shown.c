#include "shown.h"

#include "base/clock.h"

#include <gnutls/crypto.h>
#include <string.h>

struct shown_mark shown_mark_of(const char *token)
{
    struct shown_mark mark = {{0}};
    (void)gnutls_hash_fast(GNUTLS_DIG_SHA256, token, strlen(token), mark.digest);
    return mark;
}

/* SHOWN_MAX: nowhere. */
static size_t find(const struct shown *self, const struct shown_mark *mark)
{
    size_t i = 0;
    while (i < SHOWN_MAX &&
           (self->list[i].until == 0 || memcmp(&self->list[i].mark, mark, sizeof *mark) != 0))
        i++;
    return i;
}

void shown_add(struct shown *self, const struct shown_mark *mark, uint64_t now)
{
    pthread_mutex_lock(&self->lock);
    size_t at = find(self, mark);
    if (at == SHOWN_MAX) {
        at = self->next;
        self->next = (self->next + 1) % SHOWN_MAX;
        self->list[at].mark = *mark;
    }
    self->list[at].until = now + SHOWN_FOR_S * NS_PER_SEC;
    pthread_mutex_unlock(&self->lock);
}

bool shown_has(struct shown *self, const struct shown_mark *mark, uint64_t now)
{
    pthread_mutex_lock(&self->lock);
    size_t at = find(self, mark);
    bool has = at < SHOWN_MAX && now < self->list[at].until;
    pthread_mutex_unlock(&self->lock);
    return has;
}
