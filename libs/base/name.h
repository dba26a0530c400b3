/* name.h - the grammar of names, topics and patterns. Pure.
 * A token matches [a-z0-9][a-z0-9_-]{0,62}. */
#ifndef BASE_NAME_H
#define BASE_NAME_H

#include "base/slice.h"

/* For refusals: what was wrong with a name. */
#define NAME_RULE "1 to 63 of a-z, 0-9, _ and -, not beginning with _ or -"
#define NAME_USER_RULE "1 to 128 printable characters without space, quote, \\ or /"
#define NAME_WHO_RULE \
    "tenant, user: not names (a tenant's: " NAME_RULE "; a user's: " NAME_USER_RULE ")"

#define NAME_TOPIC_TOKENS 16 /* most tokens in a topic or pattern */

/* One token: tenant, service, method, group. */
bool name_valid(struct slice name);
/* A service: a token, or a broker's own, "bus." and a token. */
bool name_valid_service(struct slice name);
/* The broker's own: "bus", and whatever begins with "bus.". Nobody else's service or tenant is
 * called that. */
bool name_reserved(struct slice name);
/* A tenant: a token that is not the broker's own. */
bool name_valid_tenant(struct slice name);
/* Users come from identity providers: 1 to 128 bytes of printable ASCII without
 * space, '"', '\\' or '/'. */
bool name_valid_user(struct slice name);
/* A request, as whoever makes it may call it: 1 to 64 bytes of printable ASCII without space and
 * '"'. */
#define NAME_REQUEST_MAX 64u
bool name_valid_request(struct slice name);
/* Tokens joined by dots, no wildcards. */
bool name_valid_topic(struct slice topic);
/* A topic in which any token may be '*' (one token) and the last may be '>' (one or more). */
bool name_valid_pattern(struct slice pattern);

/* Does the pattern match the topic? Both valid. */
bool pattern_matches(struct slice pattern, struct slice topic);
/* Does `outer` match everything that `inner` can match? Both valid patterns. */
bool pattern_covers(struct slice outer, struct slice inner);

#endif
