/* order.h - what an administrator asks for: whose account, and what of it. */
#ifndef AUTH_ORDER_H
#define AUTH_ORDER_H

#include "auth.h"
#include "common/caller.h"

struct order {
    char tenant[TENANT_SIZE], user[USER_SIZE], password[PASSWORD_SIZE];
    bool has_permissions, has_disabled, disabled;
    const char *permissions[ACCOUNT_PERMISSIONS_MAX];
    size_t n_permissions;
    char room[ACCOUNT_PERMISSIONS_BYTES + ACCOUNT_PERMISSIONS_MAX];
    enum authority authority; /* of whoever asks, over the tenant; not none */
    struct caller caller;
};

/* `known`: the arguments of the method. Without a tenant it is the caller's. False: there is
 * nothing to finish, and the request was answered: bad arguments, or no authority. */
bool order_read(struct order *order, fbx_request *request, const char *const *known);
void order_finish(struct order *order); /* wipes it */

/* May they give and take away these permissions? False: answered. */
bool order_may_deal(const struct order *order, fbx_request *request, const char *const *texts,
                    size_t n);

#endif
