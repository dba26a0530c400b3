/* issue.h - giving tokens to somebody who has proven who they are. */
#ifndef AUTH_ISSUE_H
#define AUTH_ISSUE_H

#include "auth.h"

/* Answers the request with a token, a refresh token and what the broker says of the bearer, or
 * with its refusal. `account` is as it was when the proof was looked at: if it has changed since
 * in what matters, nothing is given. `renewed` is the refresh token that was shown, and is no good
 * afterwards; NULL: a family begins. True: given. */
bool issue(struct auth *auth, fbx_request *request, const struct account *account,
           const struct ticket *renewed);

#endif
