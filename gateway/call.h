/* call.h - requests that become calls. The loop thread's. */
#ifndef GATEWAY_CALL_H
#define GATEWAY_CALL_H

#include "base/slice.h"

#include <farebox.h>

struct exchange;

struct call {
    const char *service, *method;
    struct slice payload;     /* copied */
    const char *content_type; /* NULL: MessagePack */
    uint32_t timeout_ms;      /* 0: the client's, or the gateway's */
    bool idempotent;
    bool as_gateway; /* in the gateway's own name; else the client's, who must show a token */
    /* Makes something else of a reply that is ok. On a thread of the bus; NULL: as it is. */
    void (*on_ok)(struct exchange *exchange, const fbx_reply *reply);
};

/* POST /v1/call/{service}/{method}. */
void call_handle(struct exchange *exchange);
/* Makes a call; its reply becomes the answer. */
void call_begin(struct exchange *exchange, const struct call *call);

#endif
