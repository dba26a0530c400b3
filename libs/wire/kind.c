/* kind.c - what envelopes are called, for people. */
#include "wire/wire.h"

static const char *const texts[] = {
    [WIRE_NONE] = "none",           [WIRE_HELLO] = "hello",
    [WIRE_WELCOME] = "welcome",     [WIRE_REQUEST] = "request",
    [WIRE_REPLY] = "reply",         [WIRE_PART] = "part",
    [WIRE_CANCEL] = "cancel",       [WIRE_PUBLISH] = "publish",
    [WIRE_DELIVERY] = "delivery",   [WIRE_ACKNOWLEDGE] = "acknowledge",
    [WIRE_SUBSCRIBE] = "subscribe", [WIRE_UNSUBSCRIBE] = "unsubscribe",
    [WIRE_REGISTER] = "register",   [WIRE_DEREGISTER] = "deregister",
    [WIRE_PING] = "ping",           [WIRE_DRAIN] = "drain",
    [WIRE_GOODBYE] = "goodbye",     [WIRE_ERROR] = "error",
};

const char *wire_kind_text(enum wire_kind kind)
{
    size_t n = sizeof(texts) / sizeof(texts[0]);
    return (size_t)kind < n && texts[kind] ? texts[kind] : "unknown";
}
