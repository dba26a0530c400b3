#include "whose.h"

#include "base/name.h"
#include "common/caller.h"

#include <stdio.h>
#include <string.h>

void whose_read(struct whose *whose, struct arguments *arguments, const fbx_request *request,
                bool named)
{
    const fbx_context *caller = fbx_request_context(request);
    *whose = (struct whose){0};
    (void)snprintf(whose->tenant, sizeof whose->tenant, "%s", fbx_context_tenant(caller));
    arguments_optional_text(arguments, "tenant", whose->tenant, sizeof whose->tenant);
    if (!name_valid_tenant(slice_of(whose->tenant)))
        arguments_refuse(arguments, "tenant: no tenant's name (" NAME_RULE ")");
    if (named) {
        arguments_text(arguments, "user", whose->user, sizeof whose->user);
    } else {
        (void)snprintf(whose->user, sizeof whose->user, "%s", fbx_context_user(caller));
        arguments_optional_text(arguments, "user", whose->user, sizeof whose->user);
    }
    if (!name_valid_user(slice_of(whose->user)))
        arguments_refuse(arguments, "user: no user's name (" NAME_USER_RULE ")");
}

bool whose_is_caller(const struct whose *whose, const fbx_request *request)
{
    const fbx_context *caller = fbx_request_context(request);
    return strcmp(whose->tenant, fbx_context_tenant(caller)) == 0 &&
           strcmp(whose->user, fbx_context_user(caller)) == 0;
}

bool whose_admits(const struct whose *whose, fbx_request *request)
{
    struct caller caller;
    if (whose_is_caller(whose, request))
        return true;
    caller_read(&caller, fbx_request_context(request));
    enum authority authority = caller_authority(&caller, request, whose->tenant);
    caller_finish(&caller);
    return authority != AUTHORITY_NONE;
}

void whose_write(const struct whose *whose, fbx_writer *w)
{
    fbx_write_map(w, 2);
    fbx_write_text(w, "tenant");
    fbx_write_text(w, whose->tenant);
    fbx_write_text(w, "user");
    fbx_write_text(w, whose->user);
}
