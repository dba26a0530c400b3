/* cookie.h - tokens in cookies, for pages of our own: scripts never see them. The loop thread's but
 * for what fills an answer. */
#ifndef GATEWAY_COOKIE_H
#define GATEWAY_COOKIE_H

#include "answer.h"

#include <stdbool.h>

struct exchange;

#define COOKIE_TOKEN "farebox_token"
#define COOKIE_REFRESH "farebox_refresh"

/* Was the request sent by a page of our own, or by no page at all? Cookies are set for no other. */
bool cookie_is_ours(const struct exchange *exchange);
/* The cookie's value, or NULL: also when another site's page may have sent it along. Borrowed while
 * the connection lives. */
const char *cookie_get(const struct exchange *exchange, const char *name);
/* `max_age_s` 0 takes it away. `value` is of the token alphabet: nothing in it needs quoting. */
void cookie_set(struct answer *answer, const char *name, const char *value, uint64_t max_age_s,
                bool secure);

#endif
