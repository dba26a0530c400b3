/* taking_back.h - ending tokens that were given, by the broker's list of them (bus.tokens). */
#ifndef AUTH_TAKING_BACK_H
#define AUTH_TAKING_BACK_H

#include "auth.h"

/* Ends every token that the account was given until now, and moves its valid_from_s: tokens name
 * whole seconds, so those given from now on are of the next one, which may be still to come. Under
 * auth->lock, and the account is to be saved. False: nothing has changed, and the request was
 * answered. */
bool taking_back_all(struct auth *auth, struct account *account, fbx_request *request);
/* Ends the family that the ticket names, whatever its secret, on disk; `*ended` is what it was, or
 * zero. Its access tokens go on until taking_back_one(). */
void taking_back_family(struct auth *auth, const struct ticket *ticket, struct family *ended);
/* Ends the access tokens of one family. False: the broker would not, which was logged. */
bool taking_back_one(struct auth *auth, const struct family *family);

#endif
