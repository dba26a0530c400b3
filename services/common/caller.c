#include "common/caller.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

void caller_read(struct caller *caller, const fbx_context *context)
{
    size_t n = fbx_context_permissions(context);
    caller->room = mem_zalloc((n + 1) * sizeof *caller->room);
    for (size_t i = 0; i < n; i++)
        caller->room[i] = fbx_context_permission_at(context, i);
    caller->own = (struct permission_list){fbx_context_tenant(context), caller->room, n};
}

void caller_finish(struct caller *caller)
{
    mem_free(caller->room);
    *caller = (struct caller){0};
}

enum authority caller_authority(const struct caller *caller, fbx_request *request,
                                const char *tenant)
{
    char text[128];
    enum authority authority = authority_over(&caller->own, tenant);
    bool foreign = strcmp(caller->own.tenant, tenant) != 0;
    if (authority != AUTHORITY_NONE)
        return authority;
    (void)snprintf(text, sizeof text, "needs admin:%s/users", tenant);
    fbx_respond_status(request, foreign ? FBX_TENANT_MISMATCH : FBX_PERMISSION_DENIED, text);
    return AUTHORITY_NONE;
}
