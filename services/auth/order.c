#include "order.h"

#include "base/name.h"
#include "common/arguments.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* ---- arguments ---- */

static bool is_known(const char *const *known, const char *key)
{
    for (; *known; known++)
        if (strcmp(*known, key) == 0)
            return true;
    return false;
}

static void read_permissions(struct order *order, struct arguments *arguments)
{
    fbx_value array = fbx_map_get(&arguments->map, "permissions");
    size_t used = 0;
    if (array.type == FBX_NONE || array.type == FBX_NIL)
        return;
    order->has_permissions = true;
    if (array.type != FBX_ARRAY || array.count > ACCOUNT_PERMISSIONS_MAX)
        arguments_refuse(arguments, "permissions: must be an array of at most %u texts",
                         ACCOUNT_PERMISSIONS_MAX);
    for (uint32_t i = 0; array.type == FBX_ARRAY && i < array.count; i++) {
        char *text = order->room + used;
        fbx_value value = fbx_at(&array, i);
        if (!fbx_as_text(&value, text, sizeof order->room - used) || !permission_is_valid(text)) {
            arguments_refuse(arguments, "permissions: number %u is none, or they are too long",
                             i + 1);
            return;
        }
        used += strlen(text) + 1;
        order->permissions[order->n_permissions++] = text;
    }
}

static void read_disabled(struct order *order, struct arguments *arguments)
{
    fbx_value value = fbx_map_get(&arguments->map, "disabled");
    order->has_disabled = value.type == FBX_BOOL;
    order->disabled = fbx_as_bool(&value, false);
    if (value.type != FBX_BOOL && value.type != FBX_NONE && value.type != FBX_NIL)
        arguments_refuse(arguments, "disabled: must be true or false");
}

static void read_arguments(struct order *order, struct arguments *arguments,
                           const char *const *known)
{
    arguments_optional_text(arguments, "tenant", order->tenant, sizeof order->tenant);
    if (is_known(known, "user")) {
        arguments_text(arguments, "user", order->user, sizeof order->user);
        if (!name_valid_user(slice_of(order->user)))
            arguments_refuse(arguments, "user: no user's name (" NAME_USER_RULE ")");
    }
    if (!name_valid_tenant(slice_of(order->tenant)))
        arguments_refuse(arguments, "tenant: no tenant's name (" NAME_RULE ")");
    arguments_optional_text(arguments, "password", order->password, sizeof order->password);
    if (order->password[0] && strlen(order->password) < PASSWORD_LEAST)
        arguments_refuse(arguments, "password: at least %u bytes", PASSWORD_LEAST);
    if (arguments->map.type == FBX_MAP) {
        read_permissions(order, arguments);
        read_disabled(order, arguments);
    }
}

/* ---- authority ---- */

bool order_read(struct order *order, fbx_request *request, const char *const *known)
{
    struct arguments arguments;
    const fbx_context *caller = fbx_request_context(request);
    *order = (struct order){0};
    (void)snprintf(order->tenant, sizeof order->tenant, "%s", fbx_context_tenant(caller));
    arguments_read(&arguments, request, known);
    read_arguments(order, &arguments, known);
    if (arguments_refused(&arguments, request))
        return false;
    caller_read(&order->caller, caller);
    order->authority = caller_authority(&order->caller, request, order->tenant);
    if (order->authority == AUTHORITY_NONE)
        order_finish(order);
    return order->authority != AUTHORITY_NONE;
}

void order_finish(struct order *order)
{
    caller_finish(&order->caller);
    sodium_memzero(order->password, sizeof order->password);
}

/* Otherwise whoever administers a tenant could make themselves, or take over, an operator. */
bool order_may_deal(const struct order *order, fbx_request *request, const char *const *texts,
                    size_t n)
{
    const struct permission_list theirs = {order->tenant, texts, n};
    if (order->authority == AUTHORITY_ALL || authority_covers(&order->caller.own, &theirs))
        return true;
    fbx_respond_status(request, FBX_PERMISSION_DENIED,
                       "these permissions are more than those of whoever asks");
    return false;
}
