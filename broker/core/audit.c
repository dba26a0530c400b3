#include "core/audit.h"

#include "base/log.h"
#include "core/state.h"

#include <stdio.h>

#define NUMBER_BYTES 16

/* Is there room for another line? `left_out` receives how many there were no room for, as text, or
 * "". */
static bool admit(struct core *core, char left_out[NUMBER_BYTES])
{
    struct audit *audit = &core->audit;
    uint64_t second = core->now.mono_ns / NS_PER_SEC;
    left_out[0] = '\0';
    if (audit->second != second) {
        audit->second = second;
        audit->lines = 0;
    }
    if (audit->lines >= AUDIT_PER_SECOND) {
        audit->left_out++;
        return false;
    }
    audit->lines++;
    if (audit->left_out > 0)
        snprintf(left_out, NUMBER_BYTES, "%u", audit->left_out);
    audit->left_out = 0;
    return true;
}

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

void audit_credential(struct core *core, const char *what, const char *why)
{
    char left_out[NUMBER_BYTES];
    if (admit(core, left_out))
        log_event(LOG_WARN, "audit.credential_refused", "for", what, "why", why, "left_out",
                  or_null(left_out), NULL);
}

void audit_mismatch(struct core *core, const struct identity *who, const char *what,
                    struct slice named)
{
    char left_out[NUMBER_BYTES];
    char tenant[64]; /* whatever they sent: cut to what a name could be */
    if (!admit(core, left_out))
        return;
    snprintf(tenant, sizeof tenant, "%.*s", SLICE_FMT(named));
    log_event(LOG_WARN, "audit.tenant_mismatch", "in", what, "tenant", who->context.tenant, "user",
              who->context.user, "named", tenant, "left_out", or_null(left_out), NULL);
}
