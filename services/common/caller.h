/* caller.h - whoever makes a request, and what they may do to users. Borrows from the request's
 * context; finish it before the request is answered. */
#ifndef SERVICES_COMMON_CALLER_H
#define SERVICES_COMMON_CALLER_H

#include "common/authority.h"
#include "farebox.h"

struct caller {
    struct permission_list own;
    const char **room;
};

void caller_read(struct caller *caller, const fbx_context *context);
void caller_finish(struct caller *caller);

/* What may they do to that tenant's users? AUTHORITY_NONE: the request was refused. */
enum authority caller_authority(const struct caller *caller, fbx_request *request,
                                const char *tenant);

#endif
