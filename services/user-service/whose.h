/* whose.h - which user a request is about. */
#ifndef USER_SERVICE_WHOSE_H
#define USER_SERVICE_WHOSE_H

#include "common/arguments.h"
#include "common/names.h"

struct whose {
    char tenant[TENANT_SIZE], user[USER_SIZE];
};

/* The arguments `tenant` and `user`; what is not said is the caller's, but for a user who is
 * `named`. */
void whose_read(struct whose *whose, struct arguments *arguments, const fbx_request *request,
                bool named);
bool whose_is_caller(const struct whose *whose, const fbx_request *request);
/* May the caller deal with that user: themselves, or one they administer? False: answered. */
bool whose_admits(const struct whose *whose, fbx_request *request);
/* As a map of arguments. */
void whose_write(const struct whose *whose, fbx_writer *w);

#endif
