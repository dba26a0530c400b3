/* issue.h - giving tokens to somebody who has proven who they are. */
#ifndef AUTH_ISSUE_H
#define AUTH_ISSUE_H

#include "auth.h"

/* Answers the request with a token, a refresh token and what the broker says of the bearer, or
 * with its refusal. `account` is as it was when the proof was looked at: if it has changed since
 * in what matters, nothing is given. `renewed` is the refresh token that was shown, and is no good
 * afterwards; NULL: a family begins. All tokens of a family have one id (jti), by which
 * they are taken back together: if that was done at the broker, the family ends here too. True:
 * given. */
bool issue(struct auth *auth, fbx_request *request, struct account *account,
           const struct ticket *renewed);

#endif
