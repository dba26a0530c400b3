/* reply.h - a reply of the bus as an answer: headers and body. Pure. */
#ifndef GATEWAY_REPLY_H
#define GATEWAY_REPLY_H

#include "answer.h"

#include <farebox.h>
#include <jansson.h>

/* Which request it was, for whom, and what is left of their limits now. */
void reply_headers(struct answer *answer, const fbx_reply *reply, uint64_t unix_s);
/* The same of a call in the gateway's own name: limits are the gateway's, and so is the tenant.
 * Whom a login is for it says in a `context`. */
void reply_headers_own(struct answer *answer, const fbx_reply *reply);
/* Seconds until the next month of UTC begins, when quotas begin anew. */
uint64_t reply_month_left_s(uint64_t unix_s);
/* Status and body: MessagePack as JSON, other payloads as they are, refusals as problems. */
void reply_write(struct answer *answer, const fbx_reply *reply);
/* The same of a call in the gateway's own name. */
void reply_write_own(struct answer *answer, const fbx_reply *reply);
/* The same for where only JSON will do: other payloads become a text of base64. */
void reply_write_json(struct answer *answer, const fbx_reply *reply);
/* What it says, to be read here; json_decref() it. NULL: it is no MessagePack, or says nothing that
 * JSON can. */
json_t *reply_json(const fbx_reply *reply);

#endif
