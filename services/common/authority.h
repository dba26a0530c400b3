/* authority.h - who may do what to which users. The grammar is that of docs/permissions.md. Pure.
 * Whoever has admin:users may do everything to everybody; with admin:TENANT/users only to users of
 * that tenant, only with permissions that they have themselves. */
#ifndef SERVICES_COMMON_AUTHORITY_H
#define SERVICES_COMMON_AUTHORITY_H

#include <stdbool.h>
#include <stddef.h>

enum authority { AUTHORITY_NONE, AUTHORITY_TENANT, AUTHORITY_ALL };

struct permission_list {
    const char *tenant; /* of whoever has them */
    const char *const *texts;
    size_t n;
};

/* A text that the broker would understand. */
bool permission_is_valid(const char *text);
/* Over the users of that tenant. */
enum authority authority_over(const struct permission_list *own, const char *tenant);
/* May whoever has `own` do all that `theirs` allow? */
bool authority_covers(const struct permission_list *own, const struct permission_list *theirs);

#endif
