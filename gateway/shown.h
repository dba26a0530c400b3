/* shown.h - whom the broker has let see its counters. Only it can tell what a token is worth; while
 * it is away, whoever it said yes to not long ago still sees the gateway's own counters. Keeps
 * digests, no tokens, of the last few. Thread safe; never blocks for long. */
#ifndef GATEWAY_SHOWN_H
#define GATEWAY_SHOWN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHOWN_MAX 8u
#define SHOWN_FOR_S 3600u

struct shown_mark {
    uint8_t digest[32]; /* SHA-256 of the token */
};

struct shown {
    pthread_mutex_t lock;
    struct {
        struct shown_mark mark;
        uint64_t until; /* mono ns; 0: nobody */
    } list[SHOWN_MAX];
    size_t next;
};

#define SHOWN_NOBODY                      \
    {                                     \
        .lock = PTHREAD_MUTEX_INITIALIZER \
    }

struct shown_mark shown_mark_of(const char *token);
/* The broker said yes at `now`, in mono ns: that counts for SHOWN_FOR_S. */
void shown_add(struct shown *shown, const struct shown_mark *mark, uint64_t now);
bool shown_has(struct shown *shown, const struct shown_mark *mark, uint64_t now);

#endif
