#include "common/outcome.h"

#include "farebox.h"

#include <string.h>

int outcome_named(const char *text, size_t len)
{
    int status = FBX_INTERNAL; /* the last one */
    for (; status >= 0; status--) {
        const char *known = fbx_status_text(status);
        if (strlen(known) == len && memcmp(known, text, len) == 0)
            break;
    }
    return status;
}

int outcome_of_refusal(const char *refusal, const char **message)
{
    const char *colon = strstr(refusal, ": ");
    int status = colon ? outcome_named(refusal, (size_t)(colon - refusal)) : -1;
    *message = status < 0 ? refusal : colon + 2;
    return status < 0 ? FBX_PERMISSION_DENIED : status;
}
