/* problem.h - what went wrong, as application/problem+json (RFC 9457), with the stable code of
 * docs/status.md, and which request it was: as the answer's headers say already, or its client, or
 * else by a name made here. Fills an answer that has no body yet. Thread safe. */
#ifndef GATEWAY_PROBLEM_H
#define GATEWAY_PROBLEM_H

#include "answer.h"
#include "wire/status.h"

#include <farebox.h>

/* The refusal of a call: code, message, details, when to come back. */
void problem_of_reply(struct answer *answer, const fbx_reply *reply);
/* The same of a call in the gateway's own name: in its details and its message the broker may tell
 * the gateway's terms, which are nobody else's business. A refusal with a detail `tenant_id` is the
 * service's, of that tenant, and its terms are told; of other details none is. */
void problem_of_own(struct answer *answer, const fbx_reply *reply);
/* One of our own. */
void problem_of(struct answer *answer, enum status status, const char *detail);
/* What the SDK returned instead of beginning. */
void problem_of_error(struct answer *answer, int error);
/* One that the bus has no word for: 405, 415, 431 … */
void problem_of_http(struct answer *answer, unsigned http, const char *code, const char *detail);
/* What was still under way when the gateway's patience with it was over. */
void problem_of_stop(struct answer *answer);

#endif
