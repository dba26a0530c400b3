/* cors.h - pages of other origins (Fetch standard, CORS): those that were configured may use the
 * gateway, no others, and never with cookies. The loop thread's. */
#ifndef GATEWAY_CORS_H
#define GATEWAY_CORS_H

#include <stdbool.h>

struct exchange;

/* A browser's question before the request itself: answers it. */
bool cors_is_preflight(const struct exchange *exchange);
void cors_answer_preflight(struct exchange *exchange);
/* Adds what lets the page read the answer, if its origin may. */
void cors_grant(struct exchange *exchange);

#endif
