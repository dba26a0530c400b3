/* gateway.h - what the gateway's parts share. One thread runs it all (the loop in loop.c) but for
 * the callbacks of the bus, which only fill an exchange and post it to the mailbox. */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "mailbox.h"
#include "settings.h"
#include "shown.h"
#include "traffic.h"

#include <farebox.h>
#include <stdatomic.h>

struct access_log;
struct routes;
struct subscribers;

struct gateway {
    int argc; /* the command line, for a reload */
    char **argv;
    struct gateway_settings settings;
    struct routes *routes; /* in force */
    struct subscribers *subscribers;
    struct access_log *access_log;
    struct traffic traffic;
    struct shown shown; /* for metrics.h */
    fbx_bus *bus;
    struct mailbox mailbox;
    atomic_bool connected; /* to the broker; written by the bus's callbacks */
    atomic_bool leaving;   /* the bus, of its own accord */
    size_t bodies;         /* bytes kept, see bodies.h */
    bool draining;
};

/* Do browsers reach it over HTTPS only? */
static inline bool gateway_is_secure(const struct gateway *gateway)
{
    return gateway->settings.secure_cookies || *gateway->settings.tls_cert_file;
}

#endif
