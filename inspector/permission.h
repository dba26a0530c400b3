/* permission.h - the grammar of docs/permissions.md, to find a slip of the pen before it is
 * signed into a token. Pure. */
#ifndef INSPECTOR_PERMISSION_H
#define INSPECTOR_PERMISSION_H

#include <stdbool.h>

/* "verb:pattern" or "verb:tenant/pattern" with a verb the broker knows. */
bool permission_valid(const char *text);

#endif
