/* taking_back.h - ending tokens that were given, by the broker's list of them (bus.tokens). */
#ifndef AUTH_TAKING_BACK_H
#define AUTH_TAKING_BACK_H

#include "auth.h"

/* Ends every token that the account was given until now, and moves its valid_from_s: tokens name
 * whole seconds, so those given from now on are of the next one, which may be still to come. Under
 * auth->lock, and the account is to be saved. False: nothing has changed, and the request was
 * answered. */
bool taking_back_all(struct auth *auth, struct account *account, fbx_request *request);
/* Ends the family that the ticket names, whatever its secret; `*ended` is what it was, or zero. Its
 * access tokens go on until taking_back_one(). 0: none of that name is on disk now. Otherwise an
 * error of the store, which was logged: the family is there still, or again after a crash. */
int taking_back_family(struct auth *auth, const struct ticket *ticket, struct family *ended);
/* Both, for a refresh token that must not go on, and answers that it is no good, or that the store
 * is not. */
void taking_back_shown(struct auth *auth, const struct ticket *ticket, fbx_request *request);
/* Ends the access tokens of one family. False: the broker would not, which was logged. */
bool taking_back_one(struct auth *auth, const struct family *family);

#endif
