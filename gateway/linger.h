/* linger.h - connections that end while their client still sends. If they were closed, what it
 * sends would be answered by a reset, which may take from it what it has not yet read (RFC 9112,
 * 9.6). So they are only ended, and what comes is thrown away until the client closes, too, or a
 * few seconds have passed. The loop thread's; never blocks. */
#ifndef GATEWAY_LINGER_H
#define GATEWAY_LINGER_H

#include <stdint.h>

/* At a time; more are closed at once. */
#define LINGER_MOST 64u
#define LINGER_MS 5000u

struct lingering {
    /* Readable when a client has sent or closed. linger_run() must also be called now and then, or
     * nobody's time is ever up. */
    int epoll;
    struct {
        int fd;
        uint64_t until; /* mono ns; 0: nobody is here */
    } all[LINGER_MOST];
};

int linger_init(struct lingering *linger); /* negative errno */
void linger_finish(struct lingering *linger);
/* Nothing more is said there. The descriptor stays the caller's, to be closed right after. */
void linger_add(struct lingering *linger, int fd, uint64_t now);
/* Throws away what has come, and closes what is over. */
void linger_run(struct lingering *linger, uint64_t now);

#endif
