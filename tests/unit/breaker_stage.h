/* breaker_stage.h - breakers on a stage that open after few calls, and calls of "orders" that make
 * them. */
#ifndef TESTS_BREAKER_STAGE_H
#define TESTS_BREAKER_STAGE_H

#include "core_ask.h"

/* Between stage_init() and stage_start(). */
void stage_breakers(struct stage *stage);

extern uint64_t next_id; /* of whoever calls next */

/* Calls, has `host` answer that, and returns the outcome. */
enum status call_orders(struct actor *caller, struct actor *host, enum status answer);
void fail_orders(struct actor *caller, struct actor *host, unsigned times);
/* Without anybody to answer: the refusal by a breaker. */
struct wire_reply orders_refused(struct actor *caller);

#endif
