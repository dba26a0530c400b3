/* audit.h - what an operator wants to know about refusals that smell: bad credentials,
 * other tenants' names. Strangers can cause them as fast as they can send, so lines are
 * limited to AUDIT_PER_SECOND; the next line says how many were left out. Never contains
 * a credential or a payload. */
#ifndef CORE_AUDIT_H
#define CORE_AUDIT_H

#include "base/slice.h"

#include <stdint.h>

#define AUDIT_PER_SECOND 20u

struct core;
struct identity;

struct audit {
    uint64_t second; /* of the newest line */
    uint32_t lines, left_out;
};

/* A credential was refused; `why` names its defect. */
void audit_credential(struct core *core, const char *what, const char *why);
/* Somebody named a tenant that is not theirs. */
void audit_mismatch(struct core *core, const struct identity *who, const char *what,
                    struct slice named);

#endif
