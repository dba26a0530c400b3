/* hoarded.h - contexts that somebody keeps for later. */
#ifndef SIM_HOARDED_H
#define SIM_HOARDED_H

#include "base/buf.h"
#include "cast.h"

struct peer;

#define HOARD_MAX 128u

/* A sealed context that came with a request or an event, and was kept. */
struct hoarded {
    const struct peer *holder;
    const struct user *user;
    enum service_name service;
    bool owned; /* issued to a tenant's own service */
    bool event; /* issued to a user with an event; else to a service with a request */
    unsigned tenant;
    uint32_t depth, boot;
    uint64_t expires_ms;
    struct buf credential;
};

#endif
