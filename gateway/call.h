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
    /* Of a reply that is not ok: true if it has called again, whose reply is the answer instead. On
     * a thread of the bus; NULL: it has not. */
    bool (*on_refused)(struct exchange *exchange, const fbx_reply *reply);
};

/* POST /v1/call/{service}/{method}. */
void call_handle(struct exchange *exchange);
/* Makes a call; its reply becomes the answer. */
void call_begin(struct exchange *exchange, const struct call *call);
/* For on_refused: a method of the same service is called with the exchange's `again`, in the
 * gateway's own name, and whether the client stays or not. False: it is not. */
bool call_again(struct exchange *exchange, const char *service, const char *method);

#endif
